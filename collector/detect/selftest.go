package detect

import (
	"fmt"
	"time"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
)

// TestFailure is a test inside a signal's file that did not come out as it says.
type TestFailure struct {
	Signal string
	strictyaml.Problem
}

// testNow is the time at which the tests inside signals are judged, where they do not
// name another.
var testNow = time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC)

// Test runs the tests inside the signals. A signal without one that holds and one
// that does not is a failure too: it could be always or never true.
func (r *Rules) Test() []TestFailure {
	var failures []TestFailure
	for _, s := range r.all {
		failures = append(failures, r.language.test(s)...)
	}
	return failures
}

func (l *language) test(s *signal) []TestFailure {
	var failures []TestFailure
	fail := func(at strictyaml.Text, format string, args ...any) {
		failures = append(failures, TestFailure{s.id, at.Problem(fmt.Sprintf(format, args...))})
	}
	held := make([]bool, len(s.tiers))
	silent := false
	for _, t := range s.tests {
		o, err := s.observe(l.scene(t.picture, t.now), sensesOf(t.picture.GetKnown()), circumstancesOf(t.picture))
		switch {
		case err != nil:
			fail(t.at, "the signal cannot be evaluated: %v", err)
		case o.tier != t.tier:
			fail(t.at, "tier %s holds, not %s%s", tierName(o.tier), tierName(t.tier), prefixed(": ", l.values(s, t.picture, t.tier, o.tier)))
		case o.tier >= 0 && o.because == "":
			fail(t.at, "tier %d says nothing", o.tier)
		case t.says != "" && o.because != t.says:
			fail(t.at, "it says %q, not %q", o.because, t.says)
		case t.withdrawn != o.withdrawn:
			fail(t.at, "withdrawn is %t, not %t", o.withdrawn, t.withdrawn)
		}
		if t.tier >= 0 {
			held[t.tier] = true
		} else {
			silent = true
		}
	}
	for i, ok := range held {
		if !ok {
			fail(s.at, "no test shows that tier %d holds", i)
		}
	}
	if !silent {
		fail(s.at, "no test shows that no tier holds")
	}
	return failures
}

// prefixed is text with something before it, and nothing where there is no text.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func tierName(tier int) string {
	if tier < 0 {
		return "none"
	}
	return fmt.Sprint(tier)
}
