package collector

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// Bounds of a replay.
const (
	maxReplayLine   = 4 << 20
	maxReplayDevice = 128
	maxReplaySerial = 64
	// maxReplayYears is how far lines may be from the middle one, and --until from the last.
	maxReplayYears = 5
)

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
	ObservedAt time.Time `json:"observed_at"`
	Device     string    `json:"device"`
	Serial     string    `json:"serial"`
	Peer       string    `json:"peer"`
	PeerRTT    *float64  `json:"peer_rtt_ms"`
	PeerMSS    *uint32   `json:"peer_mss"`
	// Paths are the ways out that a collector's STUN responder saw, beside the report's
	// network facts.
	Paths  []replayPath    `json:"paths"`
	Report json.RawMessage `json:"report"`

	number int
}

// replayPath is one way out.
type replayPath struct {
	Address netip.Addr `json:"address"`
	// Kind is the schema's name for a kind of interface: INTERFACE_KIND_WIFI or wifi.
	Kind         string `json:"kind"`
	Tool         string `json:"tool"`
	DefaultRoute bool   `json:"default_route"`
}

// maxReplayPaths is what a report may hold.
const maxReplayPaths = 16

func (l *replayLine) paths() (list []fleet.EgressPath, err error) {
	if len(l.Paths) > maxReplayPaths {
		return nil, fmt.Errorf("paths: more than %d", maxReplayPaths)
	}
	for i, p := range l.Paths {
		name := strings.ToUpper(p.Kind)
		if !strings.HasPrefix(name, kindPrefix) {
			name = kindPrefix + name
		}
		kind, known := farmhoundv1.InterfaceKind_value[name]
		switch {
		case !p.Address.IsValid():
			return nil, fmt.Errorf("paths[%d].address is missing", i)
		case !known:
			return nil, fmt.Errorf("paths[%d].kind: %q is none of ethernet, wifi, cellular, tunnel and virtual", i, clip(p.Kind))
		case len(p.Tool) > maxReplaySerial || !fieldrules.Holds(farmhoundv1.CharacterClass_CHARACTER_CLASS_TOKEN, p.Tool):
			return nil, fmt.Errorf("paths[%d].tool: %q is no id of a catalogue entry", i, clip(p.Tool))
		}
		list = append(list, fleet.EgressPath{
			Address: p.Address.Unmap().WithZone(""), Kind: farmhoundv1.InterfaceKind(kind), Tool: p.Tool, Default: p.DefaultRoute,
		})
	}
	return list, nil
}

const kindPrefix = "INTERFACE_KIND_"

// readLines reads every line and puts them in the order of their time, and where that is
// the same in one of their own, so that it does not matter in which they are written.
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
			if number == 1 {
				text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors begin files so
			}
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
	sortLines(lines)
	lines, strays := withoutStrays(lines)
	for _, line := range strays {
		problems = append(problems, &LineProblem{file, line.number, fmt.Errorf("observed_at: %s is more than %d years from most lines",
			line.ObservedAt.Format(time.RFC3339), maxReplayYears)})
	}
	return lines, problems, nil
}

// withoutStrays parts lines in the order of time from those whose date must be
// wrong: one year mistyped would be lived through hour by hour.
func withoutStrays(lines []replayLine) (kept, strays []replayLine) {
	if len(lines) == 0 {
		return nil, nil
	}
	middle := lines[len(lines)/2].ObservedAt
	for _, line := range lines {
		if line.ObservedAt.Before(middle.AddDate(-maxReplayYears, 0, 0)) || line.ObservedAt.After(middle.AddDate(maxReplayYears, 0, 0)) {
			strays = append(strays, line)
		} else {
			kept = append(kept, line)
		}
	}
	return kept, strays
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
	if !utf8.Valid(text) {
		return errors.New("not a line of a replay: it is not UTF-8 text")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(line); err != nil {
		return fmt.Errorf("not a line of a replay: %s", jsonWords(err))
	}
	if d.More() {
		return errors.New("something follows the object on this line")
	}
	switch {
	case line.Device == "":
		return errors.New("device is missing")
	case len(line.Device) > maxReplayDevice:
		return fmt.Errorf("device is longer than %d bytes", maxReplayDevice)
	case len(line.Serial) > maxReplaySerial:
		return fmt.Errorf("serial is longer than %d bytes", maxReplaySerial)
	case line.ObservedAt.IsZero():
		return errors.New("observed_at is missing")
	case len(line.Report) == 0:
		return errors.New("report is missing")
	}
	for _, x := range []struct{ name, text string }{{"device", line.Device}, {"serial", line.Serial}} {
		if !fieldrules.Holds(farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE, x.text) {
			return fmt.Errorf("%s holds characters that do not print: %q", x.name, clip(x.text))
		}
	}
	return nil
}

// jsonWords says what package json found wrong without naming our types.
func jsonWords(err error) string {
	var wrongType *json.UnmarshalTypeError
	var wrongTime *time.ParseError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return fmt.Sprintf("%s where an object is expected", wrongType.Value)
	case errors.As(err, &wrongType):
		return fmt.Sprintf("%s: %s is not what the field takes", wrongType.Field, wrongType.Value)
	case errors.As(err, &wrongTime):
		return fmt.Sprintf("observed_at: %q is no RFC 3339 time, such as 2026-03-02T15:00:00Z", clip(wrongTime.Value))
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if strings.HasPrefix(text, "Time.UnmarshalJSON") {
		return "observed_at: not text; it is an RFC 3339 time, such as \"2026-03-02T15:00:00Z\""
	}
	return text
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
	switch boot, sequence := obs.Report.GetBootId(), obs.Report.GetSequence(); {
	case boot == "" && sequence == 0:
		// Written by hand: then the order of time is the order of the run.
		obs.Report.BootId, obs.Report.Sequence = handBoot, lives.nextByHand(l.Device)
	case boot == "":
		return obs, errors.New("report: boot_id is missing; a sequence counts the reports of one")
	case sequence == 0:
		// Taken as it is, all but the first would pass for redelivered ones.
		return obs, errors.New("report: sequence is missing; it counts a boot_id's reports from 1")
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
	var err error
	obs.Paths, err = l.paths()
	return obs, err
}

// handBoot stands for the run of a laptop whose lines name none.
const handBoot = "00000000000000000000000000000000"

var placeInReport = regexp.MustCompile(`\(line 1:(\d+)\)`)

// protojsonWords takes the package's varying prefix off an error. A report is on
// one line of its file, so that only the column tells where.
func protojsonWords(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return placeInReport.ReplaceAllString(strings.TrimPrefix(text, "proto: "), "(column $1 of the report)")
}

func clip(s string) string {
	const most = 48
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
