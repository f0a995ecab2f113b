package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const day = 24 * time.Hour

// remember stores a report, an event, an outbox row and an audit entry for each day
// from start on.
func remember(t *testing.T, s store.Store, days int) {
	t.Helper()
	for n := range days {
		at := start.Add(time.Duration(n) * day)
		must(t, s.Commit(t.Context(), []store.Change{{
			Device:  device("d1", "S", "clear", 0),
			Reports: []store.Report{{Device: "d1", BootID: "b1", Sequence: uint64(n + 1), ObservedAt: at, ReceivedAt: at, Body: []byte{1}}},
			Events:  []*fleetv1.Event{{At: timestamppb.New(at), Kind: "k"}},
			Outbox:  []store.OutboxRow{{Key: fmt.Sprint("k", n), Device: "d1", Body: []byte("{}"), CreatedAt: at}},
			Chain:   &store.Chain{Device: "d1", Current: []byte{byte(n)}, BootID: "b1"},
			Audit:   []store.AuditEntry{{At: at, Actor: "a", Action: "x"}},
		}}))
	}
}

// left returns how many events, audit entries and outbox rows there are.
func left(t *testing.T, s store.Store) (events, audit, outbox int) {
	t.Helper()
	happened, err := s.Timeline(t.Context(), "d1", time.Time{}, 1000)
	must(t, err)
	log, err := s.AuditLog(t.Context(), time.Time{}, 1000)
	must(t, err)
	rows, err := s.PendingOutbox(t.Context(), "who reads all", 1000)
	must(t, err)
	return len(happened), len(log), len(rows)
}

// forget forgets in steps and returns how much it was.
func forget(t *testing.T, s store.Store, before store.Horizons, limit int) (all int) {
	t.Helper()
	for {
		n, err := s.Forget(t.Context(), before, limit)
		must(t, err)
		if all += n; n > limit {
			t.Errorf("%d were forgotten at once, of at most %d", n, limit)
		}
		if n < limit {
			return all
		}
	}
}

func testForget(t *testing.T, s store.Store) {
	remember(t, s, 20)
	must(t, s.AckOutbox(t.Context(), "siem", 20))
	on := func(n int) time.Time { return start.Add(time.Duration(n) * day) }
	h := store.Horizons{Reports: on(15), Events: on(10), Audit: on(7), Outbox: on(5), Outputs: []string{"siem"}, Receipts: on(25)}
	if n := forget(t, s, h, 4); n != 15+10+7+5 {
		t.Errorf("%d were forgotten, want 15 reports, 10 events, 7 audit entries and 5 outbox rows", n)
	}
	if events, audit, outbox := left(t, s); events != 10 || audit != 13 || outbox != 15 {
		t.Errorf("%d events, %d audit entries and %d outbox rows are left", events, audit, outbox)
	}
	if n := forget(t, s, h, 4); n != 0 {
		t.Errorf("%d were forgotten again", n)
	}
	// The device, what it stands at and what was committed are no history.
	_, err := s.Device(t.Context(), "d1")
	must(t, err)
	_, err = s.Chain(t.Context(), "d1")
	must(t, err)
	if highest, err := s.HighestSequence(t.Context(), "d1", "b1"); err != nil || highest != 20 {
		t.Errorf("highest sequence %d, %v; redelivery would count again", highest, err)
	}
	// A report that comes again after it was forgotten is known by its receipt; the
	// store itself need not refuse it, and what follows is stored as ever.
	remember(t, s, 1)
	if highest, err := s.HighestSequence(t.Context(), "d1", "b1"); err != nil || highest != 20 {
		t.Errorf("after an old report came again: highest sequence %d, %v", highest, err)
	}
}

func testForgetNothing(t *testing.T, s store.Store) {
	remember(t, s, 3)
	if n := forget(t, s, store.Horizons{Outputs: []string{"siem"}}, 10); n != 0 {
		t.Errorf("%d were forgotten without a horizon", n)
	}
	if events, audit, outbox := left(t, s); events != 3 || audit != 3 || outbox != 3 {
		t.Errorf("%d events, %d audit entries and %d outbox rows are left of 3 each", events, audit, outbox)
	}
}

func testForgetReceipts(t *testing.T, s store.Store) {
	ctx := t.Context()
	hash := []byte("hash")
	must(t, s.CreateSecret(ctx, store.Secret{ID: "s", Hash: hash, CreatedAt: start}))
	deliver := func(dev, boot string, n uint64, at time.Time) {
		t.Helper()
		must(t, s.Commit(ctx, []store.Change{{
			Device:  device(dev, "S-"+dev, "clear", 0),
			Reports: []store.Report{{Device: dev, BootID: boot, Sequence: n, ObservedAt: at, ReceivedAt: at}},
			Chain:   &store.Chain{Device: dev, Current: []byte{1}, BootID: boot},
		}}))
	}
	for _, dev := range []string{"alive", "silent", "revoked", "revoked lately"} {
		must(t, s.Enroll(ctx, hash, store.Identity{Device: dev, Serial: "S-" + dev, EnrolledAt: start}, start))
		deliver(dev, "first", 5, start)
		deliver(dev, "second", 7, start.Add(day))
	}
	deliver("alive", "first", 6, start.Add(99*day)) // a boot that still delivers is not old
	deliver("alive", "third", 1, start.Add(100*day))
	must(t, s.RevokeIdentity(ctx, "revoked", "", start.Add(2*day)))
	must(t, s.RevokeIdentity(ctx, "revoked lately", "", start.Add(100*day)))
	forget(t, s, store.Horizons{Receipts: start.Add(50 * day)}, 3)
	for _, want := range []struct {
		device, boot string
		highest      uint64
	}{
		{"alive", "first", 6}, {"alive", "second", 0}, {"alive", "third", 1},
		{"silent", "first", 0}, {"silent", "second", 7}, // its last acknowledgement may have been lost
		{"revoked", "first", 0}, {"revoked", "second", 0},
		{"revoked lately", "first", 0}, {"revoked lately", "second", 7},
	} {
		if got, err := s.HighestSequence(ctx, want.device, want.boot); err != nil || got != want.highest {
			t.Errorf("%s, %s boot: highest sequence %d, %v; want %d", want.device, want.boot, got, err, want.highest)
		}
	}
	for dev, stays := range map[string]bool{"alive": true, "silent": true, "revoked": false, "revoked lately": true} {
		if _, err := s.Chain(ctx, dev); stays && err != nil || !stays && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("chain of %s: %v", dev, err)
		}
	}
}

func testForgetOutbox(t *testing.T, s store.Store) {
	remember(t, s, 6)
	old := store.Horizons{Outbox: start.Add(100 * day)}
	for _, step := range []struct {
		what string
		do   func() error
		by   []string
		want int
	}{
		{"an output that delivered nothing", nil, []string{"siem"}, 6},
		{"two outputs, of which one delivered", func() error { return s.AckOutbox(t.Context(), "siem", 4) }, []string{"siem", "lake"}, 6},
		{"both delivered, one less", func() error { return s.AckOutbox(t.Context(), "lake", 2) }, []string{"siem", "lake"}, 4},
		{"one of them is no longer there", nil, []string{"siem"}, 2},
	} {
		if step.do != nil {
			must(t, step.do())
		}
		old.Outputs = step.by
		forget(t, s, old, 1)
		if _, _, outbox := left(t, s); outbox != step.want {
			t.Errorf("%s: %d rows are left, want %d", step.what, outbox, step.want)
		}
	}
	old.Outbox, old.Outputs = start.Add(5*day), nil
	forget(t, s, old, 1)
	if _, _, outbox := left(t, s); outbox != 1 {
		t.Errorf("without outputs %d rows are left, want the one that is not old", outbox)
	}
	// Rows that come later are delivered all the same.
	must(t, s.Commit(t.Context(), []store.Change{{Outbox: []store.OutboxRow{{Key: "later", Device: "d1", Body: []byte("{}"), CreatedAt: start}}}}))
	rows, err := s.PendingOutbox(t.Context(), "siem", 10)
	must(t, err)
	if len(rows) != 2 || rows[1].Key != "later" {
		t.Errorf("pending %v", rows)
	}
}
