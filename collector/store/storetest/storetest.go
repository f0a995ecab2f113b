// Package storetest is the one suite that every store must pass. It is imported
// by the tests of stores only.
package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Run runs the suite on stores that open gives, each empty.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, store.Store){
		"reports are stored once":              testReportsOnce,
		"a change commits whole or not at all": testAtomic,
		"events need a device":                 testEventsNeedADevice,
		"each device":                          testEachDevice,
		"devices in pages":                     testPages,
		"finding a device":                     testFind,
		"one standing alert":                   testAlerts,
		"timeline":                             testTimeline,
		"outbox order":                         testOutbox,
		"secrets":                              testSecrets,
		"a secret's uses under concurrency":    testConcurrentEnrol,
		"identities and tokens":                testAccess,
		"settings":                             testSettings,
		"a laptop that enrols anew":            testSupersede,
		"refusals and trust":                   testNotes,
		"chains":                               testChains,
		"an epoch":                             testEpoch,
		"what is old is forgotten":             testForget,
		"zero horizons keep everything":        testForgetNothing,
		"what recognises redelivery":           testForgetReceipts,
		"what an output has yet to deliver":    testForgetOutbox,
		"versions of the roster":               testRoster,
		"old versions of the roster":           testForgetRoster,
		"conflicting versions of the roster":   testRosterConflict,
		"verdicts":                             testVerdicts,
		"verdicts and what they rest on go":    testForgetVerdicts,
		"a verdict is stored whole":            testVerdictWhole,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func device(id, serial, verdict string, risk float64) *store.Device {
	return &store.Device{
		Summary:   &fleetv1.DeviceSummary{Id: id, Serial: serial, Hostname: "host-" + id, Verdict: verdict, Risk: risk},
		Picture:   &fleetv1.Picture{Id: id, Serial: serial},
		Judgement: &fleetv1.Judgement{Assessment: &fleetv1.Assessment{Device: id, Verdict: verdict, Risk: risk}},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testReportsOnce(t *testing.T, s store.Store) {
	ctx := t.Context()
	report := store.Report{Device: "d1", BootID: "b1", Sequence: 3, ObservedAt: start, ReceivedAt: start, Peer: "192.0.2.1:5", Body: []byte{1}}
	for range 2 {
		must(t, s.Commit(ctx, []store.Change{{Device: device("d1", "S", "clear", 0), Reports: []store.Report{report}}}))
	}
	late := report
	late.Sequence = 2
	must(t, s.Commit(ctx, []store.Change{{Reports: []store.Report{late}}}))
	for boot, want := range map[string]uint64{"b1": 3, "b2": 0} {
		got, err := s.HighestSequence(ctx, "d1", boot)
		must(t, err)
		if got != want {
			t.Errorf("highest sequence of %s is %d, want %d", boot, got, want)
		}
	}
}

func testAtomic(t *testing.T, s store.Store) {
	ctx := t.Context()
	standing := &fleetv1.Alert{Id: "a1", Device: "d1", State: "open", OpenedAt: timestamppb.New(start)}
	must(t, s.Commit(ctx, []store.Change{{Device: device("d1", "S", "likely", 0.7), Alerts: []*fleetv1.Alert{standing}}}))
	// The second standing alert of one device is refused, in the middle of a group.
	err := s.Commit(ctx, []store.Change{
		{Device: device("d2", "S2", "clear", 0)},
		{Device: device("d1", "S", "near_certain", 0.99), Alerts: []*fleetv1.Alert{{Id: "a2", Device: "d1", State: "open", OpenedAt: timestamppb.New(start)}}},
		{Device: device("d3", "S3", "clear", 0)},
	})
	if err == nil {
		t.Fatal("two standing alerts of one device were accepted")
	}
	for _, id := range []string{"d2", "d3"} {
		if _, err := s.Device(ctx, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s was stored by a commit that failed: %v", id, err)
		}
	}
	got, err := s.Device(ctx, "d1")
	must(t, err)
	if got.Summary.GetVerdict() != "likely" {
		t.Errorf("d1 has the verdict %q of a commit that failed", got.Summary.GetVerdict())
	}
}

func testEventsNeedADevice(t *testing.T, s store.Store) {
	lost := &fleetv1.Event{At: timestamppb.New(start), Kind: "k"}
	if err := s.Commit(t.Context(), []store.Change{{Events: []*fleetv1.Event{lost}}}); err == nil {
		t.Error("an event of no device was stored")
	}
}

func testEachDevice(t *testing.T, s store.Store) {
	ctx := t.Context()
	const count = 300 // more than a store reads at once
	var changes []store.Change
	for i := range count {
		changes = append(changes, store.Change{Device: device(fmt.Sprintf("d%03d", i), "S", "clear", 0)})
	}
	must(t, s.Commit(ctx, changes))
	seen := map[string]int{}
	must(t, s.EachDevice(ctx, func(d *store.Device) error {
		id := d.Summary.GetId()
		seen[id]++
		// fn may read, and may write what is listed.
		if _, err := s.Device(ctx, id); err != nil {
			return err
		}
		return s.Commit(ctx, []store.Change{{Device: device(id, "S", "watch", float64(len(seen))/count)}})
	}))
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	watched, _, err := s.Devices(ctx, store.DeviceFilter{Verdicts: []string{"watch"}, Limit: 2 * count})
	must(t, err)
	if len(seen) != count || len(watched) != count {
		t.Errorf("%d devices came and %d were written, want %d", len(seen), len(watched), count)
	}
	stop, calls := errors.New("stop"), 0
	err = s.EachDevice(ctx, func(*store.Device) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("after an error: %v, %d calls", err, calls)
	}
}

func testPages(t *testing.T, s store.Store) {
	ctx := t.Context()
	var changes []store.Change
	for i := range 25 {
		verdict := []string{"clear", "likely"}[i%2]
		changes = append(changes, store.Change{Device: device(fmt.Sprintf("d%02d", i), fmt.Sprint("S", i), verdict, float64(i/5)/10)})
	}
	must(t, s.Commit(ctx, changes))
	var (
		seen  []string
		after string
		last  = 2.0
	)
	for {
		rows, next, err := s.Devices(ctx, store.DeviceFilter{Limit: 4, After: after})
		must(t, err)
		for _, r := range rows {
			if r.GetRisk() > last {
				t.Errorf("%s with risk %v follows %v", r.GetId(), r.GetRisk(), last)
			}
			last = r.GetRisk()
			seen = append(seen, r.GetId())
		}
		if after = next; after == "" {
			break
		}
	}
	unique := map[string]bool{}
	for _, id := range seen {
		unique[id] = true
	}
	if len(seen) != 25 || len(unique) != 25 {
		t.Errorf("pages gave %d rows, %d devices; want 25 of each", len(seen), len(unique))
	}
	for _, token := range []string{"!", "bm90IGpzb24"} {
		if _, _, err := s.Devices(ctx, store.DeviceFilter{Limit: 4, After: token}); !errors.Is(err, store.ErrPage) {
			t.Errorf("page token %q: %v", token, err)
		}
	}
	likely, _, err := s.Devices(ctx, store.DeviceFilter{Verdicts: []string{"likely"}, Limit: 100})
	must(t, err)
	named, _, err := s.Devices(ctx, store.DeviceFilter{Prefix: "host-d1", Limit: 100})
	must(t, err)
	if len(likely) != 12 || len(named) != 10 {
		t.Errorf("%d likely and %d named host-d1…, want 12 and 10", len(likely), len(named))
	}
}

func testFind(t *testing.T, s store.Store) {
	ctx := t.Context()
	must(t, s.Commit(ctx, []store.Change{{Device: device("abc1", "X1", "clear", 0)}, {Device: device("abd2", "X2", "clear", 0)}, {Device: device("ffff", "X2", "clear", 0)}}))
	for name, want := range map[string]string{"abc1": "abc1", "abc": "abc1", "X1": "abc1", "f": "ffff"} {
		got, err := s.FindDevice(ctx, name)
		must(t, err)
		if got.Summary.GetId() != want {
			t.Errorf("%s found %s, want %s", name, got.Summary.GetId(), want)
		}
	}
	for name, want := range map[string]error{"ab": store.ErrAmbiguous, "X2": store.ErrAmbiguous, "zz": store.ErrNotFound, "%": store.ErrNotFound} {
		if _, err := s.FindDevice(ctx, name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

func testAlerts(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.OpenAlert(ctx, "d1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("open alert of an unknown device: %v", err)
	}
	first := &fleetv1.Alert{Id: "a1", Device: "d1", State: "open", OpenedAt: timestamppb.New(start)}
	must(t, s.Commit(ctx, []store.Change{{Alerts: []*fleetv1.Alert{first}}}))
	first.State, first.Reason = "closed", "benign"
	second := &fleetv1.Alert{Id: "a2", Device: "d1", State: "open", OpenedAt: timestamppb.New(start.Add(time.Hour))}
	must(t, s.Commit(ctx, []store.Change{{Alerts: []*fleetv1.Alert{first, second}}}))
	open, err := s.OpenAlert(ctx, "d1")
	must(t, err)
	all, err := s.Alerts(ctx, store.AlertFilter{Device: "d1", Limit: 10})
	must(t, err)
	if diff := cmp.Diff([]*fleetv1.Alert{second, first}, all, protocmp.Transform()); diff != "" || open.GetId() != "a2" {
		t.Errorf("open %s, all:\n%s", open.GetId(), diff)
	}
	closed, err := s.Alerts(ctx, store.AlertFilter{States: []string{"closed"}, Limit: 10})
	must(t, err)
	if len(closed) != 1 || closed[0].GetReason() != "benign" {
		t.Errorf("closed alerts: %v", closed)
	}
}

func testTimeline(t *testing.T, s store.Store) {
	ctx := t.Context()
	var events []*fleetv1.Event
	for i := range 5 {
		events = append(events, &fleetv1.Event{At: timestamppb.New(start.Add(time.Duration(i) * time.Hour)), Kind: fmt.Sprint("k", i)})
	}
	must(t, s.Commit(ctx, []store.Change{{Device: device("d1", "S", "clear", 0), Events: events}}))
	got, err := s.Timeline(ctx, "d1", start.Add(time.Hour), 2)
	must(t, err)
	if diff := cmp.Diff(events[3:], got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func testOutbox(t *testing.T, s store.Store) {
	ctx := t.Context()
	put := func(keys ...string) {
		var rows []store.OutboxRow
		for _, k := range keys {
			rows = append(rows, store.OutboxRow{Key: k, Device: "d1", Body: []byte(k), CreatedAt: start})
		}
		must(t, s.Commit(ctx, []store.Change{{Outbox: rows}}))
	}
	keys := func(output string) (out []string, last int64) {
		rows, err := s.PendingOutbox(ctx, output, 10)
		must(t, err)
		for _, r := range rows {
			out, last = append(out, r.Key), r.ID
		}
		return out, last
	}
	put("a", "b")
	put("b", "c") // b again: one event, one row
	got, last := keys("file")
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Error(diff)
	}
	must(t, s.AckOutbox(ctx, "file", last))
	must(t, s.AckOutbox(ctx, "file", last-1)) // an old position never comes back
	put("d")
	file, _ := keys("file")
	other, _ := keys("other")
	if len(file) != 1 || len(other) != 4 {
		t.Errorf("file has %v pending, other %v", file, other)
	}
}

func testSecrets(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, x := range []store.Secret{
		{ID: "once", Hash: []byte("h-once"), MaxUses: 1, CreatedAt: start},
		{ID: "old", Hash: []byte("h-old"), CreatedAt: start, ExpiresAt: start.Add(time.Hour)},
		{ID: "gone", Hash: []byte("h-gone"), CreatedAt: start},
	} {
		must(t, s.CreateSecret(ctx, x))
	}
	must(t, s.RevokeSecret(ctx, "gone", start))
	must(t, s.RevokeSecret(ctx, "gone", start.Add(time.Hour)))
	if err := s.RevokeSecret(ctx, "none", start); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("revoking an unknown secret: %v", err)
	}
	enrol := func(hash, device string, at time.Time) error {
		return s.Enroll(ctx, []byte(hash), store.Identity{Device: device, Serial: "S"}, at)
	}
	must(t, enrol("h-once", "d1", start))
	must(t, enrol("h-once", "d1", start)) // the answer was lost
	for _, tt := range []struct {
		hash string
		at   time.Time
		want error
	}{
		{"h-once", start, store.ErrSpent},
		{"h-old", start.Add(time.Hour), store.ErrExpired},
		{"h-gone", start, store.ErrRevoked},
		{"h-none", start, store.ErrNotFound},
	} {
		if err := enrol(tt.hash, "d2", tt.at); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.hash, err, tt.want)
		}
	}
	if _, err := s.Identity(ctx, "d2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refused device has an identity: %v", err)
	}
	all, err := s.Secrets(ctx)
	must(t, err)
	for _, x := range all {
		if x.ID == "once" && x.Uses != 1 || x.ID == "gone" && !x.RevokedAt.Equal(start) {
			t.Errorf("secret %+v", x)
		}
	}
}

func testConcurrentEnrol(t *testing.T, s store.Store) {
	ctx := t.Context()
	must(t, s.CreateSecret(ctx, store.Secret{ID: "x", Hash: []byte("h"), MaxUses: 7, CreatedAt: start}))
	var (
		group sync.WaitGroup
		won   atomic.Int32
	)
	for i := range 20 {
		group.Go(func() {
			switch err := s.Enroll(ctx, []byte("h"), store.Identity{Device: fmt.Sprint("d", i)}, start); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrSpent):
				t.Errorf("device %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if won.Load() != 7 {
		t.Errorf("%d devices enrolled with a secret of 7 uses", won.Load())
	}
}

func testAccess(t *testing.T, s store.Store) {
	ctx := t.Context()
	must(t, s.CreateSecret(ctx, store.Secret{ID: "x", Hash: []byte("h"), CreatedAt: start}))
	must(t, s.Enroll(ctx, []byte("h"), store.Identity{Device: "d1", Serial: "S1"}, start))
	must(t, s.Commit(ctx, []store.Change{{Device: device("d1", "S1", "clear", 0)}}))
	must(t, s.RevokeIdentity(ctx, "d1", "lost", start.Add(time.Hour)))
	if d, err := s.Device(ctx, "d1"); err != nil || !d.Summary.GetRevoked() {
		t.Errorf("a revoked device does not say so: %v", err)
	}
	if all, _, err := s.Devices(ctx, store.DeviceFilter{Limit: 10}); err != nil || len(all) != 1 || !all[0].GetRevoked() {
		t.Errorf("a revoked device is not listed as such: %v, %v", all, err)
	}
	id, err := s.Identity(ctx, "d1")
	must(t, err)
	if diff := cmp.Diff(store.Identity{Device: "d1", Serial: "S1", SecretID: "x", EnrolledAt: start, RevokedAt: start.Add(time.Hour), RevokeNote: "lost"}, id); diff != "" {
		t.Error(diff)
	}
	token := store.Token{ID: "t1", Hash: []byte("th"), Name: "ann", Role: "viewer", CreatedAt: start}
	must(t, s.CreateToken(ctx, token))
	must(t, s.RevokeToken(ctx, "t1", start))
	token.RevokedAt = start
	got, err := s.TokenByHash(ctx, []byte("th"))
	must(t, err)
	if diff := cmp.Diff(token, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.TokenByHash(ctx, []byte("none")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown token: %v", err)
	}
	entry := store.AuditEntry{At: start, Actor: "ann", Action: "device.read", Object: "d1"}
	must(t, s.Audit(ctx, entry))
	decided := store.AuditEntry{At: start, Actor: "ann", Action: "alert.closed", Object: "a1", Detail: "benign"}
	must(t, s.Commit(ctx, []store.Change{{Audit: []store.AuditEntry{decided}}}))
	log, err := s.AuditLog(ctx, start, 10)
	must(t, err)
	if diff := cmp.Diff([]store.AuditEntry{entry, decided}, log); diff != "" {
		t.Error(diff)
	}
}

func testSettings(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.Setting(ctx, "epoch"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown setting: %v", err)
	}
	for _, value := range []string{"first", "second"} {
		got, err := s.PutSettingIfAbsent(ctx, "epoch", []byte(value))
		must(t, err)
		if string(got) != "first" {
			t.Errorf("setting is %q, want the first value to stand", got)
		}
	}
}
