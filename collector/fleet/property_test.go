package fleet

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// drawn draws days of a laptop's life, whose parts come and go, whose agent starts
// anew and whose sessions open and end. Every day is a list of observations; full
// ones carry everything that is, changed or not.
func drawn(t *rapid.T, l *laptop, days int, full bool) [][]Observation {
	tools := []string{"anydesk", "rustdesk", "teamviewer"}
	peers := []string{shenyang, berlin, ohio, "100.64.1.1", ""}
	var open *farmhoundv1.RemoteSession
	var life [][]Observation
	for d := range days {
		midnight := monday.AddDate(0, 0, d)
		var day []Observation
		l.restart() // off at night
		open = nil
		for h := 6; h < 20; h++ {
			from := midnight.Add(time.Duration(h) * time.Hour)
			to := from.Add(time.Hour)
			w := hour(from, uint32(rapid.IntRange(0, 60).Draw(t, "minutes")))
			if open != nil {
				driven(open.GetTool())(w)
			}
			l.hours = append(l.hours, w)
			var sessions []*farmhoundv1.RemoteSession
			switch action := rapid.IntRange(0, 16).Draw(t, "action"); {
			case action == 0:
				l.restart()
				open = nil
			case action == 1:
				l.peer = rapid.SampledFrom([]string{ohio, ohioFriend, berlin, office, concentr, exitOhio}).Draw(t, "egress")
				l.at("network " + l.peer)
				l.physical = ""
				if tunnel(l, ""); rapid.Bool().Draw(t, "asked") {
					l.physical = rapid.SampledFrom([]string{ohio, berlin, shenyang, office}).Draw(t, "physical")
				} else {
					l.seen.Network.Tunnels = nil
				}
			case action == 2:
				l.seen.Software = &farmhoundv1.Software{}
				for _, id := range tools[:rapid.IntRange(0, 3).Draw(t, "tools")] {
					l.seen.Software.Tools = append(l.seen.Software.Tools, &farmhoundv1.Tool{Id: id, Installed: true, Running: h%2 == 0})
				}
			case action == 3:
				l.seen.Place = &farmhoundv1.Place{TimeZone: rapid.SampledFrom([]string{"America/New_York", "Asia/Tokyo", "Europe/Berlin"}).Draw(t, "zone")}
			case action == 4:
				l.seen.Hardware = &farmhoundv1.Hardware{}
				for i := range rapid.IntRange(0, 2).Draw(t, "displays") {
					l.seen.Hardware.Displays = append(l.seen.Hardware.Displays, monitor("monitor", i))
				}
			case action < 8 && open == nil:
				open = control(from.String(), tools[action-5], rapid.SampledFrom(peers).Draw(t, "peer"), from)
				sessions = append(sessions, open)
			case action < 8:
				open = proto.CloneOf(open)
				until(to)(open)
				sessions = append(sessions, open)
				open = nil
			}
			if full {
				clear(l.told)
				if open != nil && len(sessions) == 0 {
					sessions = append(sessions, open)
				}
			}
			day = append(day, l.report(to, sessions...))
		}
		life = append(life, day)
	}
	return life
}

func monitor(name string, number int) *farmhoundv1.Display {
	return &farmhoundv1.Display{Maker: "DEL", ProductCode: uint32(number + 1), Name: name, Serial: &farmhoundv1.PeripheralSerial{
		Class: farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY, Hash: digest(name + string(rune('0'+number))),
	}}
}

// TestDisorder: a day's deliveries, shuffled and repeated, tell what they tell in
// order, as long as none leans on a part that another one carried.
func TestDisorder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLaptop("d1")
		persons := people{l.serial: ohioan("p1")}
		life := drawn(t, l, rapid.IntRange(1, 4).Draw(t, "days"), true)
		ordered, shuffled := newFleet(persons), newFleet(persons)
		var a, b *fleetv1.Picture
		var last time.Time
		for _, day := range life {
			for _, o := range day {
				a, _ = ordered.Apply(a, o)
				last = o.ReceivedAt
			}
			for _, o := range rapid.Permutation(append(day, day[:3]...)).Draw(t, "day") {
				b, _ = shuffled.Apply(b, o)
			}
		}
		want, got := ordered.Device(a, last), shuffled.Device(b, last)
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Fatalf("device of shuffled deliveries (-ordered +shuffled):\n%s", diff)
		}
	})
}

// TestRepeated: what was applied changes nothing when it is delivered again.
func TestRepeated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLaptop("d1")
		f := newFleet(people{l.serial: ohioan("p1")})
		var pic *fleetv1.Picture
		var all []Observation
		for _, day := range drawn(t, l, 2, false) {
			all = append(all, day...)
		}
		for i, o := range all {
			pic, _ = f.Apply(pic, o)
			again := all[rapid.IntRange(max(0, i-5), i).Draw(t, "again")]
			again.ReceivedAt = o.ReceivedAt.Add(time.Second)
			next, events := f.Apply(pic, again)
			if next != pic || len(events) != 0 {
				t.Fatalf("report %s/%d again: picture changed or %d events", again.Report.GetBootId(), again.Report.GetSequence(), len(events))
			}
		}
	})
}

// TestPure: neither Apply nor Device changes what it is given, and both give the
// same for the same.
func TestPure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLaptop("d1")
		f, g := newFleet(people{l.serial: ohioan("p1")}), newFleet(people{l.serial: ohioan("p1")})
		var pic *fleetv1.Picture
		for _, day := range drawn(t, l, 2, false) {
			for _, o := range day {
				before, report := proto.CloneOf(pic), proto.CloneOf(o.Report)
				one, _ := f.Apply(pic, o)
				if !proto.Equal(before, pic) || !proto.Equal(report, o.Report) {
					t.Fatal("Apply changed what it was given")
				}
				two, _ := g.Apply(proto.CloneOf(pic), o)
				if string(encoded(t, one)) != string(encoded(t, two)) {
					t.Fatal("the same inputs gave two pictures")
				}
				pic = one
			}
			before := encoded(t, pic)
			x, y := f.Device(pic, monday.AddDate(0, 0, 3)), f.Device(pic, monday.AddDate(0, 0, 3))
			if string(encoded(t, x)) != string(encoded(t, y)) || string(before) != string(encoded(t, pic)) {
				t.Fatal("Device is not pure")
			}
		}
	})
}

func encoded(t interface{ Fatal(...any) }, m proto.Message) []byte {
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestWindowLength: a life counted by the hour and one counted by five minutes give
// the same shares.
func TestWindowLength(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		coarse, fine := newLaptop("d1"), newLaptop("d1")
		f := newFleet(people{coarse.serial: ohioan("p1")})
		var a, b *fleetv1.Picture
		for d := range 2 {
			for h := 6; h < 16; h++ {
				from := monday.AddDate(0, 0, d).Add(time.Duration(h) * time.Hour)
				w := hour(from, 12*uint32(rapid.IntRange(0, 5).Draw(t, "minutes")))
				w.Input = &farmhoundv1.InputSeconds{BuiltIn: 12 * 7, Injected: 12 * 11, KvmLike: 12, Jiggler: 24}
				w.LidClosedSeconds = proto.Uint32(12 * uint32(rapid.IntRange(0, 300).Draw(t, "lid")))
				if rapid.Bool().Draw(t, "driven") {
					w.Control = []*farmhoundv1.ControlSeconds{{Tool: "anydesk", Seconds: 3600, NearSeconds: 1200}}
				}
				coarse.hours = append(coarse.hours, w)
				a, _ = f.Apply(a, coarse.report(from.Add(time.Hour)))
				for i := range 12 {
					part := twelfth(w, i)
					fine.hours = append(fine.hours, part)
					b, _ = f.Apply(b, fine.report(part.GetStartedAt().AsTime().Add(5*time.Minute)))
				}
			}
		}
		now := monday.AddDate(0, 0, 2)
		want, got := f.Device(a, now).GetDay5(), f.Device(b, now).GetDay5()
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Fatalf("activity (-by the hour +by five minutes):\n%s", diff)
		}
	})
}

// twelfth returns a twelfth of an hour's window, its counts spread evenly.
func twelfth(w *farmhoundv1.Window, i int) *farmhoundv1.Window {
	part := proto.CloneOf(w)
	part.StartedAt.Seconds += int64(i) * 300
	part.Seconds = 300
	for _, n := range []*uint32{part.ActiveSeconds, part.AsleepSeconds, part.OnAcSeconds, part.LidClosedSeconds, part.AssistiveSeconds, part.CallSeconds} {
		*n /= 12
	}
	in := part.GetInput()
	in.BuiltIn, in.Injected, in.KvmLike, in.Jiggler = in.BuiltIn/12, in.Injected/12, in.KvmLike/12, in.Jiggler/12
	for _, c := range part.GetControl() {
		c.Seconds, c.NearSeconds = c.Seconds/12, c.NearSeconds/12
	}
	return part
}
