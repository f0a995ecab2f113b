package collector

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

func TestRulesAreReadAgainWhenTheirFolderChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clock := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(time.Second) // two writes within the resolution of a file system look like one
		if err := os.Chtimes(path, clock, clock); err != nil {
			t.Fatal(err)
		}
	}
	w, err := openRules(dir)
	if err != nil {
		t.Fatal(err)
	}
	shipped := w.inForce.Digest()
	look := func(changed bool, problem string) {
		t.Helper()
		before := w.inForce.Digest()
		now, err := w.look()
		if (now != nil) != changed || (w.inForce.Digest() != before) != changed {
			t.Errorf("changed %t, want %t", now != nil, changed)
		}
		if problem == "" && err != nil || problem != "" && (err == nil || !strings.Contains(err.Error(), problem)) {
			t.Errorf("error %v, want %q", err, problem)
		}
	}
	look(false, "")
	write("a.yaml", "id: session_share\nhalf_life: 7d\n")
	look(true, "")
	look(false, "")
	// A mistake is said once, when it is still there at the next look; the rest stays in force.
	write("b.yaml", "id: sesion_share\nhalf_life: 7d\n")
	look(false, "")
	look(false, `b.yaml:1:5: there is no signal "sesion_share" to change`)
	look(false, "")
	if got, _, ok := w.inForce.Signal("session_share"); !ok || got.HalfLife.String() != "7d" {
		t.Errorf("half-life %v after a mistake", got.HalfLife)
	}
	// What is mended counts, and what is taken away ends.
	write("b.yaml", "id: consumer_vpn\nenabled: false\n")
	look(true, "")
	for _, name := range []string{"a.yaml", "b.yaml"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	look(true, "")
	if w.inForce.Digest() != shipped {
		t.Error("without files they are not the shipped ones")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	look(false, "")
	look(false, "read the signals in")
}

func TestWithoutAFolderThereIsNothingToLookAt(t *testing.T) {
	t.Parallel()
	w, err := openRules("")
	if err != nil {
		t.Fatal(err)
	}
	if now, err := w.look(); now != nil || err != nil {
		t.Errorf("%v, %v", now, err)
	}
	broken := t.TempDir()
	put(t, filepath.Join(broken, "a.yaml"), "id: lid_shut\ntiers: [{was: 7}]\n")
	if _, err := openRules(broken); err == nil || !strings.Contains(err.Error(), "a.yaml:2:15: tier 0 weighs 1 dB and not 7") || !strings.Contains(err.Error(), "rules lint "+broken) {
		t.Errorf("a folder that does not fit: %v", err)
	}
	if _, err := openRules(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that there is not was read")
	}
}

func TestJudgementsAreNamedByTheRulesTheyWereMadeBy(t *testing.T) {
	t.Parallel()
	j, err := (&Rooms{Rules: rooms(t).Rules}).judge()
	if err != nil {
		t.Fatal(err)
	}
	j.bases = &bases{roster: func() string { return "" }, collector: "test"}
	path := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(path, []byte("id: session_share\nenabled: false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := LoadRules(path)
	if err != nil {
		t.Fatal(err)
	}
	before := j.turn(new(store.Device), nil, time.Now())
	j.useRules(other)
	after := j.turn(new(store.Device), nil, time.Now())
	if b, a := j.bases.now(before.rules, j.fleet.Load().Catalog()), j.bases.now(after.rules, j.fleet.Load().Catalog()); b.Rules.Digest == a.Rules.Digest || a.Rules.Digest != other.Digest() || b.Rules.Digest != before.rules.Digest() {
		t.Errorf("before %s, after %s, want %s", b.Rules.Digest, a.Rules.Digest, other.Digest())
	}
}
