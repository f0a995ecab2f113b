package fleet

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// shelf is a number of days without sleep.
func shelf(l *laptop, days int, change ...func(*farmhoundv1.Window)) []Observation {
	var all []Observation
	for h := range days * 24 {
		from := monday.Add(-5 * time.Hour).Add(time.Duration(h) * time.Hour) // UTC days
		l.hours = append(l.hours, hour(from, 30, change...))
		all = append(all, l.report(from.Add(time.Hour)))
	}
	return all
}

// number makes an optional number comparable.
func number(n *float64) any {
	if n == nil {
		return "unknown"
	}
	return float64(int(*n*10+0.5)) / 10
}

func TestStillness(t *testing.T) {
	t.Parallel()
	still := func(get func(*fleetv1.Stillness) any) func(*fleetv1.Device) any {
		return func(d *fleetv1.Device) any { return get(d.GetStill()) }
	}
	awake := still(func(s *fleetv1.Stillness) any { return number(s.AwakeOnAcDays) })
	same := still(func(s *fleetv1.Stillness) any { return number(s.SameNetworkDays) })
	media := still(func(s *fleetv1.Stillness) any { return number(s.MediaUnusedDays) })
	check(t, []derived{
		{name: "never sleeps", life: func(l *laptop) []Observation { return shelf(l, 15) }, get: awake, want: 15.0},
		{name: "sleeps at night", life: func(l *laptop) []Observation { return l.workdays(monday, 14) }, get: awake, want: 0.0},
		{name: "off at night", get: awake, want: 1.0, life: func(l *laptop) []Observation {
			var all []Observation
			for d := range 5 {
				l.restart()
				for h := 12; h < 24; h++ {
					from := monday.AddDate(0, 0, d).Add(time.Duration(h-5) * time.Hour)
					l.hours = append(l.hours, hour(from, 30))
					all = append(all, l.report(from.Add(time.Hour)))
				}
			}
			return all
		}},
		{name: "on battery for an hour", get: awake, want: 0.0, life: func(l *laptop) []Observation {
			return shelf(l, 15, func(w *farmhoundv1.Window) {
				if w.GetStartedAt().AsTime().Hour() == 3 {
					w.OnAcSeconds = proto.Uint32(0)
				}
			})
		}},
		{name: "sleep unknown", get: awake, want: "unknown", life: func(l *laptop) []Observation {
			return shelf(l, 3, func(w *farmhoundv1.Window) { w.AsleepSeconds = nil })
		}},
		{name: "power unknown", get: awake, want: "unknown", life: func(l *laptop) []Observation {
			return shelf(l, 3, func(w *farmhoundv1.Window) { w.OnAcSeconds = nil })
		}},
		{name: "one network, weekends off", life: func(l *laptop) []Observation { return l.workdays(monday, 12) }, get: same, want: 11.4},
		{name: "through whatever egress", life: func(l *laptop) []Observation {
			all := l.workdays(monday, 5)
			l.peer = exitTwo
			return append(all, l.workdays(monday.AddDate(0, 0, 7), 5)...)
		}, get: same, want: 11.4},
		{name: "since it came back", life: staying(ohio, ohio, california, ohio), get: same, want: 1.0},
		{name: "holidays part two stays", get: same, want: 1.0, life: func(l *laptop) []Observation {
			return append(l.workday(monday), l.workday(monday.AddDate(0, 0, 20))...)
		}},
		{name: "no gateway known", get: same, want: "unknown", life: func(l *laptop) []Observation {
			l.seen.Network.GatewayHash = nil
			return l.workday(monday)
		}},
		// Known since Sunday evening in Ohio.
		{name: "camera never used", life: func(l *laptop) []Observation { return shelf(l, 9) }, get: media, want: 9.0},
		{name: "off for weeks uses none either", get: media, want: 1.0, life: func(l *laptop) []Observation {
			return append(l.workday(monday), l.workday(monday.AddDate(0, 0, 20))...)
		}},
		{name: "camera used", get: media, want: 2.0, life: func(l *laptop) []Observation {
			all := shelf(l, 9)
			l.seen.Presence.CameraLastUsed = timestamppb.New(all[len(all)-1].ReceivedAt.AddDate(0, 0, -2).Add(-time.Hour))
			return append(all, l.report(after(all)))
		}},
		{name: "not known any more", get: media, want: "unknown", life: func(l *laptop) []Observation {
			all := shelf(l, 9)
			l.seen.Presence = nil
			l.restart()
			return append(all, l.report(after(all)))
		}},
	})
}

// forks is a delivery out of step by each run, so far apart.
func forks(like *laptop, apart time.Duration, runs ...int) (all []Observation) {
	laptops := map[int]*laptop{}
	for i, run := range runs {
		l := laptops[run]
		if l == nil {
			l = newLaptop(like.id)
			l.boot = run
			laptops[run] = l
		}
		o := l.report(monday.Add(time.Duration(i) * apart))
		o.Link = LinkForked
		all = append(all, o)
	}
	return all
}

// superseded is a laptop that enrols anew at some time, and what its old identity
// reports then and later.
func superseded(l *laptop, at, later time.Time) []Observation {
	all := []Observation{l.report(at.Add(-time.Minute)), l.report(at.Add(time.Minute)), l.report(later)}
	for i := range all[1:] {
		all[i+1].SupersededBy, all[i+1].SupersededAt = "d2", at
	}
	return all
}

// Two laptops that go on for hours are one piece of news.
func TestACopyIsToldOnce(t *testing.T) {
	t.Parallel()
	f, told := newFleet(nil), 0
	var pic *fleetv1.Picture
	for _, o := range forks(newLaptop("d1"), 10*time.Minute, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2) {
		var events []*fleetv1.Event
		pic, events = f.Apply(pic, o)
		for _, e := range events {
			if e.GetKind() == "identity_copied" {
				told++
			}
		}
	}
	if told != 1 || len(pic.GetForks()) > keptForks {
		t.Errorf("told %d times, %d forks kept", told, len(pic.GetForks()))
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	silent := func(d *fleetv1.Device) any { return number(d.GetTrust().SilentHours) }
	jump := func(d *fleetv1.Device) any { return number(d.GetTrust().ClockJumpSeconds) }
	cloned := func(d *fleetv1.Device) any { return d.GetTrust().GetCloned() }
	alive := func(d *fleetv1.Device) any { return d.GetTrust().GetSupersededAlive() }
	// gap is a workday, nothing for ten hours, and what comes then.
	gap := func(then func(l *laptop, at time.Time) []Observation) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			all := l.workday(monday)
			l.hours = nil
			return append(all, then(l, monday.Add(28*time.Hour))...)
		}
	}
	windowed := func(l *laptop, at time.Time) []Observation {
		l.hours = append(l.hours, hour(at.Add(-time.Hour), 30))
		return []Observation{l.report(at)}
	}
	check(t, []derived{
		{name: "sleep is told", life: func(l *laptop) []Observation { return l.workdays(monday, 5) }, get: silent, want: 0.0},
		{name: "a weekend asleep", get: silent, want: 0.0, life: func(l *laptop) []Observation {
			all := l.workday(monday)
			w := hour(monday.Add(18*time.Hour), 0)
			w.Seconds = 20 * 3600
			asleep(w)
			l.hours = append(l.hours, w)
			return append(all, l.report(monday.Add(38*time.Hour)))
		}},
		{name: "a running agent that says nothing", life: gap(windowed), get: silent, want: 9.0},
		{name: "off, then a new run", get: silent, want: 0.0, life: gap(func(l *laptop, at time.Time) []Observation { l.restart(); return windowed(l, at) })},
		{name: "lost reports are no silence", get: silent, want: 0.0, life: gap(func(l *laptop, at time.Time) []Observation { l.seq++; return windowed(l, at) })},
		{name: "spooled and delivered at once", get: silent, want: 0.0, life: func(l *laptop) []Observation {
			all := l.workday(monday)
			l.late = 30 * time.Hour
			return append(all, l.workday(monday.AddDate(0, 0, 1))...)
		}},
		{name: "a clock that is set forward is no silence", get: silent, want: 0.0, life: func(l *laptop) []Observation {
			l.ahead = -12 * time.Hour
			all := []Observation{l.report(monday)}
			l.ahead = 0
			return append(all, windowed(l, monday.Add(2*time.Hour))...)
		}},
		{name: "an agent that was held", get: silent, want: 12.0, life: gap(func(l *laptop, at time.Time) []Observation {
			w := hour(at.Add(-10*time.Hour), 0)
			w.Seconds = 12 * 3600
			l.hours = append(l.hours, w)
			return []Observation{l.report(at.Add(2 * time.Hour))}
		})},
		{name: "where sleep is unknown so is silence", get: silent, want: "unknown", life: func(l *laptop) []Observation {
			var all []Observation
			for _, h := range []int{9, 10, 22, 23} {
				l.hours = append(l.hours, hour(monday.Add(time.Duration(h)*time.Hour), 30, func(w *farmhoundv1.Window) { w.AsleepSeconds = nil }))
				all = append(all, l.report(monday.Add(time.Duration(h+1)*time.Hour)))
			}
			return all
		}},
		{name: "silence of long ago", life: gap(windowed), now: 6 * 24 * time.Hour, get: silent, want: 0.0},
		{name: "a clock that is right", life: func(l *laptop) []Observation { return l.workday(monday) }, get: jump, want: 0.0},
		{name: "a clock that was always ahead", get: jump, want: 0.0, life: func(l *laptop) []Observation { l.ahead = time.Hour; return l.workday(monday) }},
		{name: "a clock set ahead", get: jump, want: 3599.0, life: func(l *laptop) []Observation {
			all := l.workday(monday)
			l.ahead = time.Hour
			return append(all, l.report(monday.Add(19*time.Hour)))
		}},
		{name: "a clock set back", get: jump, want: 18000.0, life: func(l *laptop) []Observation {
			all := l.workday(monday)
			l.ahead = -6 * time.Hour
			return append(all, l.report(monday.Add(19*time.Hour)))
		}},
		{name: "late delivery is no clock", get: jump, want: 0.0, life: func(l *laptop) []Observation {
			all := l.workday(monday)
			l.late = 20 * time.Hour
			return append(all, l.workday(monday.AddDate(0, 0, 1))...)
		}},
		{name: "a clock that lost its battery", get: func(d *fleetv1.Device) any { return d.GetFirstReportAt().AsTime().Format(time.DateOnly) }, want: "2026-01-05",
			life: func(l *laptop) []Observation {
				l.ahead = -30 * 365 * 24 * time.Hour
				all := []Observation{l.report(monday)}
				l.ahead = 0
				return append(all, l.workday(monday)...)
			}},
		{name: "two runs that take turns", get: cloned, want: true, life: func(l *laptop) []Observation {
			copied := newLaptop("d1")
			copied.boot = 7
			var all []Observation
			for m := range 4 {
				all = append(all, l.report(monday.Add(time.Duration(10*m)*time.Minute)), copied.report(monday.Add(time.Duration(10*m+5)*time.Minute)))
			}
			return all
		}},
		{name: "a laptop that enrolled anew and is quiet here", get: alive, want: false, life: func(l *laptop) []Observation {
			return superseded(l, monday, monday.Add(59*time.Minute))
		}},
		{name: "a replaced identity that goes on", get: alive, want: true, life: func(l *laptop) []Observation {
			return superseded(l, monday, monday.Add(62*time.Minute))
		}},
		{name: "a replaced identity that went on long ago", get: alive, want: false, now: 6 * 24 * time.Hour, life: func(l *laptop) []Observation {
			return superseded(l, monday, monday.Add(62*time.Minute))
		}},
		{name: "forks by turns", get: cloned, want: true, life: func(l *laptop) []Observation { return forks(l, 20*time.Minute, 1, 2, 1) }},
		{name: "one fork that heals", get: cloned, want: false, life: func(l *laptop) []Observation { return forks(l, 20*time.Minute, 1) }},
		{name: "forks of one run", get: cloned, want: false, life: func(l *laptop) []Observation { return forks(l, time.Minute, 1, 1, 1, 1) }},
		{name: "a fork in every run", get: cloned, want: false, life: func(l *laptop) []Observation { return forks(l, time.Minute, 1, 2, 2, 3, 4) }},
		{name: "forks by turns far apart", get: cloned, want: false, life: func(l *laptop) []Observation { return forks(l, 31*time.Minute, 1, 2, 1, 2, 1) }},
		{name: "connections by turns", get: cloned, want: true, life: func(l *laptop) []Observation {
			o := l.report(monday)
			o.Link, o.Returned = LinkHeld, true
			return []Observation{o}
		}},
		{name: "runs by turns that all follow", get: cloned, want: false, life: func(l *laptop) []Observation {
			all := forks(l, 5*time.Minute, 1, 2, 1, 2, 1, 2)
			for i := range all {
				all[i].Link = LinkHeld
			}
			return all
		}},
		{name: "restarts", get: cloned, want: false, life: func(l *laptop) []Observation {
			var all []Observation
			for m := range 10 {
				l.restart()
				all = append(all, l.report(monday.Add(time.Duration(m)*time.Minute)))
			}
			return all
		}},
		{name: "a restart whose last reports come late", get: cloned, want: false, life: func(l *laptop) []Observation {
			before := []Observation{l.report(monday), l.report(monday.Add(5 * time.Minute)), l.report(monday.Add(9 * time.Minute))}
			l.restart()
			begun := l.report(monday.Add(10 * time.Minute))
			next := l.report(monday.Add(15 * time.Minute))
			return []Observation{before[0], begun, before[1], next, before[2], l.report(monday.Add(20 * time.Minute))}
		}},
		{name: "runs that a spool delivers at one moment", get: cloned, want: false, life: spooledRuns},
		{name: "of such runs the last tells where it is", life: spooledRuns, want: "Europe/Berlin",
			get: func(d *fleetv1.Device) any { return d.GetEgress().GetTimeZone() }},
		{name: "redelivery after a restart", get: cloned, want: false, life: func(l *laptop) []Observation {
			old := l.report(monday)
			l.restart()
			a, b := l.report(monday.Add(time.Minute)), l.report(monday.Add(2*time.Minute))
			return []Observation{old, a, old, b, old, a}
		}},
	})
}

// spooledRuns is a long run and a short one after it, whose reports all arrive at once.
func spooledRuns(l *laptop) []Observation {
	at := monday
	next := func() Observation { at = at.Add(5 * time.Minute); return l.report(at) }
	var all []Observation
	for range 20 {
		all = append(all, next())
	}
	l.restart()
	l.seen.Place = &farmhoundv1.Place{TimeZone: "Europe/Berlin"}
	for range 5 {
		all = append(all, next())
	}
	for i := range all {
		all[i].ReceivedAt = at
	}
	return all
}

func TestKvm(t *testing.T) {
	t.Parallel()
	pikvm := &farmhoundv1.UsbDevice{
		VendorId: 0x1d6b, ProductId: 0x0104, Manufacturer: "PiKVM", Product: "PiKVM Composite Device",
		Interfaces: []*farmhoundv1.UsbInterface{{Class: 3, Keyboard: true}, {Class: 3, AbsolutePointer: true}, {Class: 8}},
	}
	shaped := proto.CloneOf(pikvm)
	shaped.VendorId, shaped.ProductId, shaped.Manufacturer, shaped.Product = 0x1234, 0x5678, "Acme", "Keyboard"
	borrowed := &farmhoundv1.UsbDevice{VendorId: 0x046d, ProductId: 0xc52b, Product: "USB Receiver",
		Interfaces: []*farmhoundv1.UsbInterface{{Class: 3, Keyboard: true}, {Class: 3, AbsolutePointer: true}}}
	receiver := &farmhoundv1.UsbDevice{VendorId: 0x046d, ProductId: 0xc52b, Product: "USB Receiver",
		Interfaces: []*farmhoundv1.UsbInterface{{Class: 3, Keyboard: true}, {Class: 3, RelativePointer: true}}}
	tablet := proto.CloneOf(shaped)
	tablet.VendorId = 0x056a
	internal := proto.CloneOf(shaped)
	internal.BuiltIn = proto.Bool(true)
	attached := func(days int, devices ...*farmhoundv1.UsbDevice) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			l.seen.Hardware = &farmhoundv1.Hardware{Usb: devices}
			all := l.workday(monday)
			if days == 1 {
				l.seen.Hardware = &farmhoundv1.Hardware{}
			}
			return append(all, l.workday(monday.AddDate(0, 0, 1))...)
		}
	}
	// screen is a console of which only the display shows.
	screen := func(l *laptop) []Observation {
		l.seen.Hardware = &farmhoundv1.Hardware{Displays: []*farmhoundv1.Display{{Maker: "LNX", ProductCode: 0x7771, Name: "PiKVM V3"}}}
		return l.workday(monday)
	}
	keyboard := func(d *fleetv1.Device) any {
		return sentence("%s %t %t", d.GetKvm().GetLevel(), d.GetKvm().GetAttached(), d.GetKvm().GetKeyboard())
	}
	level := func(d *fleetv1.Device) any { return d.GetKvm().GetLevel() }
	beating := func(input *farmhoundv1.InputSeconds) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			return l.workday(monday, func(w *farmhoundv1.Window) {
				w.Input, w.Rhythm = input, &farmhoundv1.Rhythm{Bursts: 60, PeriodMs: 60010, GapCv: 0.01}
			})
		}
	}
	beat := func(d *fleetv1.Device) any { return number(d.GetKvm().BeatSeconds) }
	check(t, []derived{
		{name: "named", life: attached(2, pikvm), get: level, want: levelNamed},
		{name: "shape with storage", life: attached(2, shaped), get: level, want: levelShapeStorage},
		{name: "impossible", life: attached(2, borrowed), get: level, want: levelImpossible},
		{name: "a receiver", life: attached(2, receiver), get: level, want: ""},
		{name: "a tablet", life: attached(2, tablet), get: level, want: ""},
		{name: "built in", life: attached(2, internal), get: level, want: ""},
		{name: "another keyboard", life: attached(2, pikvm, receiver), get: func(d *fleetv1.Device) any { return d.GetKvm().GetOtherInputAttached() }, want: true},
		{name: "attached", life: attached(2, pikvm), get: func(d *fleetv1.Device) any { return d.GetKvm().GetAttached() }, want: true},
		{name: "detached", life: attached(1, pikvm), get: func(d *fleetv1.Device) any { return d.GetKvm().GetAttached() }, want: false},
		{name: "detached long ago", life: attached(1, pikvm), now: 31 * 24 * time.Hour, get: level, want: ""},
		{name: "unknown since the agent started anew", want: false, get: func(d *fleetv1.Device) any { return d.GetKvm().GetAttached() || d.GetKnown().GetHardware() },
			life: func(l *laptop) []Observation {
				all := attached(2, pikvm)(l)
				l.seen.Hardware = nil
				l.restart()
				return append(all, l.report(after(all)))
			}},
		{name: "a console's keyboard", life: attached(2, pikvm), get: keyboard, want: "named true true"},
		{name: "a console's screen alone", life: screen, get: keyboard, want: "named true false"},
		{name: "a console's keyboard, unplugged", life: attached(1, pikvm), get: keyboard, want: "named false false"},
		{name: "no hardware sense", life: func(l *laptop) []Observation { l.seen.Hardware = nil; return l.workday(monday) },
			get: func(d *fleetv1.Device) any { return d.GetKvm() == nil && !d.GetKnown().GetHardware() }, want: true},
		{name: "a console's beat", life: beating(&farmhoundv1.InputSeconds{KvmLike: 60}), get: beat, want: 60.0},
		{name: "a mouse jiggler's beat", life: beating(&farmhoundv1.InputSeconds{Jiggler: 60}), get: beat, want: "unknown"},
	})
}
