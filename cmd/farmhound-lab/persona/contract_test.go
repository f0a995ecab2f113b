package persona

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

func TestReportsKeepTheContract(t *testing.T) {
	t.Parallel()
	rules, err := fieldrules.Compile((&farmhoundv1.Report{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	worlds := []Options{
		{Seed: 0}, {Seed: 1}, {Seed: 2}, {Seed: 3},
		{Seed: 5, Casting: Former, Size: 120, Days: 12}, {Seed: 4, Casting: Former, Size: 60, Days: 12},
		{Seed: 6, Casting: Reserved, Personas: PersonasOf(Reserved), Count: 2, Days: 12}, {Seed: 7, Casting: Reserved, Size: 80, Days: 12},
	}
	for _, opts := range worlds {
		t.Run(fmt.Sprint(opts.Seed), func(t *testing.T) {
			t.Parallel()
			for _, one := range live(newWorld(t, opts)) {
				for i, r := range one.reports {
					if err := rules.Validate(r); err != nil {
						t.Fatalf("%s, report %d: %v\n%v", one.laptop.Persona, i, err, r)
					}
				}
				checkRuns(t, one)
				checkWindows(t, one)
				checkSessions(t, one)
				checkTools(t, one)
			}
		})
	}
}

// checkRuns holds that sequences count from one without gaps, that the first report
// of a run carries every part and later ones only what changed, and that nothing
// arrives before it was observed.
func checkRuns(t *testing.T, one *told) {
	t.Helper()
	last := map[string]uint64{}
	var before map[string][]byte
	var started, booted int64
	for i, r := range one.reports {
		if got, want := r.GetSequence(), last[r.GetBootId()]+1; got != want {
			t.Fatalf("%s: sequence %d, want %d", one.laptop.Persona, got, want)
		}
		last[r.GetBootId()] = r.GetSequence()
		if delay := one.at[i].Sub(r.GetObservedAt().AsTime()); delay < 0 {
			t.Fatalf("%s: arrives %v before it was observed", one.laptop.Persona, -delay)
		}
		parts := partsOf(t, r)
		if r.GetSequence() == 1 {
			before = map[string][]byte{}
			// A run begins on the system of the last one, or on one that started after that.
			h := r.GetHealth()
			begins := h.GetStartedAt().GetSeconds()
			up := begins - int64(h.GetSystemUpSeconds())
			if h.SystemUpSeconds == nil || up > begins || up != booted && up < started {
				t.Fatalf("%s: a run that begins at %d is on a system up since %d, the one before began at %d on one up since %d", one.laptop.Persona, begins, up, started, booted)
			}
			started, booted = begins, up
			for _, name := range []string{"system", "software", "network", "place", "logons", "health"} {
				if parts[name] == nil {
					t.Fatalf("%s: the first report of a run lacks %s", one.laptop.Persona, name)
				}
			}
		}
		for name, encoded := range parts {
			if bytes.Equal(before[name], encoded) {
				t.Fatalf("%s: %s is told again and has not changed", one.laptop.Persona, name)
			}
			before[name] = encoded
		}
		if len(parts) == 0 && len(r.GetWindows()) == 0 && len(r.GetRemoteSessions()) == 0 {
			t.Fatalf("%s: a report tells nothing: %v", one.laptop.Persona, r)
		}
	}
}

func partsOf(t *testing.T, r *farmhoundv1.Report) map[string][]byte {
	t.Helper()
	parts := map[string][]byte{}
	add := func(name string, there bool, m proto.Message) {
		if !there {
			return
		}
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		parts[name] = b
	}
	add("system", r.System != nil, r.System)
	add("software", r.Software != nil, r.Software)
	add("hardware", r.Hardware != nil, r.Hardware)
	add("network", r.Network != nil, r.Network)
	add("place", r.Place != nil, r.Place)
	add("logons", r.Logons != nil, r.Logons)
	add("presence", r.Presence != nil, r.Presence)
	add("health", r.Health != nil, r.Health)
	return parts
}

// checkWindows holds that windows of a run follow each other without gap or overlap
// and count no more than they last.
func checkWindows(t *testing.T, one *told) {
	t.Helper()
	end := map[string]int64{}
	for _, r := range one.reports {
		for _, w := range r.GetWindows() {
			start := w.GetStartedAt().GetSeconds()
			if last, known := end[r.GetBootId()]; known && start != last {
				t.Fatalf("%s: a window begins at %d, the one before ended at %d", one.laptop.Persona, start, last)
			}
			end[r.GetBootId()] = start + int64(w.GetSeconds())
			if end[r.GetBootId()] > r.GetObservedAt().GetSeconds() {
				t.Fatalf("%s: a window ends after it was told", one.laptop.Persona)
			}
			in := w.GetInput()
			input := in.GetBuiltIn() + in.GetAttached() + in.GetKvmLike() + in.GetInjected() + in.GetSession() + in.GetJiggler()
			most := input
			for _, n := range []uint32{w.GetActiveSeconds(), w.GetLidClosedSeconds(), w.GetOnAcSeconds(), w.GetAsleepSeconds(), w.GetAssistiveSeconds(), w.GetCallSeconds()} {
				most = max(most, n)
			}
			for _, c := range w.GetControl() {
				most = max(most, c.GetSeconds())
				if c.GetNearSeconds() > c.GetSeconds() {
					t.Fatalf("%s: more seconds near than under control: %v", one.laptop.Persona, w)
				}
			}
			if most > w.GetSeconds() {
				t.Fatalf("%s: %d seconds counted in a window of %d: %v", one.laptop.Persona, most, w.GetSeconds(), w)
			}
			if w.GetAsleepSeconds()+w.GetActiveSeconds() > w.GetSeconds() {
				t.Fatalf("%s: active while asleep: %v", one.laptop.Persona, w)
			}
		}
	}
}

// checkSessions holds that a session is told from its start to its end once, under
// one id, and that windows count its tool only while one is open.
func checkSessions(t *testing.T, one *told) {
	t.Helper()
	open, closed := map[string]*farmhoundv1.RemoteSession{}, map[string]bool{}
	for _, r := range one.reports {
		for _, s := range r.GetRemoteSessions() {
			if closed[s.GetId()] {
				t.Fatalf("%s: session %s is told after its end", one.laptop.Persona, s.GetId())
			}
			if known := open[s.GetId()]; known != nil && (known.GetTool() != s.GetTool() || !proto.Equal(known.GetStartedAt(), s.GetStartedAt())) {
				t.Fatalf("%s: session %s changed what it is", one.laptop.Persona, s.GetId())
			}
			open[s.GetId()] = s
			if end := s.GetEndedAt(); end != nil {
				closed[s.GetId()] = true
				delete(open, s.GetId())
				if end.GetSeconds() < s.GetStartedAt().GetSeconds() || end.GetSeconds() > r.GetObservedAt().GetSeconds() {
					t.Fatalf("%s: session %s ends at %v, began %v, told %v", one.laptop.Persona, s.GetId(), end, s.GetStartedAt(), r.GetObservedAt())
				}
			}
		}
	}
	last := one.reports[len(one.reports)-1].GetObservedAt().AsTime()
	for id, s := range open {
		if last.Sub(s.GetStartedAt().AsTime()) > 10*time.Hour {
			t.Errorf("%s: session %s began %v and never ends", one.laptop.Persona, id, s.GetStartedAt().AsTime())
		}
	}
}

// checkTools holds that every id is the catalogue's and that its entry has facts for
// the laptop's system, so that the real agent could have found it there.
func checkTools(t *testing.T, one *told) {
	t.Helper()
	check := func(id string) {
		entry, ok := catalog.BuiltIn().Entry(id)
		if !ok {
			t.Fatalf("%s: %q is no id of the catalogue", one.laptop.Persona, id)
		}
		for _, f := range entry.GetFacts() {
			if f.GetOs() == one.laptop.System.GetOs() {
				return
			}
		}
		t.Fatalf("%s: %q cannot be found on %v", one.laptop.Persona, id, one.laptop.System.GetOs())
	}
	there := map[string]bool{}
	for _, r := range one.reports {
		if r.GetSoftware() != nil {
			clear(there)
		}
		for _, tool := range r.GetSoftware().GetTools() {
			check(tool.GetId())
			if there[tool.GetId()] {
				t.Fatalf("%s: %s is listed twice", one.laptop.Persona, tool.GetId())
			}
			there[tool.GetId()] = true
		}
		for _, s := range r.GetRemoteSessions() {
			check(s.GetTool())
		}
		for _, tunnel := range r.GetNetwork().GetTunnels() {
			check(tunnel.GetTool())
		}
		for _, w := range r.GetWindows() {
			for _, c := range w.GetControl() {
				check(c.GetTool())
			}
		}
	}
}
