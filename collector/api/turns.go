package api

import (
	"net"
	"sync"
	"time"
)

// turnsWithin is how close together a connection must come back twice.
const turnsWithin = time.Hour

// turns notices a device that uses two connections by turns. An agent has one and
// replaces it: what it had sent on the one before may still arrive after the first
// call on the new one, once. A connection that comes back a second time has
// a laptop of its own at its end.
type turns struct {
	now func() time.Time

	mu     sync.Mutex
	opened uint64
	// last is the connection that each device used last, as long as it is open.
	last map[string]*line
}

// line is one connection in turns.
type line struct {
	net.Conn
	turns  *turns
	number uint64 // in the order of opening

	// Both are turns' to lock.
	device string
	back   time.Time // when it last came back
}

func newTurns(now func() time.Time) *turns {
	return &turns{now: now, last: make(map[string]*line)}
}

func (t *turns) open(c net.Conn) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opened++
	return &line{Conn: c, turns: t, number: t.opened}
}

// called notes a call of a device and reports whether the connection came back again
// after a newer one was used. Nil is a connection nothing is known of.
func (l *line) called(device string) bool {
	if l == nil {
		return false
	}
	t := l.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.last[device]
	t.last[device], l.device = l, device
	if before == nil || before.number <= l.number {
		return false
	}
	now := t.now()
	again := !l.back.IsZero() && now.Sub(l.back) <= turnsWithin
	l.back = now
	return again
}

// Close closes the connection and forgets it.
func (l *line) Close() error {
	t := l.turns
	t.mu.Lock()
	if t.last[l.device] == l {
		delete(t.last, l.device)
	}
	t.mu.Unlock()
	return l.Conn.Close()
}
