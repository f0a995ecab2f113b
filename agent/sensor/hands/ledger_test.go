package hands

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// handClock is a clock in milliseconds that is moved by hand.
type handClock struct{ now int64 }

func (c *handClock) read() int64 { return c.now }

func counted5min(l *ledger, c *handClock, seen sight) *farmhoundv1.Window {
	c.now = l.began + 300_000
	w := &farmhoundv1.Window{Seconds: 300}
	l.count(w, seen)
	return w
}

func TestLedgerCountsSecondsByOrigin(t *testing.T) {
	t.Parallel()
	c := &handClock{now: 5_000}
	l := newLedger(c.read)
	keyboard, mouse := l.open("keyboard", builtIn), l.open("mouse", attached)
	for _, at := range []int64{5_100, 5_200, 5_900, 7_000, 45_000} {
		l.note(keyboard, at, true)
	}
	for at := int64(7_500); at < 10_000; at++ {
		l.note(mouse, at, false)
	}
	got := counted5min(l, c, whole)
	want := &farmhoundv1.Window{
		Seconds: 300,
		// From the first to 34.9 s after it, and from 40 to 70.
		ActiveSeconds: proto.Uint32(5 + 30 + 31),
		Input:         &farmhoundv1.InputSeconds{BuiltIn: 3, Attached: 3},
	}
	got.Rhythm = nil
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = counted5min(l, c, whole)
	if diff := cmp.Diff(&farmhoundv1.Window{Seconds: 300, ActiveSeconds: proto.Uint32(0), Input: &farmhoundv1.InputSeconds{}}, got, protocmp.Transform()); diff != "" {
		t.Errorf("the next window (-want +got):\n%s", diff)
	}
}

func TestLedgerKeepsWhatIsUnknownUnset(t *testing.T) {
	t.Parallel()
	c := &handClock{}
	l := newLedger(c.read)
	l.note(l.open("keyboard", builtIn), 10, true)
	if got := counted5min(l, c, blind); got.Input != nil || got.ActiveSeconds != nil || got.Rhythm != nil {
		t.Errorf("not all was seen, and it is told: %v", got)
	}
	l.note(l.open("keyd virtual keyboard", unplaced), c.now+10, true)
	if got := counted5min(l, c, whole); got.Input != nil || got.GetActiveSeconds() != 31 {
		t.Errorf("nobody knows whose, and it is told: %v", got)
	}
}

// A jiggler beats through the night; in the morning somebody types on another device.
func TestLedgerTellsBeatsFromInput(t *testing.T) {
	t.Parallel()
	c := &handClock{}
	l := newLedger(c.read)
	jiggler, keyboard := l.open("jiggler", attached), l.open("keyboard", builtIn)
	beats := func() {
		for at := l.began + 1_000; at < l.began+300_000; at += 20_000 {
			l.note(jiggler, at, false)
			l.note(jiggler, at+8, false)
		}
	}
	var got *farmhoundv1.Window
	for range 3 {
		beats()
		got = counted5min(l, c, whole)
	}
	want := &farmhoundv1.InputSeconds{Jiggler: 15}
	if diff := cmp.Diff(want, got.GetInput(), protocmp.Transform()); diff != "" {
		t.Errorf("at night (-want +got):\n%s", diff)
	}
	if r := got.GetRhythm(); got.GetActiveSeconds() != 0 || r.GetPeriodMs() != 20_000 || r.GetBursts() < 10 || r.GetGapCv() > 0.05 || r.PauseSpread == nil || r.GetPauseSpread() > 0.05 {
		t.Errorf("at night: active %d, rhythm %v", got.GetActiveSeconds(), r)
	}
	beats()
	for at := l.began; at < l.began+100_000; at += 170 + at%977 {
		l.note(keyboard, at, true)
	}
	got = counted5min(l, c, whole)
	if in := got.GetInput(); in.GetBuiltIn() < 90 || in.GetAttached() != 0 || in.GetJiggler() != 10 {
		t.Errorf("in the morning: %v", in)
	}
	if r := got.GetRhythm(); r.GetPeriodMs() != 20_000 || r.GetPointerBursts() != 0 || got.GetActiveSeconds() < 125 {
		t.Errorf("in the morning: active %d, rhythm %v", got.GetActiveSeconds(), r)
	}
}

func TestLedgerIsBounded(t *testing.T) {
	t.Parallel()
	c := &handClock{}
	l := newLedger(c.read)
	for i := range int64(1000) {
		s := l.open("device "+string(rune('a'+i%26))+string(rune('a'+i/26)), attached)
		l.note(s, i*1_000_000, true)
		l.note(s, -5, false)
		l.close(s)
	}
	if n := len(l.sources); n > mostSources+int(origins) {
		t.Errorf("%d sources", n)
	}
	c.now = 1 << 40
	l.count(&farmhoundv1.Window{Seconds: 300}, whole)
	if len(l.sources) != 0 {
		t.Errorf("%d sources are kept that are gone for long", len(l.sources))
	}
}

func TestGauge(t *testing.T) {
	t.Parallel()
	var g gauge
	if g.drain(1_000) != nil {
		t.Error("known before it was looked at")
	}
	g.set(proto.Bool(true), 2_000)
	g.set(proto.Bool(true), 17_000)
	g.set(proto.Bool(false), 32_000)
	if got := g.drain(100_000); got == nil || *got != 30 {
		t.Errorf("drain = %v, want 30", got)
	}
	// Counting is no look.
	if got := g.drain(125_000); got != nil {
		t.Errorf("told as %d, long after the last look", *got)
	}
	g.set(proto.Bool(true), 126_000)
	if got := g.drain(150_000); got != nil {
		t.Errorf("told as %d though it was not looked at for a while", *got)
	}
	for _, at := range []int64{170_000, 190_000, 210_000, 230_000} {
		if got := g.drain(at); at < 126_000+gaugePatience && (got == nil || *got != 20) || at > 126_000+gaugePatience && got != nil {
			t.Errorf("drain = %v at %d", got, at)
		}
	}
	g.set(nil, 610_000)
	g.set(proto.Bool(true), 620_000)
	if got := g.drain(630_000); got != nil {
		t.Errorf("told as %d though it was not known throughout", *got)
	}
	if got := g.drain(640_000); got == nil || *got != 10 {
		t.Errorf("drain = %v, want 10", got)
	}
}

// What a sense that hangs saw last is not told as what there is.
func TestWhatWasSeenExpires(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		looks []int64 // seconds
		count int64
		want  sight
	}{
		{"never looked", nil, 300, blind},
		{"every quarter of a minute", []int64{0, 15, 30, 45}, 60, whole},
		{"a look that comes late", []int64{0, 15, 90}, 100, whole},
		{"hangs", []int64{0, 15, 30}, 300, blind},
		{"hung for a while", []int64{0, 15, 200, 215}, 220, blind},
		{"every five minutes", []int64{-300, 0, 300}, 600, whole},
		{"every five minutes, and hangs", []int64{-300, 0}, 900, blind},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c counted
			for i, at := range tt.looks {
				c.note(state{input: whole}, at*1000)
				if i == 1 && tt.looks[0] < 0 {
					c.least = c.now // a window begins
				}
			}
			c.expire(tt.count * 1000)
			if c.least != tt.want {
				t.Errorf("%d is seen, want %d", c.least, tt.want)
			}
		})
	}
}
