package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// fleetOfOne is a collector's folder whose store has one laptop, which AnyDesk drove for
// a day, and a signal on trial.
func fleetOfOne(t *testing.T) (config string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "c")
	if code := run(t.Context(), []string{"init", "--dir", dir, "--name", "collector.example.com"}, nil, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	path := filepath.Join(dir, "collector.yaml")
	must(os.Mkdir(filepath.Join(dir, "own"), 0o700))
	must(os.WriteFile(filepath.Join(dir, "own", "tool.yaml"), []byte("id: unsanctioned_tool\nshadow: true\n"), 0o600))
	text, err := os.ReadFile(path)
	must(err)
	must(os.WriteFile(path, append([]byte("signals: own\n"), text...), 0o600))
	parsed, err := collector.ReadConfig(path)
	must(err)
	kept, err := collector.OpenStore(t.Context(), parsed.Data)
	must(err)
	secret, err := kept.PutSettingIfAbsent(t.Context(), "hash_secret", bytes.Repeat([]byte{7}, 32))
	must(err)
	now := time.Now()
	picture, _ := fleet.New(fleet.Config{Catalog: catalog.BuiltIn(), Secret: secret}).Apply(nil, fleet.Observation{
		Device: "d0d0", Serial: "SN-JANE", ReceivedAt: now,
		Report: &farmhoundv1.Report{
			BootId: "00112233445566778899aabbccddeeff", Sequence: 1, ObservedAt: timestamppb.New(now),
			System:   &farmhoundv1.System{Serial: "SN-JANE", Hostname: "janes-laptop", Manufacturer: "Jane & Co"},
			Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "anydesk", Installed: true, Running: true}}},
			Windows: []*farmhoundv1.Window{{
				StartedAt: timestamppb.New(now.Add(-4 * time.Hour)), Seconds: 4 * 3600, ActiveSeconds: proto.Uint32(3 * 3600), ControlKnown: true,
				Control: []*farmhoundv1.ControlSeconds{{Tool: "anydesk", Seconds: 3 * 3600}},
			}},
		},
	})
	must(kept.Commit(t.Context(), []store.Change{{Device: &store.Device{
		Summary: &fleetv1.DeviceSummary{Id: "d0d0", Serial: "SN-JANE", Hostname: "janes-laptop", Verdict: "watch"}, Picture: picture,
		Judgement: &fleetv1.Judgement{Assessment: &fleetv1.Assessment{
			Verdict: "watch", Shadow: []*fleetv1.Evidence{{Signal: "unsanctioned_tool", Db: 1.5}, {Signal: "gone", Db: 9}},
		}},
	}}}))
	must(kept.Close())
	return path
}

func TestCapture(t *testing.T) {
	t.Parallel()
	config := fleetOfOne(t)
	do := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := run(t.Context(), append([]string{"--config", config}, args...), nil, &out, &errOut); code != want {
			t.Fatalf("%v: exit %d, %s%s", args, code, &out, &errOut)
		}
		return out.String(), errOut.String()
	}
	text, _ := do(0, "rules", "capture", "SN-JANE")
	for _, want := range []string{"id: session_share\n", "  - tier: 2\n", `hostname: "system-hostname-1"`, `name: "AnyDesk"`, "These hold on it too: "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, left := range []string{"JANE", "Jane", "jane", "d0d0", time.Now().Format("2006-01-02T")} {
		if strings.Contains(text, left) {
			t.Errorf("%q is left in\n%s", left, text)
		}
	}
	// It is a test that passes.
	file := filepath.Join(t.TempDir(), "captured.yaml")
	said, _ := do(0, "rules", "capture", "d0d0", "--signal", "session_share", "--out", file)
	if !strings.Contains(said, "adds a test to session_share") {
		t.Errorf("said %q", said)
	}
	do(0, "rules", "lint", file)
	do(0, "rules", "test", file)
	do(1, "rules", "capture", "d0d0", "--out", file) // which is there already
	none, _ := do(0, "rules", "capture", "d0d0", "--signal", "kvm_attached")
	if !strings.Contains(none, "id: kvm_attached\n") || !strings.Contains(none, "- tier: none") {
		t.Errorf("a signal that does not hold:\n%s", none)
	}
	if _, said := do(1, "rules", "capture", "nobody"); !strings.Contains(said, `there is no device "nobody"`) {
		t.Errorf("said %q", said)
	}
	if _, said := do(1, "rules", "capture", "d0d0", "--signal", "sesion_share"); !strings.Contains(said, `did you mean "session_share"?`) {
		t.Errorf("said %q", said)
	}
	// Also the one that had nowhere to go: it was looked at.
	if n := audited(t, config, "device.capture", "d0d0"); n != 4 {
		t.Errorf("the audit log has %d captures, want 4", n)
	}
}

// audited counts what the audit log says of something that was done.
func audited(t *testing.T, config, action, object string) (n int) {
	t.Helper()
	err := withStore(&surroundings{ctx: t.Context(), config: config}, func(ctx context.Context, kept store.Store) error {
		log, err := kept.AuditLog(ctx, time.Time{}, 100)
		for _, e := range log {
			if e.Action == action && e.Object == object {
				n++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSignalsOnTrialAreCounted(t *testing.T) {
	t.Parallel()
	config := fleetOfOne(t)
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"--config", config, "rules", "shadow", "-o", "json"}, nil, &out, &errOut); code != 0 {
		t.Fatal(errOut.String())
	}
	var got struct {
		Devices int
		Signals []trial
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Devices != 1 || len(got.Signals) != 1 || got.Signals[0].Signal != "unsanctioned_tool" || got.Signals[0].Devices != 1 || got.Signals[0].Verdicts["watch"] != 1 || got.Signals[0].DB != 1.5 {
		t.Errorf("%s", &out)
	}
	out.Reset()
	if code := run(t.Context(), []string{"--config", config, "rules", "shadow"}, nil, &out, &errOut); code != 0 || !strings.Contains(out.String(), "unsanctioned_tool  1        1   0      1") {
		t.Errorf("%s%s", &out, &errOut)
	}
}
