package evaluate

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// life is one laptop as it was judged.
type life struct {
	laptop    *persona.Laptop
	picture   *fleetv1.Picture
	judgement *fleetv1.Judgement
	course    *detect.Course
	// fresh is whether a report came that was not judged yet.
	fresh bool
	// weight is what its evidence comes to for the hypothesis that the judgement names,
	// in decibans and without the prior.
	weight float64
	// peak is the first assessment with the highest verdict that it ever had.
	peak *fleetv1.Assessment
	// marks are the moments of the days that tables show, weights the weight there;
	// shorter where the life ended earlier.
	marks   []time.Time
	weights []float64
	// snaps are how it looked once a day, where they are kept.
	snaps []snap
}

// snap is a device as the detector sees it at one moment.
type snap struct {
	at     time.Time
	device *fleetv1.Device
}

// bench is what worlds are judged with.
type bench struct {
	rules  *detect.Rules
	places fleet.Places // nil without address data
	// roster is whether the collector has one.
	roster bool
	// grid is whether to judge at the sweeps alone rather than with every report: those who
	// reported since the last one, and everybody at the first of a day.
	grid bool
	// keep is whether snaps are kept.
	keep bool
}

// lives are the laptops of one world and the moment it has come to.
type lives struct {
	fleet    *fleet.Fleet
	detector *detect.Detector
	bench    *bench
	byID     map[string]*life
	all      []*life // in the order of first report
	now      time.Time
	swept    time.Time
}

// live judges a world from its first report to its last moment.
func (b *bench) live(ctx context.Context, world *persona.World) ([]*life, error) {
	l, err := b.open(world, world.RosterCSV())
	if err != nil {
		return nil, err
	}
	return l.live(ctx, world.Steps(), world.End())
}

// open makes the rooms ready for a world and the roster that its company keeps.
func (b *bench) open(world *persona.World, rows []byte) (*lives, error) {
	cfg := fleet.Config{Catalog: catalog.BuiltIn(), Places: b.places, Company: companyOf(world)}
	if b.roster {
		read, problems, err := roster.Parse("roster", bytes.NewReader(rows), func(id string) bool {
			_, ok := catalog.BuiltIn().Entry(id)
			return ok
		})
		if err != nil {
			return nil, err
		}
		if len(problems) > 0 {
			return nil, fmt.Errorf("a drawn roster has a bad row: %w", problems[0])
		}
		cfg.Roster = read
	}
	return &lives{fleet: fleet.New(cfg), detector: detect.New(b.rules, detect.Options{}), bench: b, byID: map[string]*life{}}, nil
}

func (l *lives) live(ctx context.Context, steps iter.Seq[persona.Step], end time.Time) ([]*life, error) {
	for step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, delivery := range step.Deliveries {
			if err := l.take(step.At, delivery); err != nil {
				return nil, err
			}
		}
	}
	if err := l.advance(end); err != nil {
		return nil, err
	}
	return l.all, l.sweep(end, true)
}

// companyOf is what an administrator would have entered: the collector's place and
// the company's own networks.
func companyOf(world *persona.World) fleet.Company {
	c := fleet.Company{HighRiskCountries: fleet.DefaultHighRiskCountries()}
	c.Offices, c.Networks = world.Offices(), world.Networks()
	c.Latitude, c.Longitude = world.Collector()
	return c
}

// snapHour is a point of the sweeps' grid, in UTC, at which American days are under way.
const snapHour = 18

// take judges what one laptop delivered.
func (l *lives) take(at time.Time, delivery persona.Delivery) error {
	for _, report := range delivery.Reports {
		if err := l.advance(at); err != nil {
			return err
		}
		obs := observed(at, delivery, report)
		d := l.byID[obs.Device]
		if d == nil {
			d = &life{laptop: delivery.Laptop, marks: marksOf(delivery.Laptop)}
			l.byID[obs.Device] = d
			l.all = append(l.all, d)
		}
		if err := l.apply(d, obs); err != nil {
			return err
		}
		if l.bench.grid {
			d.fresh = true
			continue
		}
		if err := l.judge(d, at, false, d.course.Judge); err != nil {
			return err
		}
	}
	return nil
}

// observed is a report of a delivery as the collector takes it.
func observed(at time.Time, delivery persona.Delivery, report *farmhoundv1.Report) fleet.Observation {
	obs := fleet.Observation{
		Device: delivery.Laptop.DeviceID, Serial: delivery.Laptop.Serial, ReceivedAt: at, Peer: delivery.Peer,
		PeerRTTMillis: delivery.RTTMillis, Report: report,
	}
	if report.GetNetwork() != nil {
		for _, way := range delivery.Ways {
			obs.Paths = append(obs.Paths, fleet.EgressPath{Address: way.Address, Kind: way.Kind, Tool: way.Tool, Default: way.Default})
		}
	}
	return obs
}

// advance judges everybody at each point of the sweeps' grid that passes.
func (l *lives) advance(to time.Time) error {
	if l.swept.IsZero() {
		l.swept = to.Truncate(fleet.SweepInterval)
	}
	for next := l.swept.Add(fleet.SweepInterval); !next.After(to); next = next.Add(fleet.SweepInterval) {
		if err := l.sweep(next, !l.bench.grid || l.bench.keep || next.Hour() == 0); err != nil {
			return err
		}
		l.swept = next
	}
	l.now = to
	return nil
}

// sweep judges everybody, or those alone who reported since they were last judged.
func (l *lives) sweep(at time.Time, everybody bool) error {
	for _, d := range l.all {
		if !everybody && !d.fresh {
			continue
		}
		d.fresh = false
		if err := l.judge(d, at, l.bench.keep, d.course.Sweep); err != nil {
			return err
		}
	}
	return nil
}

// apply takes a report into a laptop's picture and days.
func (l *lives) apply(d *life, obs fleet.Observation) error {
	was := d.picture
	d.picture, _ = l.fleet.Apply(was, obs)
	latest := time.Unix(d.picture.GetLastReportUnix(), 0)
	var before detect.View
	if was == nil {
		d.course = l.detector.Resume(nil, latest)
	} else {
		before = l.view(was)
	}
	return d.course.Reported(latest, before)
}

func (l *lives) view(p *fleetv1.Picture) detect.View {
	return func(at time.Time) *fleetv1.Device { return l.fleet.Device(p, at) }
}

func (l *lives) judge(d *life, at time.Time, keep bool, by func(time.Time, detect.View) (detect.Moment, error)) error {
	d.pass(at)
	m, err := by(at, l.view(d.picture))
	if err != nil {
		return fmt.Errorf("assess a laptop of persona %s: %w", d.laptop.Persona, err)
	}
	d.course.Ends, d.course.Settled = nil, nil
	if keep && at.Hour() == snapHour {
		d.snaps = append(d.snaps, snap{at, m.Device})
	}
	d.judged(m.After, m.Weight)
	return nil
}

// pass notes at the ends of the table's days what it had come to by then.
func (d *life) pass(at time.Time) {
	for len(d.weights) < len(d.marks) && at.After(d.marks[len(d.weights)]) {
		d.weights = append(d.weights, d.weight)
	}
}

// judged notes what is asked about a judgement later.
func (d *life) judged(judgement *fleetv1.Judgement, weight float64) {
	d.judgement, d.weight = judgement, weight
	if a := judgement.GetAssessment(); d.peak == nil || rank(a.GetVerdict()) > rank(d.peak.GetVerdict()) {
		d.peak = a
	}
}

// assess judges a device and notes what is asked about it later.
func (d *life) assess(detector *detect.Detector, device *fleetv1.Device, at time.Time) error {
	d.pass(at)
	judgement, weight, err := detector.Weigh(device, d.judgement, at)
	if err != nil {
		return fmt.Errorf("assess a laptop of persona %s: %w", d.laptop.Persona, err)
	}
	d.judged(judgement, weight)
	return nil
}

var verdicts = []string{"clear", "watch", "likely", "near_certain"}

// rank is a verdict's place, mildest first; of an unknown one, the mildest.
func rank(verdict string) int {
	for i, v := range verdicts {
		if v == verdict {
			return i
		}
	}
	return 0
}

const rankLikely, rankNearCertain = 2, 3
