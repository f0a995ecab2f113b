package fleet

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// activeEnough is the use, in seconds, that makes a day one with activity: less
	// is a laptop that woke up, or too little to take shares of.
	activeEnough = 1800
	// awakeEnough is the time awake that stands in where no sense observes use.
	awakeEnough = 7200
	// longestUse is the most that a day awake is taken for a day in use where no sense
	// observes it: a laptop that never sleeps is not used all night.
	longestUse = 10 * 3600
)

// activeDays returns the days with activity, latest first.
func activeDays(days []*fleetv1.Day, now time.Time) []*fleetv1.Day {
	today := now.Unix() / daySeconds
	active := make([]*fleetv1.Day, 0, activeSpan)
	for _, d := range slices.Backward(days) {
		if len(active) == activeSpan {
			break
		}
		// A window may end a little ahead of the collector's clock.
		if int64(d.GetDay()) <= today+1 && inUse(d) {
			active = append(active, d)
		}
	}
	return active
}

func inUse(d *fleetv1.Day) bool {
	if d.GetActiveSeconds() >= activeEnough || inputSeconds(d.GetInput()) >= activeEnough {
		return true
	}
	seconds := uint32(0)
	for _, c := range d.GetControl() {
		seconds += c.GetSeconds()
	}
	return seconds >= activeEnough || d.GetActivityKnownSeconds() == 0 && d.GetInput() == nil && awakeSeconds(d) >= awakeEnough
}

// awakeSeconds are the seconds of a day that windows counted, without sleep.
func awakeSeconds(d *fleetv1.Day) uint32 {
	seconds := uint32(0)
	for i := 0; i+1 < len(d.GetCounted()); i += 2 {
		seconds += d.GetCounted()[i+1] - d.GetCounted()[i]
	}
	return seconds - min(d.GetAsleepSeconds(), seconds)
}

// inputSeconds sums input by any origin, jiggler left out.
func inputSeconds(in *fleetv1.DayInput) uint32 {
	return in.GetBuiltIn() + in.GetAttached() + in.GetKvmLike() + in.GetInjected() + in.GetSession()
}

// sums adds up days. Each pair is a part and the whole it is a share of.
type sums struct {
	active, activityKnown            uint64
	controlKnown, activeControlKnown uint64
	unsanctioned, unsanctionedActive uint64
	sanctionedActive, nearActive     uint64
	inputKnown                       bool
	builtIn, attached, kvm, injected uint64
	session, jiggler                 uint64
	lid, lidKnown, ac, acKnown       uint64
	asleep, asleepKnown              uint64
	assistive, assistiveKnown        uint64
	call, callInjected               uint64
	drivenDays                       uint32
	byTool                           map[string]uint64
}

// activity aggregates the latest days with activity. Nil without any.
func (v *view) activity(span int) *fleetv1.Activity {
	days := v.active[:min(span, len(v.active))]
	if len(days) == 0 {
		return nil
	}
	s := sums{byTool: make(map[string]uint64)}
	for _, d := range days {
		v.add(&s, d)
	}
	a := &fleetv1.Activity{
		Days: uint32(len(days)), From: midnight(days[len(days)-1].GetDay()), To: midnight(days[0].GetDay() + 1),
		LidClosedShare:    share(s.lid, s.lidKnown),
		OnAcShare:         share(s.ac, s.acKnown),
		AsleepShare:       share(s.asleep, s.asleepKnown),
		AssistiveShare:    share(s.assistive, s.assistiveKnown),
		CallInjectedShare: share(s.callInjected, s.call),
		DrivenDays:        s.drivenDays,
		ControlTools:      v.mostUsed(s.byTool),
	}
	if s.activityKnown > 0 {
		a.ActiveHours = ptr(float64(s.active) / 3600)
	}
	if s.controlKnown > 0 || len(s.byTool) > 0 {
		a.UnsanctionedHours = ptr(float64(s.unsanctioned) / 3600)
	}
	a.UnsanctionedShare = share(s.unsanctionedActive, s.activeControlKnown)
	a.SanctionedShare = share(s.sanctionedActive, s.activeControlKnown)
	a.NearShare = share(s.nearActive, s.activeControlKnown)
	if s.inputKnown {
		s.inputShares(a)
	}
	return a
}

// share is absent where there is no whole to be a share of.
func share(part, whole uint64) *float64 {
	if whole == 0 {
		return nil
	}
	return ptr(min(float64(part)/float64(whole), 1))
}

func (s *sums) inputShares(a *fleetv1.Activity) {
	all := s.builtIn + s.attached + s.kvm + s.injected + s.session
	a.InputHours = ptr(float64(all) / 3600)
	a.JigglerShare = share(s.jiggler, s.jiggler+all)
	a.BuiltInShare = share(s.builtIn, all)
	a.AttachedShare = share(s.attached, all)
	a.KvmShare = share(s.kvm, all)
	a.InjectedShare = share(s.injected, all)
	a.SessionShare = share(s.session, all)
	a.LocalShare = share(s.builtIn+s.attached, all)
}

func (v *view) add(s *sums, d *fleetv1.Day) {
	s.active += uint64(d.GetActiveSeconds())
	s.activityKnown += uint64(d.GetActivityKnownSeconds())
	driven := v.addControl(s, d)
	if in := d.GetInput(); in != nil {
		s.inputKnown = true
		s.builtIn += uint64(in.GetBuiltIn())
		s.attached += uint64(in.GetAttached())
		s.kvm += uint64(in.GetKvmLike())
		s.injected += uint64(in.GetInjected())
		s.session += uint64(in.GetSession())
		s.jiggler += uint64(in.GetJiggler())
		if all := uint64(inputSeconds(in)); all >= activeEnough && 2*uint64(in.GetKvmLike()) >= all {
			driven = true
		}
	}
	if driven {
		s.drivenDays++
	}
	s.lid += uint64(d.GetLidClosedSeconds())
	s.lidKnown += uint64(d.GetLidKnownSeconds())
	s.ac += uint64(d.GetAcSeconds())
	s.acKnown += uint64(d.GetAcKnownSeconds())
	s.asleep += uint64(d.GetAsleepSeconds())
	s.asleepKnown += uint64(d.GetAsleepKnownSeconds())
	s.assistive += uint64(d.GetAssistiveSeconds())
	s.assistiveKnown += uint64(d.GetAssistiveKnownSeconds())
	s.call += uint64(d.GetCallSeconds())
	s.callInjected += uint64(d.GetCallInjectedSeconds())
}

// addControl adds one day's control and says whether it was half of the day's use. Two tools at a time are no more than all of the time.
func (v *view) addControl(s *sums, d *fleetv1.Day) bool {
	if d.GetControlKnownSeconds() == 0 {
		return v.addContacts(s, d)
	}
	s.controlKnown += uint64(d.GetControlKnownSeconds())
	whole := uint64(d.GetActiveControlKnownSeconds())
	if d.GetActivityKnownSeconds() == 0 {
		whole = min(whole, longestUse)
	}
	s.activeControlKnown += whole
	var unsanctioned, sanctioned, near uint64
	for _, c := range d.GetControl() {
		// What the laptop did not count as near, the sessions' peers may show to be.
		nearer := v.nearShare(d.GetDay(), c.GetTool())
		far := uint64(float64(c.GetActiveSeconds())*(1-nearer) + 0.5)
		near += uint64(c.GetActiveNearSeconds()) + uint64(c.GetActiveSeconds()) - far
		approved := v.approvedShare(c.GetTool(), d.GetDay())
		ours := uint64(float64(far)*approved + 0.5)
		sanctioned += ours
		if far -= ours; approved == 1 {
			continue
		}
		if seconds := uint64(float64(c.GetSeconds()-min(c.GetNearSeconds(), c.GetSeconds()))*(1-nearer)*(1-approved) + 0.5); seconds > 0 {
			s.unsanctioned += seconds
			s.byTool[c.GetTool()] += seconds
		}
		unsanctioned += far
	}
	s.unsanctionedActive += min(unsanctioned, whole)
	s.sanctionedActive += min(sanctioned, whole)
	s.nearActive += min(near, whole)
	return whole >= activeEnough && 2*unsanctioned >= whole
}

// addContacts stands in for windows that do not count control: the sessions
// themselves say how long it lasted, though not how much of it was activity.
func (v *view) addContacts(s *sums, d *fleetv1.Day) bool {
	for _, c := range v.contacts {
		if c.GetDay() == d.GetDay() && c.seconds > 0 && !c.GetNear() && !v.f.mayControl(v.pic, c.Contact, v.person) {
			s.unsanctioned += c.seconds
			s.byTool[c.GetTool()] += c.seconds
		}
	}
	return false
}

// mostUsed returns the names of tools, most used first.
func (v *view) mostUsed(seconds map[string]uint64) []string {
	const most = 8
	ids := make([]string, 0, len(seconds))
	for id := range seconds {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(seconds[b], seconds[a]), cmp.Compare(a, b))
	})
	ids = ids[:min(len(ids), most)]
	for i, id := range ids {
		ids[i] = v.f.toolName(id)
	}
	return ids
}

// weeklyUse counts the half hours in use of the last 28 days by weekday and hour, in UTC:
// four of every weekday.
func (v *view) weeklyUse() []uint32 {
	const (
		weeks  = 4
		monday = 3 // 1 January 1970 was a Thursday
	)
	today := v.now.Unix() / daySeconds
	var use []uint32
	for _, d := range v.pic.GetDays() {
		day := int64(d.GetDay())
		if d.GetSlots() == 0 || day > today || day <= today-weeks*7 {
			continue
		}
		if use == nil {
			use = make([]uint32, 7*24)
		}
		midnight := (day + monday) % 7 * 24
		for left := d.GetSlots(); left != 0; left &= left - 1 {
			if hour := int64(bits.TrailingZeros64(left)) / 2; hour < 24 {
				use[midnight+hour]++
			}
		}
	}
	return use
}
