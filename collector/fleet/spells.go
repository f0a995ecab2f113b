package fleet

import (
	"slices"
)

// What tells gaps apart is kept in pairs of whole minutes: the union of what reports tell,
// whatever their order, without what is too old to be asked about.

const (
	keptStarts  = 24
	keptSleeps  = 12
	keptOutages = 8
	gapDays     = activeSpan
	// spellSlack is what two spells may lie apart and be one, in minutes: laptops wake for
	// moments, and windows end a little before reports.
	spellSlack = 5
)

// began notes when the run of the agent began, and for how long its system had been up.
func (u *update) began() {
	health := u.rep.GetHealth()
	if health.GetStartedAt() == nil {
		return
	}
	at := health.GetStartedAt().GetSeconds()
	if at > u.received+aheadSeconds || at < u.received-gapDays*daySeconds {
		return
	}
	up := uint32(0)
	if health.SystemUpSeconds != nil {
		up = uint32(min(health.GetSystemUpSeconds()/60, 1<<24)) + 1
	}
	list, start := u.pic.GetRuns(), uint32(at/60)
	i := 0
	for i < len(list) && list[i] < start {
		i += 2
	}
	if i < len(list) && list[i] == start {
		if list[i+1] < up {
			u.pic.Runs = slices.Clone(list)
			u.pic.Runs[i+1] = up
		}
		return
	}
	list = slices.Concat(list[:i], []uint32{start, up}, list[i:])
	u.pic.Runs = list[max(0, len(list)-2*keptStarts):]
}

// slept notes a window of sleep.
func (u *update) slept(start, end int64, asleep uint32) {
	if end-start >= 60 && 10*int64(asleep) >= 9*(end-start) {
		u.pic.Sleeps = addSpell(u.pic.GetSleeps(), start, end, keptSleeps)
	}
}

// undelivered notes for how long a report could not be delivered. On a laptop's first day nobody
// knows what is usual of its clock.
func (u *update) undelivered() {
	c := u.pic.GetClock()
	if !c.GetBeforeKnown() {
		return
	}
	if delay := u.received - u.observed - max(usualDelay(c), 0); delay >= silenceSeconds && delay < gapDays*daySeconds {
		u.pic.Undelivered = addSpell(u.pic.GetUndelivered(), u.received-delay, u.received, keptOutages)
	}
}

// addSpell adds a time to a list of pairs of when one begins and its length. The shortest
// make room.
func addSpell(list []uint32, start, end int64, most int) []uint32 {
	from, to := uint32(max(start, 0)/60), uint32((max(end, 0)+59)/60)
	for i := 0; i < len(list); i += 2 {
		if list[i] <= from && to <= list[i]+list[i+1] {
			return list
		}
	}
	all := make([]uint32, 0, len(list)+2)
	i := 0
	for ; i < len(list) && list[i]+list[i+1]+spellSlack < from; i += 2 {
		all = append(all, list[i], list[i+1])
	}
	for ; i < len(list) && list[i] <= to+spellSlack; i += 2 {
		from, to = min(from, list[i]), max(to, list[i]+list[i+1])
	}
	all = append(append(all, from, to-from), list[i:]...)
	if len(all) <= 2*most {
		return all
	}
	shortest := 0
	for i := 2; i < len(all); i += 2 {
		if all[i+1] < all[shortest+1] {
			shortest = i
		}
	}
	return slices.Delete(all, shortest, shortest+2)
}

// pruneSpells drops what is too old.
func (u *update) pruneSpells() {
	oldest := uint32(max(max(u.received, u.pic.GetLastReceivedUnix())-(gapDays+1)*daySeconds, 0) / 60)
	for _, list := range []*[]uint32{&u.pic.Runs, &u.pic.Sleeps, &u.pic.Undelivered} {
		for len(*list) > 1 && (*list)[0] < oldest {
			*list = (*list)[2:]
		}
	}
}
