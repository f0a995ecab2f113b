package hands

import (
	"testing"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestParseIdle(t *testing.T) {
	t.Parallel()
	const printed = `+-o IOHIDSystem  <class IOHIDSystem, id 0x1000005a3, registered, matched, active, busy 0 (1 ms), retain 18>
    {
      "IOClass" = "IOHIDSystem"
      "HIDIdleTime" = 4250001291
      "IOMatchCategory" = "IOHIDSystem"
    }
`
	for text, want := range map[string]time.Duration{printed: 4250001291, `"HIDIdleTime" = -5`: -1, `"HIDIdleTime" = many`: -1, "": -1} {
		if got, ok := parseIdle(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
}

func FuzzParseIdle(f *testing.F) {
	f.Add("  \"HIDIdleTime\" = 4250001291\n")
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := parseIdle(text); ok && got < 0 {
			t.Errorf("idle for %v", got)
		}
	})
}

// Asked every half minute, somebody who types all the time is active all the time,
// and nothing is said of whose hands it were.
func TestIdlerTellsActivity(t *testing.T) {
	t.Parallel()
	c := &handClock{}
	l := newLedger(c.read)
	i := &idler{ledger: l}
	for c.now = 1_000; c.now < 120_000; c.now += 30_000 {
		i.told(200 * time.Millisecond)
		i.told(200 * time.Millisecond)
	}
	for ; c.now < 300_000; c.now += 30_000 {
		i.told(time.Duration(c.now-91_000) * time.Millisecond)
	}
	c.now = 300_000
	w := &farmhoundv1.Window{Seconds: 300}
	l.count(w, activity)
	if w.Input != nil || w.Rhythm != nil || w.GetActiveSeconds() < 118 || w.GetActiveSeconds() > 124 {
		t.Errorf("window: %v", w)
	}
}
