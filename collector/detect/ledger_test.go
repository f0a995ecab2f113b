package detect

import (
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// story judges one laptop over time, each judgement knowing the one before.
type story struct {
	t      *testing.T
	d      *Detector
	now    time.Time
	before *fleetv1.Judgement
}

func newStory(t *testing.T) *story {
	t.Helper()
	return &story{t: t, d: New(rules(t), Options{}), now: personaNow}
}

func (s *story) judge(after time.Duration, dev *fleetv1.Device) *fleetv1.Assessment {
	s.t.Helper()
	s.now = s.now.Add(after)
	dev.LastReportAt = timestamppb.New(s.now)
	j, err := s.d.Assess(dev, s.before, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.before = j
	return j.GetAssessment()
}

func evidenceOf(a *fleetv1.Assessment, signal string) *fleetv1.Evidence {
	for _, e := range a.GetEvidence() {
		if e.GetSignal() == signal {
			return e
		}
	}
	return nil
}

// silent is a laptop of which every sense works and nothing is to be said.
func silentLaptop() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Place = &fleetv1.PlaceHistory{}
		spans(d, func(a *fleetv1.Activity) { a.InputHours = p(0.0) })
	})
}

func TestEvidenceFadesByHalvesAndLeavesBelowOneDeciban(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	console := silentLaptop()
	console.Kvm = &fleetv1.Kvm{Level: "named", Name: "PiKVM", Attached: true, Keyboard: true, FirstSeenAt: at(time.March, 1, 9)}
	spans(console, func(a *fleetv1.Activity) { a.InputHours, a.KvmShare = p(5.0), p(1.0) })
	first := s.now
	if e := evidenceOf(s.judge(0, console), "kvm_attached"); e.GetDb() != 22 || e.GetFullDb() != 22 {
		t.Fatalf("attached: %v", e)
	}
	// Half-life is ten days. Hand computed: 22 / 2^(age/10).
	for _, tt := range []struct {
		days int
		want float64
	}{{1, 20.5}, {10, 11}, {20, 5.5}, {40, 1.4}} {
		e := evidenceOf(s.judge(first.Add(time.Duration(tt.days)*day).Sub(s.now), silentLaptop()), "kvm_attached")
		if e.GetDb() != tt.want || e.GetFullDb() != 22 {
			t.Errorf("after %d days: %g of %g, want %g of 22", tt.days, e.GetDb(), e.GetFullDb(), tt.want)
		}
		if !e.GetLastSeen().AsTime().Equal(first) || !strings.HasSuffix(e.GetBecause(), "(last observed on 17 Mar 2026).") {
			t.Errorf("after %d days: last seen %v, %q", tt.days, e.GetLastSeen().AsTime(), e.GetBecause())
		}
	}
	if e := evidenceOf(s.judge(10*day, silentLaptop()), "kvm_attached"); e != nil || len(s.before.GetLedger()) != 0 {
		t.Errorf("after 50 days it still weighs %g", e.GetDb())
	}
}

func TestALighterTierDoesNotCutWhatWasSeenYesterday(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	share := func(x float64) *fleetv1.Device {
		d := silentLaptop()
		controlled(d, x, "AnyDesk")
		return d
	}
	s.judge(0, share(0.9))
	if e := evidenceOf(s.judge(day, share(0.6)), "session_share"); e.GetFullDb() != 26 || e.GetDb() != 22.6 {
		t.Errorf("a day later: %g of %g, want 22.6 of 26", e.GetDb(), e.GetFullDb())
	}
	e := evidenceOf(s.judge(2*day, share(0.6)), "session_share")
	if e.GetFullDb() != 18 || e.GetDb() != 18 {
		t.Errorf("once it has faded below what holds: %g of %g, want 18 of 18", e.GetDb(), e.GetFullDb())
	}
	if !e.GetFirstSeen().AsTime().Equal(personaNow) {
		t.Errorf("first seen %v, want %v: it never ceased", e.GetFirstSeen().AsTime(), personaNow)
	}
}

func TestFirstSeenStartsAnewAfterAGapLongerThanTheHalfLife(t *testing.T) {
	t.Parallel()
	console := func() *fleetv1.Device {
		d := silentLaptop()
		d.Kvm = &fleetv1.Kvm{Level: "named", Name: "PiKVM", Attached: true, Keyboard: true}
		return d
	}
	for _, tt := range []struct {
		gap   time.Duration
		anew  bool
		after string
	}{{9 * day, false, "nine days"}, {11 * day, true, "eleven days"}} {
		s := newStory(t)
		s.judge(0, console())
		s.judge(day/2, silentLaptop())
		e := evidenceOf(s.judge(tt.gap-day/2, console()), "kvm_attached")
		want := personaNow
		if tt.anew {
			want = s.now
		}
		if !e.GetFirstSeen().AsTime().Equal(want) {
			t.Errorf("back after %s: first seen %v, want %v", tt.after, e.GetFirstSeen().AsTime(), want)
		}
	}
}

func TestASenseThatIsLostFadesAndNeverJumps(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	before := s.judge(0, rmmFarmLaptop())
	blinded := rmmFarmLaptop()
	blinded.Known = &fleetv1.Known{}
	after := s.judge(time.Hour, blinded)
	if after.GetVerdict() != before.GetVerdict() {
		t.Errorf("an hour after all senses failed the verdict is %s, before %s", after.GetVerdict(), before.GetVerdict())
	}
	if got, want := evidenceOf(after, "session_share").GetDb(), 25.9; got != want {
		t.Errorf("control weighs %g after an hour, want %g", got, want)
	}
	if after := s.judge(60*day, blinded); after.GetVerdict() == "near_certain" {
		t.Error("two months later it is still near certain")
	}
}

func TestApprovalTakesEvidenceBackAtOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	if a := s.judge(0, rmmFarmLaptop()); a.GetVerdict() != "near_certain" {
		t.Fatal(a.GetVerdict())
	}
	approved := rmmFarmLaptop()
	approved.Tools[0].Approved = true
	approved.Operator = nil
	spans(approved, func(a *fleetv1.Activity) {
		a.SanctionedShare, a.UnsanctionedShare, a.UnsanctionedHours, a.ControlTools, a.DrivenDays = a.UnsanctionedShare, p(0.0), p(0.0), nil, 0
	})
	a := s.judge(time.Minute, approved)
	for _, gone := range []string{"session_share", "injected_share", "no_local_input", "unsanctioned_tool"} {
		if e := evidenceOf(a, gone); e != nil {
			t.Errorf("%s still weighs %g", gone, e.GetDb())
		}
	}
}

func TestRulesThatChangedRuleOldEvidence(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.before = &fleetv1.Judgement{Ledger: []*fleetv1.LedgerLine{
		{Signal: "no_such_signal", Db: 29, LastSeen: timestamppb.New(s.now), FirstSeen: timestamppb.New(s.now)},
		{Signal: "kvm_attached", Tier: 99, Db: 500, Because: "an old sentence", LastSeen: timestamppb.New(s.now), FirstSeen: timestamppb.New(s.now)},
	}}
	a := s.judge(0, silentLaptop())
	if len(a.GetEvidence()) != 1 || a.GetEvidence()[0].GetDb() != 22 {
		t.Errorf("evidence %v, want the console's present weight and nothing else", a.GetEvidence())
	}
}

func TestWhatIsSeenIsAsOldAsTheLastReport(t *testing.T) {
	t.Parallel()
	dev := rmmFarmLaptop()
	j, err := New(rules(t), Options{}).Assess(dev, nil, personaNow.Add(3*day))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range j.GetAssessment().GetEvidence() {
		if !e.GetLastSeen().AsTime().Equal(dev.GetLastReportAt().AsTime()) || e.GetFullDb() == 0 {
			t.Errorf("%s last seen %v, want the last report's time", e.GetSignal(), e.GetLastSeen().AsTime())
		}
	}
	if j.GetAssessment().GetVerdict() != "near_certain" {
		t.Errorf("a weekend without reports made it %s", j.GetAssessment().GetVerdict())
	}
}

// A laptop that says nothing is neither what it was nor anything else: after a
// weekend everything it showed fades, for and against alike, without a step.
func TestSilenceFadesEverythingAlike(t *testing.T) {
	t.Parallel()
	dev := developerWithConsole()
	dev.Day5.UnsanctionedShare, dev.Day5.ControlTools = p(0.3), []string{"OpenSSH server"}
	spoke := dev.GetLastReportAt().AsTime()
	d := New(rules(t), Options{})
	known, err := d.Assess(dev, nil, spoke)
	if err != nil {
		t.Fatal(err)
	}
	// sweeps judges every six hours, or once and for the first time.
	for _, sweeps := range []bool{true, false} {
		before := known
		last := known.GetAssessment().GetQuestions().GetRemote().GetDb()
		for h := 6; h <= 24*60; h += 6 {
			if !sweeps {
				before = nil
			}
			j, err := d.Assess(dev, before, spoke.Add(time.Duration(h)*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			before = j
			a := j.GetAssessment()
			left := math.Exp2(-max(float64(h)/24-3, 0) / 10)
			for _, e := range known.GetAssessment().GetEvidence() {
				got := evidenceOf(a, e.GetSignal())
				if want := e.GetFullDb() * left; abs(want) >= faintest && got == nil || got != nil && abs(got.GetDb()) > abs(want)+0.1 {
					t.Fatalf("%s after %d hours: %v, want %.1f left of it", e.GetSignal(), h, got, want)
				}
				if got != nil && strings.Contains(got.GetBecause(), "last observed on 17 Mar 2026") != (h > 72) {
					t.Fatalf("after %d hours: %s", h, got.GetBecause())
				}
			}
			db := a.GetQuestions().GetRemote().GetDb()
			if abs(db-last) > 1.5 {
				t.Errorf("after %d hours the sum fell from %g to %g at once", h, last, db)
			}
			if db > 0 && db > known.GetAssessment().GetQuestions().GetRemote().GetDb() {
				t.Errorf("after %d hours silence speaks for remote control: %g", h, db)
			}
			last = db
		}
		if len(before.GetLedger()) > 0 && sweeps {
			t.Errorf("after sixty days it still says %v", before.GetLedger())
		}
	}
}

func TestSilenceIsSaid(t *testing.T) {
	t.Parallel()
	dev := rmmFarmLaptop()
	j, err := New(rules(t), Options{}).Assess(dev, nil, personaNow.Add(20*day))
	if err != nil {
		t.Fatal(err)
	}
	a := j.GetAssessment()
	want := "Nothing came from this laptop since 17 Mar 2026; as it was then: strong signs of remote control: AnyDesk controlled this laptop for 83 % of its active time over 5 active days (13–17 Mar 2026)"
	if got := a.GetQuestions().GetRemote().GetSentence(); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(a.GetUnknown()) != 1 || !strings.Contains(a.GetUnknown()[0], "since 17 Mar 2026") {
		t.Errorf("unknown: %q", a.GetUnknown())
	}
	forgotten, err := New(rules(t), Options{}).Assess(dev, j, personaNow.AddDate(2, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	want = "Nothing came from this laptop since 17 Mar 2026, and nothing known from then still counts."
	if got := forgotten.GetAssessment().GetQuestions().GetRemote().GetSentence(); got != want || len(forgotten.GetLedger()) != 0 {
		t.Errorf("two years later: %s %v", got, forgotten.GetLedger())
	}
	// A laptop whose clock is years behind, and which reports, is not silent.
	dev.LastReportAt, dev.Trust.SilenceNowHours = at(time.January, 1, 0), p(0.1)
	j, err = New(rules(t), Options{}).Assess(dev, nil, personaNow)
	if err != nil {
		t.Fatal(err)
	}
	if a := j.GetAssessment(); a.GetVerdict() != "near_certain" || len(a.GetUnknown()) != 0 {
		t.Errorf("a clock that is behind made it %s, %q", a.GetVerdict(), a.GetUnknown())
	}
}

func TestFirstAtIsKept(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.judge(0, silentLaptop())
	if f := s.before.GetAssessment().GetFirstAt(); f.GetWatch() != nil || f.GetLikely() != nil {
		t.Errorf("a silent laptop has reached %v", f)
	}
	s.judge(day, laptopAtARelatives())
	likely := s.now
	s.judge(day, rmmFarmLaptop())
	s.judge(300*day, silentLaptop())
	f := s.before.GetAssessment().GetFirstAt()
	want := &fleetv1.FirstAt{Watch: timestamppb.New(likely), Likely: timestamppb.New(likely), NearCertain: timestamppb.New(likely.Add(day))}
	if !proto.Equal(f, want) || s.before.GetAssessment().GetVerdict() != "clear" {
		t.Errorf("%s, first at %v, want clear and %v", s.before.GetAssessment().GetVerdict(), f, want)
	}
}

func TestFade(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		db   float64
		age  time.Duration
		want float64
	}{{16, 0, 16}, {16, -time.Hour, 16}, {16, 5 * day, 8}, {16, 10 * day, 4}, {-8, 5 * day, -4}} {
		if got := fade(tt.db, tt.age, 5*day); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%g after %v: %g, want %g", tt.db, tt.age, got, tt.want)
		}
	}
}
