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
)

// Limits of enrolment per secret, from wherever: a roll-out to a whole company keeps
// within it or comes back a little later, a secret that leaked is not spent at once.
const (
	secretRate  = rate.Limit(10) // a second
	secretBurst = 500
)

// Limits of what one device delivers, in reports. A laptop that was away for weeks
// delivers its whole spool at once; what is more than that comes as fast as no
// agent observes, and would be at the expense of others.
const (
	reportRate  = rate.Limit(10) // a second
	reportBurst = 4096
	// reportSize is how many bytes of a batch count as a report.
	reportSize = 4 << 10
)

// maxKeys bounds the memory that keys of a limiter can fill.
const maxKeys = 16384

// limiter counts what comes per key: an address, a device.
type limiter[K comparable] struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu      sync.Mutex
	buckets map[K]*rate.Limiter
}

func newLimiter[K comparable](perSecond rate.Limit, burst int, now func() time.Time) *limiter[K] {
	return &limiter[K]{rate: perSecond, burst: burst, now: now, buckets: make(map[K]*rate.Limiter)}
}

// take counts n and returns how long to wait first; zero means go ahead. More than
// the burst counts as the burst.
func (l *limiter[K]) take(key K, n int) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[key]
	if !ok {
		l.makeRoom(now)
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.buckets[key] = bucket
	}
	reserved := bucket.ReserveN(now, min(n, l.burst))
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// makeRoom forgets keys that have been quiet, and if there are too many busy ones,
// some of those: the bound on memory goes before the bound on calls.
func (l *limiter[K]) makeRoom(now time.Time) {
	if len(l.buckets) < maxKeys {
		return
	}
	for key, bucket := range l.buckets {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < maxKeys {
			return
		}
		delete(l.buckets, key)
	}
}

// hostOf is what one host has whole: its IPv4 address, or its IPv6 /64.
func hostOf(from netip.Addr) netip.Addr {
	if from.Is6() {
		return netip.PrefixFrom(from, 64).Masked().Addr()
	}
	return from
}
