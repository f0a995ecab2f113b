package collector

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/history"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// maxChanges bounds the changes of the verdict that the history holds of one day: a
// laptop whose verdict flaps says no more by it.
const maxChanges = 8

// history adds to the change what the device's history is to remember.
func (t *turn) history(before *fleetv1.Assessment, m *detect.Moment) error {
	if t.bases == nil {
		return nil
	}
	basis := t.bases.now(t.rules, t.f.Catalog())
	for i := range t.course.Ends {
		if err := t.row(history.DayEnd, &t.course.Ends[i], basis); err != nil {
			return err
		}
	}
	was := before.GetVerdict()
	if was == "" {
		was = "clear"
	}
	if m.After.GetAssessment().GetVerdict() == was || m.After.GetChanges() >= maxChanges {
		return nil
	}
	m.After.Changes++
	return t.row(history.Change, m, basis)
}

func (t *turn) row(occasion string, m *detect.Moment, basis *store.Basis) error {
	device := m.Device.GetId()
	past, err := history.Past(occasion, m.After.GetAssessment(), timestamppb.New(m.At), timestamppb.New(t.now))
	if err != nil {
		return err
	}
	inputs, err := history.PackInputs(&fleetv1.VerdictInputs{Device: m.Device, Before: m.Before})
	if err != nil {
		return fmt.Errorf("remember the verdict on device %s: %w", device, err)
	}
	t.done.Verdicts = append(t.done.Verdicts, store.Verdict{Device: device, Past: past, Inputs: inputs, Basis: basis})
	return nil
}

// bases name what verdicts are judged by.
type bases struct {
	collector string
	roster    func() string

	mu   sync.Mutex
	last store.Basis
	// shared is last as it was handed out.
	shared *store.Basis
}

// now returns what a judgement by rules and a catalogue is judged by.
func (b *bases) now(rules *detect.Rules, c *catalog.Catalog) *store.Basis {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.last
	next.Collector, next.Roster = b.collector, b.roster()
	if next.Rules.Digest != rules.Digest() {
		next.Rules = packed(rules.Digest(), rules.Bundle)
	}
	if next.Catalog.Digest != c.Digest() {
		next.Catalog = packed(c.Digest(), c.Bytes)
	}
	if b.shared == nil || next.Rules.Digest != b.last.Rules.Digest || next.Catalog.Digest != b.last.Catalog.Digest || next.Roster != b.last.Roster {
		b.last, b.shared = next, &next
	}
	return b.shared
}

func packed(digest string, body func() []byte) store.Content {
	return store.Content{Digest: digest, Body: sync.OnceValues(func() ([]byte, error) { return history.Pack(body()) })}
}

// rosterVersion names the roster in force; empty without one.
func (c *Collector) rosterVersion() string { return c.books.Version() }

// sweep assesses everybody at a moment.
func (c *Collector) sweep(ctx context.Context, at time.Time) error {
	if err := c.pipeline.Sweep(ctx, at); err != nil {
		return err
	}
	c.swept.Store(at.UnixMilli())
	return nil
}

// standing returns a stored assessment as it is shown. One that said the same when
// everybody was assessed was not stored again, and is of then all the same.
func (c *Collector) standing(a *fleetv1.Assessment) *fleetv1.Assessment {
	if a == nil {
		return nil
	}
	a = proto.CloneOf(a)
	c.judge.detector.Load().Dress(a)
	if swept := time.UnixMilli(c.swept.Load()).UTC(); swept.After(a.GetAssessedAt().AsTime()) {
		a.AssessedAt = timestamppb.New(swept)
	}
	return a
}
