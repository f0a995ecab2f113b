package api

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of enrolment per peer address. An office may enrol hundreds of laptops
// from one address in a morning; a flood of guesses is what is kept out.
const (
	enrollRate  = rate.Limit(5) // a second
	enrollBurst = 100
	// maxAddresses bounds the memory that addresses can fill.
	maxAddresses = 16384
)

// limiter counts calls per address, IPv6 by its /64, which one host has whole.
type limiter struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[netip.Addr]*rate.Limiter
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, buckets: make(map[netip.Addr]*rate.Limiter)}
}

// take counts one call and returns how long to wait first; zero means go ahead.
func (l *limiter) take(from netip.Addr) time.Duration {
	if from.Is6() {
		from = netip.PrefixFrom(from, 64).Masked().Addr()
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[from]
	if !ok {
		l.makeRoom(now)
		bucket = rate.NewLimiter(enrollRate, enrollBurst)
		l.buckets[from] = bucket
	}
	reserved := bucket.ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// makeRoom forgets addresses that have been quiet, and if there are too many busy
// ones, some of those: the bound on memory goes before the bound on calls.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxAddresses {
		return
	}
	for from, bucket := range l.buckets {
		if bucket.TokensAt(now) >= enrollBurst {
			delete(l.buckets, from)
		}
	}
	for from := range l.buckets {
		if len(l.buckets) < maxAddresses {
			return
		}
		delete(l.buckets, from)
	}
}
