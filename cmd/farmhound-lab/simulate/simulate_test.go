package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var lastMoment = time.Date(2026, time.May, 4, 15, 40, 0, 0, time.UTC)

func TestCommandWritesWhatReplayReads(t *testing.T) {
	t.Parallel()
	base := filepath.Join(t.TempDir(), "fleet")
	var messages bytes.Buffer
	c := Command{Seed: 7, Days: 3, Size: 60, Persona: []string{"single-host", "couple"}, End: moment{lastMoment}, Output: base + ".jsonl"}
	if err := c.Run(t.Context(), time.Time{}, &messages); err != nil {
		t.Fatal(err)
	}
	want := "farmhound-collector replay " + base + ".jsonl --roster " + base + ".roster.csv --geo " + base + ".geo.mmdb\n"
	if !strings.Contains(messages.String(), want) {
		t.Errorf("messages %q lack the command %q", messages.String(), want)
	}
	labels := map[string]label{}
	if err := json.Unmarshal(read(t, base+".labels.json"), &labels); err != nil {
		t.Fatal(err)
	}
	last := time.Time{}
	devices := map[string]bool{}
	for text := range bytes.Lines(read(t, base+".jsonl")) {
		var l struct {
			ObservedAt time.Time `json:"observed_at"`
		}
		var fields map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal(text, &l), json.Unmarshal(text, &fields)); err != nil {
			t.Fatal(err)
		}
		if l.ObservedAt.Before(last) || l.ObservedAt.After(lastMoment) {
			t.Fatalf("a line of %v follows one of %v", l.ObservedAt, last)
		}
		last = l.ObservedAt
		if len(fields) != 5 {
			t.Fatalf("a line holds %d fields: %s", len(fields), text)
		}
		if err := protojson.Unmarshal(fields["report"], &farmhoundv1.Report{}); err != nil {
			t.Fatal(err)
		}
		device := strings.Trim(string(fields["device"]), `"`)
		if known, ok := labels[device]; !ok || `"`+known.Serial+`"` != string(fields["serial"]) {
			t.Fatalf("no label of %s with serial %s", device, fields["serial"])
		}
		devices[device] = true
	}
	if len(devices) != len(labels) || len(devices) < 2 {
		t.Errorf("%d laptops reported, %d have labels", len(devices), len(labels))
	}
	if rows := bytes.Count(read(t, base+".roster.csv"), []byte("\n")); rows != len(labels)+1 {
		t.Errorf("%d lines in the roster for %d laptops", rows, len(labels))
	}
}

// The reserved casting is written with what the collector sees of connections, and with
// what the company says of itself; what is asked to be missing is missing.
func TestReservedWithoutMuch(t *testing.T) {
	t.Parallel()
	base := filepath.Join(t.TempDir(), "fleet")
	var messages bytes.Buffer
	c := Command{
		Seed: 7, Days: 5, Size: 60, Casting: persona.Reserved, Persona: []string{"shipped-held"}, Count: 5, Without: []string{"roster", "geo", "permissions"},
		Noise: persona.Noise{Restarts: 3}, End: moment{lastMoment}, Output: base + ".jsonl",
	}
	if err := c.Run(t.Context(), time.Time{}, &messages); err != nil {
		t.Fatal(err)
	}
	if want := "replay " + base + ".jsonl --company " + base + ".company.yaml\n"; !strings.HasSuffix(messages.String(), want) {
		t.Errorf("messages %q lack the command %q", messages.String(), want)
	}
	for _, name := range []string{".roster.csv", ".geo.mmdb"} {
		if _, err := os.Stat(base + name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	trips, paths, devices, boots := 0, 0, map[string]bool{}, map[string]bool{}
	for text := range bytes.Lines(read(t, base+".jsonl")) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		report := &farmhoundv1.Report{}
		if err := protojson.Unmarshal(l.Report, report); err != nil {
			t.Fatal(err)
		}
		for _, w := range report.GetWindows() {
			if w.GetInput() != nil || w.CallSeconds != nil {
				t.Fatalf("seen without permission: %v", w)
			}
		}
		if l.PeerRTT > 50 {
			trips++
		}
		if report.GetNetwork() != nil && len(l.Paths) >= 2 && l.Paths[0].Kind == "tunnel" {
			paths++
		}
		devices[l.Device], boots[report.GetBootId()] = true, true
	}
	if len(devices) != 5 || trips < 10 || paths < 5 || len(boots) < 7 {
		t.Errorf("%d laptops, %d long round trips, %d reports with paths, %d runs of agents", len(devices), trips, paths, len(boots))
	}
	if company := string(read(t, base+".company.yaml")); !strings.Contains(company, "place: {latitude: ") || strings.Contains(company, "offices: []") {
		t.Errorf("company: %s", company)
	}
}

func TestLinesIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	var written [2]bytes.Buffer
	for i := range written {
		world, err := persona.NewWorld(persona.Options{Seed: 3, Days: 4, Size: 20, End: lastMoment})
		if err != nil {
			t.Fatal(err)
		}
		count, err := writeLines(t.Context(), world, &written[i])
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(written[i].Bytes(), []byte("\n")); lines != count {
			t.Errorf("%d lines, said to be %d", lines, count)
		}
	}
	if diff := cmp.Diff(written[0].String(), written[1].String()); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

func TestCommandSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := map[string]struct {
		command Command
		want    string
	}{
		"unknown persona": {Command{Days: 1, Persona: []string{"pirate"}, Output: filepath.Join(dir, "a.jsonl")}, "no persona is called"},
		"nobody counted":  {Command{Days: 1, Count: 4, Output: filepath.Join(dir, "a.jsonl")}, "needs the persona"},
		"too much noise":  {Command{Days: 1, Noise: persona.Noise{Late: 2}, Output: filepath.Join(dir, "a.jsonl")}, "from 0 to 0.9"},
		"no folder":       {Command{Days: 1, Output: filepath.Join(dir, "none", "a.jsonl")}, "write reports"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := tt.command.Run(t.Context(), lastMoment, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// full refuses what is written to it after a while.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("no space")
	}
	return len(b), nil
}

func TestLinesStopsWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	world, err := persona.NewWorld(persona.Options{Seed: 3, Days: 2, End: lastMoment})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writeLines(t.Context(), world, &full{left: 100_000}); err == nil || err.Error() != "no space" {
		t.Errorf("got %v", err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A simulation that is interrupted leaves nothing that could be taken for a whole one.
func TestInterruptedSimulation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := Command{Seed: 7, Days: 3, Size: 20, End: moment{lastMoment}, Output: filepath.Join(t.TempDir(), "fleet.jsonl")}
	if err := c.Run(ctx, time.Time{}, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(c.Output); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half of a world is left: %v", err)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	var m moment
	if err := m.UnmarshalText([]byte("yesterday")); err == nil || err.Error() != `"yesterday" is no RFC 3339 time, such as 2026-03-02T15:00:00Z` {
		t.Errorf("error %v", err)
	}
	if err := m.UnmarshalText([]byte("2026-05-04T15:40:00Z")); err != nil || !m.Equal(lastMoment) {
		t.Errorf("%v, error %v", m, err)
	}
}
