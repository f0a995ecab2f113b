// Package hands is the sense for whose hands are on the laptop: seconds with input by
// where it came from, the rhythm of its pauses, camera and microphone, and whether
// assistive technology runs.
//
// Input is reduced at once to when it came, from which device, and whether it was a
// key; no code, position or text is looked at further, kept or sent. Nothing is
// grabbed: whatever the sense reads, everybody else reads as well. What cannot be
// seen is absent, and the sense says so. The package imports proto/,
// agent/sensor/host, agent/sensor/hardware, which says what a USB device is, and the
// helpers in agent/sensor/internal.
package hands

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Name is the sense's name in health facts.
const Name = "hands"

// Sensor is the sense. It begins to count with the first Observe and ends with Close.
type Sensor struct {
	host    host.Host
	catalog atomic.Pointer[catalog.Catalog]
	ledger  *ledger
	system  system

	mu      sync.Mutex
	counted counted
}

// counted is what Observe tells Count: how much of the input is seen, at the least
// since the window began, and the states that are seconds of it.
type counted struct {
	now, least sight
	looked     bool
	// lookedAt is when the last look ended, usual how long after the one before, both
	// in milliseconds.
	lookedAt, usual int64
	assistive, call gauge
}

// expire has nothing count as seen that was not looked at for long: longer than states
// are believed and than two looks usually take.
func (c *counted) expire(now int64) {
	if c.looked && now-c.lookedAt > max(gaugePatience, 2*c.usual) {
		c.now, c.least = blind, blind
	}
}

// note takes in a look.
func (c *counted) note(found state, now int64) {
	c.expire(now)
	if c.looked {
		c.usual = now - c.lookedAt
	} else {
		c.looked, c.least = true, found.input
	}
	c.lookedAt, c.now, c.least = now, found.input, min(c.least, found.input)
	c.assistive.set(found.assistive, now)
	c.call.set(found.call, now)
}

// New returns the sense for a host. The catalogue says which devices are remote
// consoles.
func New(h host.Host, c *catalog.Catalog) *Sensor {
	s := &Sensor{host: h, ledger: newLedger(monotonic())}
	s.catalog.Store(c)
	s.system = newSystem(s)
	return s
}

// Name returns the sense's name.
func (s *Sensor) Name() string { return Name }

// UseCatalog gives the sense another catalogue. Devices that are known keep their
// place until they are plugged in again.
func (s *Sensor) UseCatalog(c *catalog.Catalog) { s.catalog.Store(c) }

// state is what one observation found.
type state struct {
	// input is how much of the input is being counted.
	input sight
	// assistive and call are nil where that cannot be known.
	assistive, call *bool
	presence        *farmhoundv1.Presence
	// details say what is missing.
	details []string
}

// Observe fills Presence.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	found := s.system.look(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	into.Presence = found.presence
	if into.Presence == nil {
		into.Presence = &farmhoundv1.Presence{} // or what was known once would be taken for still so
	}
	now := s.ledger.clock()
	s.mu.Lock()
	s.counted.note(found, now)
	s.mu.Unlock()
	return host.Hidden(found.details...)
}

// Count fills ActiveSeconds, Input, Rhythm, AssistiveSeconds and CallSeconds.
func (s *Sensor) Count(w *farmhoundv1.Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.ledger.clock()
	s.counted.expire(now)
	s.ledger.count(w, s.counted.least)
	s.counted.least = s.counted.now
	w.AssistiveSeconds = s.counted.assistive.drain(now)
	w.CallSeconds = s.counted.call.drain(now)
}

// Close ends the counting.
func (s *Sensor) Close() error { return s.system.close() }
