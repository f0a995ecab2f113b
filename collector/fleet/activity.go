package fleet

import (
	"cmp"
	"math/bits"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

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

// inUse says whether a date is one with activity.
func (w *workday) inUse() bool {
	if w.n == 0 {
		return false
	}
	active, input, controlled, known, awake, hands := uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), false
	for i := range w.each() {
		p := &w.parts[i]
		active += p.count(p.GetActiveSeconds())
		input += p.count(inputSeconds(p.GetInput()))
		for _, c := range p.GetControl() {
			controlled += p.count(c.GetSeconds())
		}
		known += p.count(p.GetActivityKnownSeconds())
		awake += p.count(awakeSeconds(p.Day))
		hands = hands || p.GetInput() != nil
	}
	return max(active, input, controlled) >= activeEnough || known == 0 && !hands && awake >= awakeEnough
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

// spans are over how many of the latest days with activity a Device tells shares.
var spans = [...]int{1, 3, 5, activeSpan}

// activities aggregates the latest days with activity over each of the spans, those over
// more days than there are over all. They are nil without any.
func (v *view) activities() (over [len(spans)]*fleetv1.Activity) {
	s := sums{byTool: make(map[string]uint64)}
	for i := range v.active {
		v.add(&s, &v.active[i])
		for n, span := range spans {
			if i+1 == span || i+1 < span && i+1 == len(v.active) {
				over[n] = v.activity(&s, i+1)
			}
		}
	}
	return over
}

// figures is an activity in the making, with the figures that it points at beside it.
type figures struct {
	fleetv1.Activity
	from, to timestamppb.Timestamp
	given    [18]float64 // as many as an Activity has
	n        int
}

func (f *figures) figure(x float64) *float64 {
	p := &f.given[f.n]
	f.n++
	*p = x
	return p
}

// share is absent where there is no whole to be a share of.
func (f *figures) share(part, whole uint64) *float64 {
	if whole == 0 {
		return nil
	}
	return f.figure(min(float64(part)/float64(whole), 1))
}

// activity describes what the latest days add up to.
func (v *view) activity(s *sums, span int) *fleetv1.Activity {
	days := v.active[:span]
	f := &figures{}
	f.from.Seconds, f.to.Seconds = int64(days[len(days)-1].date)*daySeconds, (int64(days[0].date)+1)*daySeconds
	a := &f.Activity
	a.Days, a.From, a.To = uint32(len(days)), &f.from, &f.to
	a.LidClosedShare = f.share(s.lid, s.lidKnown)
	a.OnAcShare = f.share(s.ac, s.acKnown)
	a.AsleepShare = f.share(s.asleep, s.asleepKnown)
	a.AssistiveShare = f.share(s.assistive, s.assistiveKnown)
	a.CallInjectedShare = f.share(s.callInjected, s.call)
	a.DrivenDays, a.ControlTools = s.drivenDays, v.mostUsed(s.byTool)
	if s.activityKnown > 0 {
		a.ActiveHours = f.figure(float64(s.active) / 3600)
	}
	if s.controlKnown > 0 || len(s.byTool) > 0 {
		a.UnsanctionedHours = f.figure(float64(s.unsanctioned) / 3600)
	}
	a.UnsanctionedShare = f.share(s.unsanctionedActive, s.activeControlKnown)
	a.SanctionedShare = f.share(s.sanctionedActive, s.activeControlKnown)
	a.NearShare = f.share(s.nearActive, s.activeControlKnown)
	if s.inputKnown {
		s.inputShares(f)
	}
	return a
}

func (s *sums) inputShares(f *figures) {
	all := s.builtIn + s.attached + s.kvm + s.injected + s.session
	f.InputHours = f.figure(float64(all) / 3600)
	f.JigglerShare = f.share(s.jiggler, s.jiggler+all)
	f.BuiltInShare = f.share(s.builtIn, all)
	f.AttachedShare = f.share(s.attached, all)
	f.KvmShare = f.share(s.kvm, all)
	f.InjectedShare = f.share(s.injected, all)
	f.SessionShare = f.share(s.session, all)
	f.LocalShare = f.share(s.builtIn+s.attached, all)
}

// use is what one date adds up to.
type use struct {
	whole, unsanctioned, sanctioned, near uint64 // of the time in use under control
	input, kvm                            uint64
}

func (v *view) add(s *sums, w *workday) {
	var u use
	for i := range w.each() {
		p := &w.parts[i]
		v.addControl(s, &u, p)
		s.addInput(&u, p)
		s.addState(p)
	}
	s.activeControlKnown += u.whole
	s.unsanctionedActive += u.unsanctioned
	s.sanctionedActive += u.sanctioned
	s.nearActive += u.near
	if u.whole >= activeEnough && 2*u.unsanctioned >= u.whole || u.input >= activeEnough && 2*u.kvm >= u.input {
		s.drivenDays++
	}
}

func (s *sums) addInput(u *use, p *part) {
	in := p.GetInput()
	if in == nil {
		return
	}
	s.inputKnown = true
	kvm := p.count(in.GetKvmLike())
	s.builtIn += p.count(in.GetBuiltIn())
	s.attached += p.count(in.GetAttached())
	s.kvm += kvm
	s.injected += p.count(in.GetInjected())
	s.session += p.count(in.GetSession())
	s.jiggler += p.count(in.GetJiggler())
	u.input += p.count(inputSeconds(in))
	u.kvm += kvm
}

func (s *sums) addState(p *part) {
	s.active += p.count(p.GetActiveSeconds())
	s.activityKnown += p.count(p.GetActivityKnownSeconds())
	s.lid += p.count(p.GetLidClosedSeconds())
	s.lidKnown += p.count(p.GetLidKnownSeconds())
	s.ac += p.count(p.GetAcSeconds())
	s.acKnown += p.count(p.GetAcKnownSeconds())
	s.asleep += p.count(p.GetAsleepSeconds())
	s.asleepKnown += p.count(p.GetAsleepKnownSeconds())
	s.assistive += p.count(p.GetAssistiveSeconds())
	s.assistiveKnown += p.count(p.GetAssistiveKnownSeconds())
	s.call += p.count(p.GetCallSeconds())
	s.callInjected += p.count(p.GetCallInjectedSeconds())
}

// addControl adds one part's control. Two tools at a time are no more than all of the time.
func (v *view) addControl(s *sums, u *use, p *part) {
	if p.GetControlKnownSeconds() == 0 {
		v.addContacts(s, p)
		return
	}
	s.controlKnown += p.count(p.GetControlKnownSeconds())
	whole := uint64(p.GetActiveControlKnownSeconds())
	if p.GetActivityKnownSeconds() == 0 {
		whole = min(whole, longestUse)
	}
	whole = p.of(whole)
	var unsanctioned, sanctioned, near uint64
	for _, c := range p.GetControl() {
		active, beside, counted := p.count(c.GetActiveSeconds()), p.count(c.GetActiveNearSeconds()), min(c.GetNearSeconds(), c.GetSeconds())
		if counted > 0 && v.answeredLate(p.GetDay(), c.GetTool()) {
			active, beside, counted = active+beside, 0, 0
		}
		// What the laptop did not count as near, the sessions' peers may show to be.
		nearer := v.nearShare(p.GetDay(), c.GetTool())
		far := uint64(float64(active)*(1-nearer) + 0.5)
		near += beside + active - far
		approved := v.approvedShare(c.GetTool(), p.GetDay())
		ours := uint64(float64(far)*approved + 0.5)
		sanctioned += ours
		if far -= ours; approved == 1 {
			continue
		}
		notNear := p.count(c.GetSeconds() - counted)
		if seconds := uint64(float64(notNear)*(1-nearer)*(1-approved) + 0.5); seconds > 0 {
			s.unsanctioned += seconds
			s.byTool[c.GetTool()] += seconds
		}
		unsanctioned += far
	}
	u.whole += whole
	u.unsanctioned += min(unsanctioned, whole)
	u.sanctioned += min(sanctioned, whole)
	u.near += min(near, whole)
}

// addContacts stands in for windows that do not count control: the sessions
// themselves say how long it lasted, though not how much of it was activity.
func (v *view) addContacts(s *sums, p *part) {
	for _, c := range v.contacts {
		if c.GetDay() == p.GetDay() && c.seconds > 0 && !c.GetNear() && !v.f.mayControl(v.pic, c.Contact, v.person) {
			seconds := p.of(c.seconds)
			s.unsanctioned += seconds
			s.byTool[c.GetTool()] += seconds
		}
	}
}

// mostUsed returns the names of tools, most used first.
func (v *view) mostUsed(seconds map[string]uint64) []string {
	const most = 8
	if len(seconds) == 0 {
		return nil
	}
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
