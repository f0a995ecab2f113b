package collector

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// Bounds of a replay.
const (
	maxReplayLine   = 4 << 20
	maxReplayDevice = 128
	// maxReplaySpan keeps one wrong year from being lived through hour by hour.
	maxReplaySpan = 10 * 365 * 24 * time.Hour
)

// Replay judges recorded lives offline.
type Replay struct {
	Rooms Rooms
	// Until lets silence act up to that moment; zero means up to the last line.
	Until time.Time
}

// LineProblem is what is wrong with one line of a replay.
type LineProblem struct {
	File string
	Line int
	Err  error
}

// Error gives the place first.
func (p *LineProblem) Error() string { return fmt.Sprintf("%s:%d: %v", p.File, p.Line, p.Err) }

// Unwrap returns what is wrong.
func (p *LineProblem) Unwrap() error { return p.Err }

// replayLine is one line as it is written.
type replayLine struct {
	ObservedAt time.Time       `json:"observed_at"`
	Device     string          `json:"device"`
	Serial     string          `json:"serial"`
	Peer       string          `json:"peer"`
	PeerRTT    *float64        `json:"peer_rtt_ms"`
	PeerMSS    *uint32         `json:"peer_mss"`
	Report     json.RawMessage `json:"report"`

	number int
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

// readLines reads every line and puts them in the order of their time.
func readLines(file string, in io.Reader) ([]replayLine, []*LineProblem, error) {
	var (
		lines    []replayLine
		problems []*LineProblem
		number   int
	)
	reader := bufio.NewReaderSize(in, 1<<16)
	for {
		text, tooLong, err := boundedLine(reader)
		if len(text) > 0 || tooLong {
			number++
			line := replayLine{number: number}
			switch wrong := decodeLine(bytes.TrimSpace(text), &line); {
			case tooLong:
				problems = append(problems, &LineProblem{file, number, fmt.Errorf("the line is longer than %d bytes", maxReplayLine)})
			case errors.Is(wrong, errBlank):
			case wrong != nil:
				problems = append(problems, &LineProblem{file, number, wrong})
			default:
				lines = append(lines, line)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	slices.SortStableFunc(lines, func(a, b replayLine) int { return a.ObservedAt.Compare(b.ObservedAt) })
	if n := len(lines); n > 0 && lines[n-1].ObservedAt.Sub(lines[0].ObservedAt) > maxReplaySpan {
		return nil, nil, fmt.Errorf("%s: the lines span from %s (line %d) to %s (line %d), more than ten years; one of them has a wrong date",
			file, lines[0].ObservedAt.Format(time.RFC3339), lines[0].number, lines[n-1].ObservedAt.Format(time.RFC3339), lines[n-1].number)
	}
	return lines, problems, nil
}

// boundedLine reads a line with its end, or skips one that is too long.
func boundedLine(r *bufio.Reader) (text []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !tooLong {
			text = append(text, part...)
		}
		if len(text) > maxReplayLine {
			text, tooLong = nil, true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, tooLong, err
		}
	}
}

var errBlank = errors.New("blank")

func decodeLine(text []byte, line *replayLine) error {
	if len(text) == 0 {
		return errBlank
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(line); err != nil {
		return fmt.Errorf("not a line of a replay: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if d.More() {
		return errors.New("something follows the object on this line")
	}
	switch {
	case line.Device == "":
		return errors.New("device is missing")
	case len(line.Device) > maxReplayDevice:
		return fmt.Errorf("device is longer than %d bytes", maxReplayDevice)
	case line.ObservedAt.IsZero():
		return errors.New("observed_at is missing")
	case len(line.Report) == 0:
		return errors.New("report is missing")
	}
	return nil
}

// observation turns a line into what the collector would have seen.
func (l *replayLine) observation(rules *fieldrules.Validator, lives *lives) (fleet.Observation, error) {
	obs := fleet.Observation{Device: l.Device, Serial: l.Serial, ReceivedAt: l.ObservedAt.UTC(), Report: &farmhoundv1.Report{}}
	if err := protojson.Unmarshal(l.Report, obs.Report); err != nil {
		return obs, fmt.Errorf("report: %s", protojsonWords(err))
	}
	l.Report = nil
	if obs.Report.GetObservedAt() == nil {
		obs.Report.ObservedAt = timestamppb.New(l.ObservedAt)
	}
	if obs.Report.GetBootId() == "" && obs.Report.GetSequence() == 0 {
		// Written by hand: then the order of time is the order of the run.
		obs.Report.BootId, obs.Report.Sequence = handBoot, lives.nextByHand(l.Device)
	}
	if err := rules.Validate(obs.Report); err != nil {
		return obs, fmt.Errorf("report: %w", err)
	}
	if l.Peer != "" {
		peer, err := netip.ParseAddrPort(l.Peer)
		if err != nil {
			addr, again := netip.ParseAddr(l.Peer)
			if again != nil {
				return obs, fmt.Errorf("peer: %q is no address with port, such as 203.0.113.7:50000", clip(l.Peer))
			}
			peer = netip.AddrPortFrom(addr, 0)
		}
		obs.Peer = peer
	}
	if l.PeerRTT != nil {
		if *l.PeerRTT < 0 || *l.PeerRTT > 600000 {
			return obs, fmt.Errorf("peer_rtt_ms: %g is not within 0 and 600000", *l.PeerRTT)
		}
		obs.PeerRTTMillis = *l.PeerRTT
	}
	if l.PeerMSS != nil {
		obs.PeerMSS = *l.PeerMSS
	}
	return obs, nil
}

// handBoot stands for the run of a laptop whose lines name none.
const handBoot = "00000000000000000000000000000000"

// protojsonWords takes the package's varying prefix off an error.
func protojsonWords(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}

func clip(s string) string {
	const most = 48
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// life is one device of a replay.
type life struct {
	device  *store.Device
	open    *fleetv1.Alert
	highest map[string]uint64 // sequence by boot
	byHand  uint64
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
		d = &life{highest: make(map[string]uint64)}
	}
	boot, sequence := obs.Report.GetBootId(), obs.Report.GetSequence()
	if last, known := d.highest[boot]; known && sequence <= last {
		return nil
	}
	change, err := l.judge.Report(d.device, d.open, obs)
	if err != nil {
		return err
	}
	if l.devices[obs.Device] == nil {
		l.devices[obs.Device] = d
		l.ids = append(l.ids, obs.Device)
	}
	d.highest[boot] = sequence
	if boot == handBoot {
		d.byHand = sequence
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
	if until.Sub(l.now) > maxReplaySpan {
		return fmt.Errorf("--until %s is more than ten years after the last line", until.Format(time.RFC3339))
	}
	if err := l.advance(until); err != nil {
		return err
	}
	return l.sweep(until)
}

func (d *life) take(change store.Change) {
	d.device = change.Device
	for _, a := range change.Alerts {
		d.open = a
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
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("render the assessment of %s: %w", a.GetDevice(), err)
	}
	// The package varies its spaces on purpose.
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return nil, fmt.Errorf("render the assessment of %s: %w", a.GetDevice(), err)
	}
	return line.Bytes(), nil
}
