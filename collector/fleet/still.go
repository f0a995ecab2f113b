package fleet

import (
	"bytes"
	"math"
	"math/bits"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// kvm describes hardware that can drive the laptop from elsewhere: the strongest
// recognition among what is attached, else among what was attached lately. Nil
// where nothing is known of hardware and no input tells.
func (v *view) kvm() *fleetv1.Kvm {
	k := &fleetv1.Kvm{OtherInputAttached: v.pic.GetHardware().GetOtherInputAttached()}
	var best *fleetv1.PeripheralState
	for _, p := range v.pic.GetPeripherals() {
		switch {
		case p.GetKind() == kindDummy && v.attached(p):
			k.DummyDisplay = true
		case p.GetKind() == kindKVM && v.now.Unix()-v.attachedUntil(p) <= toolDays*daySeconds && stronger(p, best):
			best = p
		}
		// A console may show as a screen alone: nothing can be typed through a screen.
		k.Keyboard = k.GetKeyboard() || p.GetKeyboard() && v.attached(p)
	}
	if best != nil {
		k.Level, k.Name, k.Attached = best.GetLevel(), best.GetName(), v.attached(best)
		k.FirstSeenAt, k.LastSeenAt = stamp(best.GetFirstUnix()), stamp(v.attachedUntil(best))
	}
	// Any mouse jiggler beats; what counts is one that comes through such a device.
	if d := v.lastOf(5, func(d *fleetv1.Day) bool {
		return d.GetBeatMs() != 0 && (best != nil || d.GetInput().GetKvmLike() > 0)
	}); d != nil {
		k.BeatSeconds = ptr(float64(d.GetBeatMs()) / 1000)
	}
	if best == nil && k.BeatSeconds == nil && v.pic.GetHardware() == nil {
		return nil
	}
	return k
}

// attached says whether a peripheral is attached, as far as is known now.
func (v *view) attached(p *fleetv1.PeripheralState) bool {
	return p.GetPresent() && v.pic.GetHardware() != nil
}

func (v *view) attachedUntil(p *fleetv1.PeripheralState) int64 {
	if p.GetPresent() {
		return max(p.GetLastUnix(), v.pic.GetHardwareSeenUnix())
	}
	return p.GetLastUnix()
}

func stronger(p, best *fleetv1.PeripheralState) bool {
	if best == nil || p.GetPresent() != best.GetPresent() {
		return best == nil || p.GetPresent()
	}
	a, b := slices.Index(levels, p.GetLevel()), slices.Index(levels, best.GetLevel())
	return a < b || a == b && p.GetFirstUnix() < best.GetFirstUnix()
}

func (v *view) stillness() *fleetv1.Stillness {
	return &fleetv1.Stillness{
		SameNetworkDays: v.sameNetwork(), AwakeOnAcDays: v.awakeOnAC(), MediaUnusedDays: v.mediaUnused(), RhythmCv: v.rhythm(),
		MachineRhythmShare: v.machineRhythmShare(),
	}
}

// sameNetwork is how long the laptop has been on its network and no other. Days
// without a sighting are bridged as days of rest. Absent where no gateway is known.
func (v *view) sameNetwork() *float64 {
	sightings := v.pic.GetNetworks()
	if len(sightings) == 0 || len(sightings[len(sightings)-1].GetGateway()) == 0 {
		return nil
	}
	last := sightings[len(sightings)-1]
	until := max(v.pic.GetLastReportUnix(), last.GetLastUnix())
	since := last.GetLastUnix()
	for day, apart := last.GetLastUnix()/daySeconds, 0; apart <= restDays; day-- {
		on := v.networksOn(day)
		if on == 0 {
			apart++
			continue
		}
		if on != v.sighted[len(sightings)-1] {
			break
		}
		apart, since = 0, day*daySeconds
	}
	began := int64(math.MaxInt64) // of whichever egress beside it came first
	for _, s := range sightings {
		if bytes.Equal(networkName(s), networkName(last)) && s.GetFirstUnix()/daySeconds == since/daySeconds {
			began = min(began, s.GetFirstUnix())
		}
	}
	if began != math.MaxInt64 {
		since = max(since, began)
	}
	return ptr(float64(max(until-since, 0)) / daySeconds)
}

// mediaUnused counts the days on which the laptop was on since its camera and
// microphone were last used: one that is off cannot use them.
func (v *view) mediaUnused() *float64 {
	m := v.pic.GetMedia()
	if m == nil {
		return nil
	}
	since := v.clock.date(max(m.GetKnownUnix(), m.GetLastUsedUnix()))
	days, latest, awake := 0, uint32(0), uint32(0)
	for i, d := range v.pic.GetDays() {
		date := v.dates[i]
		if date <= since {
			continue
		}
		if date != latest {
			latest, awake = date, 0
		}
		before := awake
		if awake += awakeSeconds(d); before < activeEnough && awake >= activeEnough {
			days++
		}
	}
	return ptr(float64(days))
}

// awakeOnAC counts the days to now without sleep and on mains. The first and the
// last need not be observed in full. Absent where sleep or power is not known.
func (v *view) awakeOnAC() *float64 {
	const observed = daySeconds * 8 / 10
	known, seconds := false, uint64(0)
	next := int64(0)
	for _, d := range slices.Backward(v.pic.GetDays()) {
		if d.GetAsleepKnownSeconds() == 0 || d.GetAcKnownSeconds() == 0 {
			if len(d.GetCounted()) == 0 {
				continue // no windows: arrivals only
			}
			break
		}
		known = true
		if next != 0 && int64(d.GetDay()) != next-1 {
			break
		}
		awake := uint64(d.GetAsleepSeconds())*100 <= uint64(d.GetAsleepKnownSeconds())
		mains := uint64(d.GetAcSeconds())*100 >= uint64(d.GetAcKnownSeconds())*98
		if !awake || !mains {
			break
		}
		seconds += uint64(d.GetAsleepKnownSeconds())
		if next != 0 && d.GetAsleepKnownSeconds() < observed {
			break
		}
		next = int64(d.GetDay())
	}
	if !known {
		return nil
	}
	return ptr(float64(seconds) / daySeconds)
}

// rhythm is the median over five active days of the mean variation of input pauses.
func (v *view) rhythm() *float64 {
	var means []float64
	for _, d := range v.active[:min(5, len(v.active))] {
		sum, n := 0.0, 0.0
		for i := range d.each() {
			p := &d.parts[i]
			if windows := float64(p.GetRhythmWindows()); windows > 0 {
				sum, n = sum+float64(p.GetRhythmCvSum())*p.share(), n+windows*p.share()
			}
		}
		if n > 0 {
			means = append(means, sum/cvScale/n)
		}
	}
	if len(means) == 0 {
		return nil
	}
	slices.Sort(means)
	return ptr(median(means))
}

// machineRhythmShare is over five active days.
func (v *view) machineRhythmShare() *float64 {
	person, all := 0, 0
	for _, d := range v.active[:min(5, len(v.active))] {
		for i := range d.each() {
			p := &d.parts[i]
			person, all = person+bits.OnesCount32(p.hours(p.GetPersonHours())), all+bits.OnesCount32(p.hours(p.GetRhythmHours()))
		}
	}
	if all == 0 {
		return nil
	}
	return ptr(1 - float64(person)/float64(all))
}

// median returns the middle of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func (v *view) trust() *fleetv1.Trust {
	t := &fleetv1.Trust{}
	now := v.now.Unix()
	oldest := now - keptTrustDays*daySeconds
	stopped := v.describeGaps(t)
	// Without windows that tell of sleep nobody knows what a silence was.
	if slices.ContainsFunc(v.pic.GetDays(), func(d *fleetv1.Day) bool { return d.GetAsleepKnownSeconds() > 0 }) {
		t.SilentHours = ptr(float64(stopped) / 3600)
	}
	if v.pic.GetClock() != nil {
		jump := uint32(0)
		for _, d := range v.pic.GetDays() {
			if (int64(d.GetDay())+1)*daySeconds > oldest {
				jump = max(jump, d.GetClockJumpSeconds())
			}
		}
		t.ClockJumpSeconds = ptr(float64(jump))
	}
	t.Cloned = v.pic.GetClonedUnix() != 0 && v.pic.GetClonedUnix() >= oldest
	last := v.pic.GetLastReceivedUnix()
	t.SupersededAlive = last >= oldest && supersededAlive(v.pic, last)
	if last != 0 {
		t.SilenceNowHours = ptr(max(float64(now-last), 0) / 3600)
	}
	return t
}
