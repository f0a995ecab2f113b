package collector

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/alert"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// Replay judges recorded lives offline.
type Replay struct {
	Rooms Rooms
	// Until lets silence act up to that moment; zero means up to the last line.
	Until time.Time
}

// Run reads lines and returns one assessment per device, riskiest first. Lines
// that cannot be used are problems, and the rest is judged; the error is for
// input that cannot be read. Time is the lines' own, so that their order in the
// file does not matter.
func (r *Replay) Run(ctx context.Context, file string, in io.Reader) ([]*fleetv1.Assessment, []*LineProblem, error) {
	lines, problems, err := readLines(file, in)
	if err != nil {
		return nil, nil, err
	}
	judge, err := r.Rooms.judge()
	if err != nil {
		return nil, nil, err
	}
	l := &lives{judge: judge, devices: make(map[string]*life)}
	validate, err := fieldrules.Compile((&farmhoundv1.Report{}).ProtoReflect().Descriptor())
	if err != nil {
		return nil, nil, fmt.Errorf("compile the field rules: %w", err)
	}
	for i := range lines {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		line := &lines[i]
		if !r.Until.IsZero() && line.ObservedAt.After(r.Until) {
			break
		}
		obs, err := line.observation(validate, l)
		if err == nil {
			err = l.report(obs)
		}
		if err != nil {
			problems = append(problems, &LineProblem{file, line.number, err})
		}
	}
	if err := l.finish(r.Until); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(problems, func(a, b *LineProblem) int { return cmp.Compare(a.Line, b.Line) })
	return l.assessments(), problems, nil
}

// life is one device of a replay.
type life struct {
	device *store.Device
	open   *fleetv1.Alert
	byHand uint64 // the last sequence given to a line that has none
}

// lives are the devices of a replay and the hour it has come to.
type lives struct {
	judge   *judge
	devices map[string]*life
	ids     []string // in the order of first report
	now     time.Time
	swept   time.Time
}

func (l *lives) nextByHand(device string) uint64 {
	d := l.devices[device]
	if d == nil {
		return 1
	}
	return d.byHand + 1
}

// report lives on to the observation and applies it. A report that was seen
// before has no second effect.
func (l *lives) report(obs fleet.Observation) error {
	if err := l.advance(obs.ReceivedAt); err != nil {
		return err
	}
	d := l.devices[obs.Device]
	if d == nil {
		d = &life{}
	}
	change, err := l.judge.Report(d.device, d.open, []fleet.Observation{obs})
	if err != nil {
		return err
	}
	if l.devices[obs.Device] == nil {
		l.devices[obs.Device] = d
		l.ids = append(l.ids, obs.Device)
	}
	if obs.Report.GetBootId() == handBoot {
		d.byHand = obs.Report.GetSequence()
	}
	d.take(change)
	return nil
}

// advance assesses every device at each point of the grid that passes.
func (l *lives) advance(to time.Time) error {
	if l.swept.IsZero() {
		l.swept = to.Truncate(fleet.SweepInterval)
	}
	for next := l.swept.Add(fleet.SweepInterval); !next.After(to); next = next.Add(fleet.SweepInterval) {
		if err := l.sweep(next); err != nil {
			return err
		}
		l.swept = next
	}
	l.now = to
	return nil
}

func (l *lives) sweep(at time.Time) error {
	for _, id := range l.ids {
		d := l.devices[id]
		change, err := l.judge.Reassess(d.device, d.open, at)
		if err != nil {
			return err
		}
		if change.Device != nil {
			d.take(change)
		}
	}
	return nil
}

// finish judges everybody once more at the same moment.
func (l *lives) finish(until time.Time) error {
	if len(l.ids) == 0 {
		return nil
	}
	if until.IsZero() {
		until = l.now
	}
	if until.After(l.now.AddDate(maxReplayYears, 0, 0)) {
		return fmt.Errorf("judge at %s: it is more than %d years after the last line", until.Format(time.RFC3339), maxReplayYears)
	}
	if err := l.advance(until); err != nil {
		return err
	}
	return l.sweep(until)
}

func (d *life) take(change store.Change) {
	d.device = change.Device
	for _, a := range change.Alerts {
		if d.open = a; a.GetState() == alert.StateClosed {
			d.open = nil
		}
	}
}

func (l *lives) assessments() []*fleetv1.Assessment {
	all := make([]*fleetv1.Assessment, 0, len(l.ids))
	for _, id := range l.ids {
		a := proto.CloneOf(l.devices[id].device.Judgement.GetAssessment())
		// One that said the same at the end was not taken anew.
		a.AssessedAt = timestamppb.New(l.now)
		all = append(all, a)
	}
	slices.SortStableFunc(all, func(a, b *fleetv1.Assessment) int {
		return cmp.Or(cmp.Compare(b.GetRisk(), a.GetRisk()), cmp.Compare(a.GetDevice(), b.GetDevice()))
	})
	return all
}

// AssessmentJSON renders an assessment as one line of JSON: the contract's field
// names, times in RFC 3339, and null for a site or time that is not there.
func AssessmentJSON(a *fleetv1.Assessment) ([]byte, error) {
	line, err := jsonLine(a)
	if err != nil {
		return nil, fmt.Errorf("render the assessment of %s: %w", a.GetDevice(), err)
	}
	return line, nil
}

// VerdictJSON renders a past verdict with what comes of it as one line of JSON, like
// AssessmentJSON.
func VerdictJSON(v *fleetv1.GetVerdictResponse) ([]byte, error) {
	line, err := jsonLine(v)
	if err != nil {
		return nil, fmt.Errorf("render a past verdict: %w", err)
	}
	return line, nil
}

func jsonLine(m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	// The package varies its spaces on purpose.
	var line bytes.Buffer
	err = json.Compact(&line, text)
	return line.Bytes(), err
}
