package api

import (
	"sync"
	"time"
)

// tally counts per key what is to be told now and then rather than every time.
type tally struct {
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	keys map[string]*count
}

// count is what was not told yet of a key, and when something was told last.
type count struct {
	pending uint64
	told    time.Time
}

func newTally(every time.Duration, now func() time.Time) *tally {
	return &tally{every: every, now: now, keys: make(map[string]*count)}
}

// add counts one and returns how many are to be told now: the first at once, later
// ones together once the time has passed; zero for none yet.
func (t *tally) add(key string) uint64 {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.keys[key]
	if c == nil {
		if len(t.keys) >= maxKeys {
			clear(t.keys) // what was not told is lost before memory is
		}
		c = &count{told: now.Add(-t.every)}
		t.keys[key] = c
	}
	c.pending++
	if now.Sub(c.told) < t.every {
		return 0
	}
	n := c.pending
	c.pending, c.told = 0, now
	return n
}
