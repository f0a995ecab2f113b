package delivery

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

const (
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// refusedPause is the pause after the collector said no to this laptop: long,
	// because only a person can change that.
	refusedPause = 6 * time.Hour
	// longestHint bounds how long a collector can ask the agent to stay away.
	longestHint = time.Hour
)

// Backoff is exponential backoff with full jitter: each pause is drawn evenly
// from zero to a ceiling that doubles, so that many laptops that failed together
// do not come back together. The zero value is not usable; see NewBackoff.
type Backoff struct {
	failures int
	random   func() float64
}

// NewBackoff returns a Backoff that draws from random, which returns 0 to 1.
func NewBackoff(random func() float64) *Backoff { return &Backoff{random: random} }

// Reset starts over after a success.
func (b *Backoff) Reset() { b.failures = 0 }

// Next returns the pause after a failure. A hint from the collector in the
// error's details is obeyed and the jitter added to it.
func (b *Backoff) Next(err error) time.Duration {
	ceiling := longestPause
	// Beyond this many doublings the ceiling is reached anyway.
	if b.failures < 16 {
		ceiling = min(firstPause<<b.failures, longestPause)
	}
	b.failures++
	return hint(err) + time.Duration(b.random()*float64(ceiling))
}

// Refused returns the pause after a refusal.
func (b *Backoff) Refused() time.Duration {
	return refusedPause/2 + time.Duration(b.random()*float64(refusedPause))
}

// hint returns the pause that the collector asked for, zero if it asked for none.
func hint(err error) time.Duration {
	refused, ok := status.FromError(err)
	if !ok {
		return 0
	}
	for _, detail := range refused.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return min(max(info.GetRetryDelay().AsDuration(), 0), longestHint)
		}
	}
	return 0
}

// Pause waits, or returns the error of ctx when that is done first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
