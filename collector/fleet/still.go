package fleet

import (
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// kvm describes hardware that can drive the laptop from elsewhere: the strongest
// recognition among what is attached, else among what was attached lately.
func (v *view) kvm() *fleetv1.Kvm {
	k := &fleetv1.Kvm{OtherInputAttached: v.pic.GetHardware().GetOtherInputAttached()}
	var best *fleetv1.PeripheralState
	for _, p := range v.pic.GetPeripherals() {
		switch {
		case p.GetKind() == kindDummy && p.GetPresent():
			k.DummyDisplay = true
		case p.GetKind() == kindKVM && v.now.Unix()-p.GetLastUnix() <= toolDays*daySeconds && stronger(p, best):
			best = p
		}
	}
	if best != nil {
		k.Level, k.Name, k.Attached = best.GetLevel(), best.GetName(), best.GetPresent()
		k.FirstSeenAt, k.LastSeenAt = stamp(best.GetFirstUnix()), stamp(best.GetLastUnix())
	}
	for _, d := range v.active[:min(5, len(v.active))] {
		if d.GetBeatMs() != 0 {
			k.BeatSeconds = ptr(float64(d.GetBeatMs()) / 1000)
			break
		}
	}
	if best == nil && !k.GetDummyDisplay() && k.BeatSeconds == nil && v.pic.GetHardware() == nil {
		return nil
	}
	return k
}

func stronger(p, best *fleetv1.PeripheralState) bool {
	if best == nil || p.GetPresent() != best.GetPresent() {
		return best == nil || p.GetPresent()
	}
	a, b := slices.Index(levels, p.GetLevel()), slices.Index(levels, best.GetLevel())
	return a < b || a == b && p.GetFirstUnix() < best.GetFirstUnix()
}

func (v *view) stillness() *fleetv1.Stillness {
	s := &fleetv1.Stillness{}
	last := v.pic.GetLastReportUnix()
	if n := v.pic.GetNetwork(); n != nil && len(n.GetGateway()) > 0 && last >= n.GetSinceUnix() {
		s.SameNetworkDays = ptr(float64(last-n.GetSinceUnix()) / daySeconds)
	}
	s.AwakeOnAcDays = v.awakeOnAC()
	if m := v.pic.GetMedia(); m != nil {
		if since := max(m.GetKnownUnix(), m.GetLastUsedUnix()); last >= since {
			s.MediaUnusedDays = ptr(float64(last-since) / daySeconds)
		}
	}
	s.RhythmCv = v.rhythm()
	return s
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
		if n := d.GetRhythmWindows(); n > 0 {
			means = append(means, float64(d.GetRhythmCvSum())/cvScale/float64(n))
		}
	}
	if len(means) == 0 {
		return nil
	}
	slices.Sort(means)
	return ptr(median(means))
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
	longest := int64(0)
	for _, s := range v.pic.GetSilences() {
		if s.GetToUnix() >= oldest {
			longest = max(longest, v.uncovered(s))
		}
	}
	observes := slices.ContainsFunc(v.pic.GetDays(), func(d *fleetv1.Day) bool { return len(d.GetCounted()) > 0 })
	if observes {
		t.SilentHours = ptr(float64(longest) / 3600)
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
	if last := v.pic.GetLastReceivedUnix(); last != 0 {
		t.SilenceNowHours = ptr(max(float64(now-last), 0) / 3600)
	}
	return t
}

// uncovered returns the seconds of a pause that no window accounts for: windows
// count sleep, so that a laptop that slept was not silent.
func (v *view) uncovered(s *fleetv1.Silence) int64 {
	left := s.GetToUnix() - s.GetFromUnix()
	for _, d := range v.pic.GetDays() {
		midnight := int64(d.GetDay()) * daySeconds
		spans := d.GetCounted()
		for i := 0; i+1 < len(spans); i += 2 {
			from := max(midnight+int64(spans[i]), s.GetFromUnix())
			to := min(midnight+int64(spans[i+1]), s.GetToUnix())
			left -= max(to-from, 0)
		}
	}
	return max(left, 0)
}
