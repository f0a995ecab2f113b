package demo

import (
	"sync"
	"time"
)

// clock is the collector's: the simulation's until it has caught up, the wall's from then on.
type clock struct {
	mu sync.Mutex
	at time.Time // zero: the wall clock
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// join makes it the wall clock.
func (c *clock) join() { c.set(time.Time{}) }
