package siem

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func exampleAlert() (*fleetv1.Alert, *fleetv1.Device) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	a := &fleetv1.Alert{
		Id: "0011223344556677", Device: "d1", Serial: "S1", Person: "p1", Title: "Laptop likely hosted and remotely driven",
		Verdict: "likely", Kind: "hosted", Severity: "high", State: "open",
		OpenedAt: timestamppb.New(at), UpdatedAt: timestamppb.New(at),
		Assessment: &fleetv1.Assessment{
			Verdict: "likely", Kind: "hosted", Risk: 0.83,
			Site: &fleetv1.SiteSummary{Id: "s1", Members: []string{"d1", "d2"}},
			Questions: &fleetv1.Questions{
				Remote: &fleetv1.Question{Db: 34, Sentence: "Driven by \"AnyDesk\"\r\nfor 92 % of active time."},
			},
			Evidence: []*fleetv1.Evidence{{
				Signal: "control.share", Title: "Driven remotely", Family: "control", Question: "remote", Db: 24,
				FirstSeen: timestamppb.New(at.Add(-time.Hour)), LastSeen: timestamppb.New(at),
				Because: "AnyDesk, 92 %", Benign: []string{"own desktop"}, Attack: []string{"T1219.002", "T1219"},
			}},
		},
	}
	dev := &fleetv1.Device{
		Id: "d1", Serial: "S1",
		System: &farmhoundv1.System{Hostname: "lap-1", Os: farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX},
		Egress: &fleetv1.Egress{Address: "203.0.113.9", Country: "US"},
		Operator: &fleetv1.Operator{Peers: []*fleetv1.Peer{
			{Address: "198.51.100.7", Tool: "anydesk"}, {Address: "198.51.100.7", Tool: "rustdesk"}, {Address: "2001:db8::7"},
		}},
	}
	return a, dev
}

// TestFindingMeetsTheClass holds the constraints of OCSF 1.8.0's Detection
// Finding (class 2004), stated here by hand: required attributes, enumerations
// and the class arithmetic.
func TestFindingMeetsTheClass(t *testing.T) {
	t.Parallel()
	tests := []struct {
		transition, state, reason string
		activity, status          float64
	}{
		{"opened", "open", "", 1, 1},
		{"escalated", "open", "", 2, 1},
		{"new_evidence", "acknowledged", "", 2, 2},
		{"acknowledged", "acknowledged", "", 2, 2},
		{"closed", "closed", "false_positive", 3, 4},
	}
	for _, tt := range tests {
		t.Run(tt.transition, func(t *testing.T) {
			t.Parallel()
			a, dev := exampleAlert()
			a.State, a.Reason = tt.state, tt.reason
			now := a.GetUpdatedAt().AsTime()
			raw, err := Finding(a, dev, tt.transition, now)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.ContainsAny(raw, "\r\n") {
				t.Fatal("a finding must be one line")
			}
			var f map[string]any
			if err := json.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"class_uid": 2004.0, "category_uid": 2.0, "activity_id": tt.activity, "type_uid": 200400 + tt.activity,
				"time": float64(now.UnixMilli()), "severity_id": 4.0, "status_id": tt.status, "is_alert": tt.activity == 1,
				"risk_score": 83.0, "confidence_id": 2.0,
			}
			for k, v := range want {
				if !cmp.Equal(f[k], v) {
					t.Errorf("%s = %v, want %v", k, f[k], v)
				}
			}
			profiles := []any{"host"}
			if tt.reason != "" {
				profiles = append(profiles, "incident")
			}
			if got := f["metadata"].(map[string]any)["profiles"]; !cmp.Equal(got, profiles) {
				t.Errorf("profiles %v, want %v", got, profiles)
			}
			if tt.reason != "" && f["verdict_id"] != 1.0 {
				t.Errorf("verdict_id = %v for a false positive", f["verdict_id"])
			}
			info := f["finding_info"].(map[string]any)
			if info["uid"] != a.GetId() {
				t.Errorf("finding uid %v is not the alert's", info["uid"])
			}
			if got := f["metadata"].(map[string]any)["version"]; got != "1.8.0" {
				t.Errorf("metadata.version = %v", got)
			}
			if got := f["device"].(map[string]any)["type_id"]; got != 3.0 {
				t.Errorf("device.type_id = %v", got)
			}
		})
	}
}

// An observable points at an attribute of its finding that has its value.
func TestObservablesPointAtWhatIsThere(t *testing.T) {
	t.Parallel()
	a, dev := exampleAlert()
	raw, err := Finding(a, dev, "opened", a.GetUpdatedAt().AsTime())
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	observables := f["observables"].([]any)
	if len(observables) != 5 {
		t.Errorf("%d observables, want host name, serial, address and two peers: %v", len(observables), observables)
	}
	step := regexp.MustCompile(`^(\w+)(?:\[(\d+)\])?$`)
	for _, o := range observables {
		var (
			name     = o.(map[string]any)["name"].(string)
			here any = f
		)
		for part := range strings.SplitSeq(name, ".") {
			m := step.FindStringSubmatch(part)
			here = here.(map[string]any)[m[1]]
			if list, ok := here.([]any); ok && m[2] != "" {
				i, _ := strconv.Atoi(m[2]) // digits
				here = list[i]
			}
		}
		if here != o.(map[string]any)["value"] {
			t.Errorf("%s is %v, the observable says %v", name, here, o)
		}
	}
}

func TestFileCompletesATornLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.jsonl")
	if err := os.WriteFile(path, []byte(`{"cut`), 0o600); err != nil {
		t.Fatal(err)
	}
	out := NewFile("file", path)
	if err := out.Deliver(t.Context(), []store.OutboxRow{{Body: []byte(`{"a":1}`)}, {Body: []byte(`{"a":2}`)}}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(got)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	if diff := cmp.Diff([]string{`{"cut`, `{"a":1}`, `{"a":2}`}, lines); diff != "" {
		t.Error(diff)
	}
}

// memoryBox is an outbox with one output's position.
type memoryBox struct {
	mu    sync.Mutex
	rows  []store.OutboxRow
	acked int64
}

func (b *memoryBox) PendingOutbox(_ context.Context, _ string, limit int) ([]store.OutboxRow, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []store.OutboxRow
	for _, r := range b.rows {
		if r.ID > b.acked && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (b *memoryBox) AckOutbox(_ context.Context, _ string, id int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked = id
	return nil
}

// flaky refuses its first deliveries, and tells when it has seen enough rows.
type flaky struct {
	refuse int
	want   int
	ids    []int64
	done   context.CancelFunc
}

func (f *flaky) Name() string { return "flaky" }

func (f *flaky) Deliver(_ context.Context, rows []store.OutboxRow) error {
	if f.refuse > 0 {
		f.refuse--
		return errors.New("receiver is away")
	}
	for _, r := range rows {
		f.ids = append(f.ids, r.ID)
	}
	if len(f.ids) >= f.want {
		f.done()
	}
	return nil
}

func TestDrainKeepsOrderThroughFailures(t *testing.T) {
	t.Parallel()
	box := &memoryBox{}
	var want []int64
	for id := int64(1); id <= 2*drainBatch+7; id++ {
		box.rows = append(box.rows, store.OutboxRow{ID: id})
		want = append(want, id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &flaky{refuse: 1, want: len(want), done: cancel}
	wake := make(chan struct{}, 1)
	wake <- struct{}{} // the pause after the refusal is cut short
	Drain(ctx, box, out, wake, time.Hour, slog.New(slog.DiscardHandler))
	if diff := cmp.Diff(want, out.ids); diff != "" {
		t.Error(diff)
	}
	if box.acked != want[len(want)-1] {
		t.Errorf("acknowledged up to %d, want %d", box.acked, want[len(want)-1])
	}
}
