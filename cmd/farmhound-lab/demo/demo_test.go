package demo

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/simulate"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/geo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A short demo through the real API flags farms and nobody else, counts this
// computer's reports and leaves nothing behind; and a replay of the same world,
// written by simulate, comes to the same verdicts.
func TestDemoAndReplayAgree(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	personas := []string{"rmm-farm", "kvm-farm", "home-worker", "developer"}
	const seed, length = 11, 8
	caughtUp := false
	result, err := Run(t.Context(), Options{
		Seed: seed, Days: length, Personas: personas, For: time.Millisecond, Version: "test", Progress: testLog{t},
		CaughtUp: func(*Result) error { caughtUp = true; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if c := result.ThisComputer; !caughtUp || !c.Enrolled || c.Reports == 0 || c.Device == "" {
		t.Errorf("this computer: %+v", c)
	}
	if len(result.Missed) > 0 || len(result.Flagged) == 0 {
		t.Errorf("missed %+v", result.Missed)
	}
	for name, p := range result.Personas {
		if want := p.Devices; p.Kind == persona.Farm && p.Flagged != want || p.Kind == persona.Honest && p.Flagged != 0 {
			t.Errorf("%s: %+v", name, *p)
		}
	}
	verdicts := replayed(t, seed, length, personas)
	for _, d := range result.Flagged {
		if verdicts[d.Device] != d.Verdict {
			t.Errorf("%s (%s): %s in the demo, %s in the replay", d.Device, d.Persona, d.Verdict, verdicts[d.Device])
		}
		delete(verdicts, d.Device)
		if len(d.Reasons) == 0 || d.Risk < 0.5 {
			t.Errorf("flagged without reasons: %+v", d)
		}
	}
	for device, verdict := range verdicts {
		if isFlag(verdict) {
			t.Errorf("%s is %s in the replay alone", device, verdict)
		}
	}
}

// interrupting cancels once the simulation begins.
type interrupting struct {
	testLog
	cancel context.CancelFunc
}

func (i interrupting) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "Four weeks pass") {
		i.cancel()
	}
	return i.testLog.Write(p)
}

func TestAnInterruptedDemoEndsQuietly(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result, err := Run(ctx, Options{Seed: 1, Days: 2, Personas: []string{"home-worker"}, Version: "test", Progress: interrupting{testLog{t}, cancel}})
	if result != nil || err != nil {
		t.Errorf("%v, %v; want neither a result nor an error", result, err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func replayed(t *testing.T, seed uint64, length int, personas []string) map[string]string {
	t.Helper()
	base := filepath.Join(t.TempDir(), "lives")
	c := simulate.Command{Seed: seed, Days: length, Persona: personas, Output: base + ".jsonl"}
	if err := c.Run(t.Context(), time.Now(), testLog{t}); err != nil {
		t.Fatal(err)
	}
	rules, err := collector.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	people, problems, err := collector.ReadRoster(base+".roster.csv", collector.Knows(nil))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	places, err := geo.Open(t.Context(), []string{base + ".geo.mmdb"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer places.Close()
	lines, err := os.Open(base + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	r := collector.Replay{Rooms: collector.Rooms{Rules: rules, Places: places, Roster: people}}
	all, unusable, err := r.Run(t.Context(), "lives.jsonl", lines)
	if err != nil || len(unusable) > 0 {
		t.Fatal(err, unusable)
	}
	verdicts := make(map[string]string, len(all))
	for _, a := range all {
		verdicts[a.GetDevice()] = a.GetVerdict()
	}
	return verdicts
}

// testLog writes to a test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Helper()
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
