package fleet

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What a gap was.
const (
	gapAsleep     = "asleep"
	gapOff        = "off"
	gapTravelling = "travelling"
	gapBlocked    = "network_blocked"
	gapStopped    = "agent_stopped"
	gapUnknown    = "unknown"

	keptGaps = 10
	// gapSlack is by how much what ends a gap may miss it, in seconds.
	gapSlack = 300
)

// spell is a time in seconds since 1970.
type spell struct{ from, to int64 }

func (s spell) overlap(other spell) int64 {
	return max(min(s.to, other.to)-max(s.from, other.from), 0)
}

// spells reads a list of pairs of minutes.
func spells(list []uint32) []spell {
	all := make([]spell, 0, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		all = append(all, spell{int64(list[i]) * 60, int64(list[i]+list[i+1]) * 60})
	}
	return all
}

// gap is a time of which nothing was heard while it lasted.
type gap struct {
	spell
	kind    string
	seconds int64 // of it, what counts
}

// gaps tells what every gap of the last twenty days was, by the laptop's clock, oldest
// first. None is told of a laptop that sends no windows.
func (v *view) gaps() []gap {
	asleep := spells(v.pic.GetSleeps())
	counted := v.counted()
	var all []gap
	add := func(s spell, kind string, seconds int64) {
		if oldest := v.now.Unix() - gapDays*daySeconds; seconds >= silenceSeconds && s.to > oldest {
			all = append(all, gap{s, kind, min(seconds, s.to-oldest)})
		}
	}
	for i := range counted[:max(len(counted)-1, 0)] {
		if s := (spell{counted[i].to, counted[i+1].from}); s.to-s.from >= silenceSeconds {
			add(s, v.kindOf(s), s.to-s.from)
		}
	}
	for _, s := range asleep {
		add(s, gapAsleep, s.to-s.from)
	}
	for _, s := range spells(v.pic.GetUndelivered()) {
		// Windows that came later tell that the laptop was awake: not a lid that was shut
		// before anything could be delivered, nor a clock that was set back.
		awake := int64(0)
		for _, c := range counted {
			awake += s.overlap(c)
		}
		for _, a := range asleep {
			awake -= s.overlap(a)
		}
		if !v.clockJumped(s) {
			add(s, gapBlocked, awake)
		}
	}
	for _, s := range v.pic.GetSilences() {
		if s.GetHeld() {
			held := spell{s.GetFromUnix(), s.GetToUnix()}
			add(held, v.journeyOr(gapStopped, held), held.to-held.from)
		}
	}
	slices.SortStableFunc(all, func(a, b gap) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return all
}

// counted returns the times that windows counted, oldest first.
func (v *view) counted() []spell {
	var all []spell
	for _, d := range v.pic.GetDays() {
		midnight := int64(d.GetDay()) * daySeconds
		for i := 0; i+1 < len(d.GetCounted()); i += 2 {
			s := spell{midnight + int64(d.GetCounted()[i]), midnight + int64(d.GetCounted()[i+1])}
			if n := len(all); n > 0 && s.from-all[n-1].to < silenceSeconds {
				all[n-1].to = max(all[n-1].to, s.to)
				continue
			}
			all = append(all, s)
		}
	}
	return all
}

// kindOf tells what a time was of which no window tells: by the run that begins at its end.
func (v *view) kindOf(s spell) string {
	kind := gapUnknown
	ran := true // the same run went on, as far as is known
	runs := v.pic.GetRuns()
	for i := 0; i+1 < len(runs); i += 2 {
		start, up := int64(runs[i])*60, int64(runs[i+1])*60
		switch {
		case start < s.from-gapSlack || start > s.to+gapSlack:
			continue
		case up > 0 && start-(up-60) >= s.from-gapSlack:
			return gapOff
		case up > 0:
			kind = gapStopped
		}
		ran = false
	}
	if ran && slices.ContainsFunc(v.pic.GetSilences(), func(q *fleetv1.Silence) bool {
		return s.overlap(spell{q.GetFromUnix(), q.GetToUnix()}) >= silenceSeconds
	}) {
		kind = gapStopped
	}
	return v.journeyOr(kind, s)
}

// journeyOr returns what a gap was unless the laptop was on its way.
func (v *view) journeyOr(kind string, s spell) string {
	if v.moved(s) || kind == gapStopped && v.journey(s) {
		return gapTravelling
	}
	return kind
}

// moved says whether the network after a gap is another one than before.
func (v *view) moved(s spell) bool {
	const soon = 2 * 3600
	before, after := s.from/daySeconds, s.to/daySeconds
	if left, arrived := v.networksOn(before), v.networksOn(after); before != after && left != 0 && arrived != 0 && left&arrived == 0 {
		return true
	}
	// Within a day only what is new tells.
	had, came := false, false
	for _, n := range v.pic.GetNetworks() {
		had = had || n.GetFirstUnix() <= s.from
		came = came || n.GetFirstUnix() > s.from && n.GetFirstUnix() <= s.to+soon && !v.knewNetwork(networkName(n), s.from)
	}
	return had && came
}

// knewNetwork says whether the laptop was on a network before a moment.
func (v *view) knewNetwork(name []byte, by int64) bool {
	return slices.ContainsFunc(v.pic.GetNetworks(), func(n *fleetv1.NetworkSighting) bool {
		return bytes.Equal(networkName(n), name) && n.GetFirstUnix() <= by
	})
}

// journey says whether an approved journey began or ended in a gap.
func (v *view) journey(s spell) bool {
	then := func(unix int64) []string { return v.f.person(v.pic, time.Unix(unix, 0)).GetTravelCountries() }
	return !slices.Equal(then(s.from), then(s.to))
}

// clockJumped says whether the laptop's clock was set by much at some time.
func (v *view) clockJumped(s spell) bool {
	return slices.ContainsFunc(v.pic.GetDays(), func(d *fleetv1.Day) bool {
		midnight := int64(d.GetDay()) * daySeconds
		return d.GetClockJumpSeconds() >= silenceSeconds/2 && s.overlap(spell{midnight, midnight + daySeconds}) > 0
	})
}

// describeGaps notes what gaps were, and for how long the agent was stopped lately.
func (v *view) describeGaps(t *fleetv1.Trust) (stopped int64) {
	gaps := v.gaps()
	sums := map[string]int64{}
	oldest := v.now.Unix() - keptTrustDays*daySeconds
	for i, g := range gaps {
		sums[g.kind] += g.seconds
		if g.kind == gapStopped && g.to >= oldest {
			stopped = max(stopped, g.seconds)
		}
		if i >= len(gaps)-keptGaps {
			t.Gaps = append(t.Gaps, &fleetv1.Gap{Kind: g.kind, From: stamp(g.from), To: stamp(g.to)})
		}
	}
	asleep := uint64(0)
	for _, d := range v.pic.GetDays() {
		if int64(d.GetDay()) > v.now.Unix()/daySeconds-gapDays {
			asleep += uint64(d.GetAsleepSeconds())
		}
	}
	if len(gaps) == 0 && asleep == 0 {
		return 0
	}
	hours := func(kind string) float64 { return float64(sums[kind]) / 3600 }
	t.GapSums = &fleetv1.Gaps{
		AsleepHours: float64(asleep) / 3600, OffHours: hours(gapOff), TravellingHours: hours(gapTravelling),
		NetworkBlockedHours: hours(gapBlocked), AgentStoppedHours: hours(gapStopped), UnknownHours: hours(gapUnknown),
	}
	return stopped
}
