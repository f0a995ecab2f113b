// Package sighting reads facts as inventories, hunters and other tools write them
// and says which catalogue entries they touch.
//
// The agent sees a laptop itself and compares exactly. What comes here was written
// by others: full paths with somebody's name in them, display names with a version,
// subjects of certificates, one line of lsusb. Every kind therefore has several
// accepted forms, which README.md in this folder lists, and every form is tried.
//
// It imports the catalogue and the generated contract. The agent does not import it.
package sighting

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// MaxLine bounds one line, in bytes.
	MaxLine = 1 << 20
	// MaxFacts bounds the facts of one line.
	MaxFacts = 10_000
	// MaxValue bounds one value, in bytes.
	MaxValue = 8192
)

// Result is what the facts of one line touch.
type Result struct {
	// Line counts from 1, blank lines included.
	Line int `json:"line"`
	// Matches are ordered by strength and then by id.
	Matches []Found `json:"matches"`
}

// Found is one touched entry.
type Found struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Category string `json:"category"` // as the readable form writes it
	// Strength is that of all facts of the line together: identifying, supporting or
	// weak. What ordinary computers have too, and listening ports, are weak however
	// many there are.
	Strength string `json:"strength"`
}

// Complaint is a line, or a fact of it, that cannot be used.
type Complaint struct {
	Line   int
	Reason string
}

func (c *Complaint) Error() string { return fmt.Sprintf("line %d: %s", c.Line, c.Reason) }

// Reader judges lines of facts with one catalogue.
type Reader struct {
	catalog *catalog.Catalog
	loose   map[farmhoundv1.FactKind]map[string][]catalog.Touch

	applications map[string][]catalog.Touch
}

// New returns a reader for a catalogue.
func New(c *catalog.Catalog) *Reader {
	return &Reader{catalog: c, loose: looseIndex(c), applications: applications(c)}
}

// Each judges every line of a JSON-lines stream. A line that can be used is handed
// to found, in order, with an empty list of matches where it touches nothing. What
// cannot be used is handed to bad, and the rest is judged nonetheless. The error is
// that of reading, or the first that found returned.
func (r *Reader) Each(in io.Reader, found func(Result) error, bad func(Complaint)) error {
	buffered := bufio.NewReaderSize(in, 64<<10)
	for n := 1; ; n++ {
		text, tooLong, err := readLine(buffered)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read facts: %w", err)
		}
		if n == 1 {
			text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
		}
		text = bytes.TrimSpace(text)
		switch {
		case tooLong:
			bad(Complaint{n, fmt.Sprintf("longer than %d bytes", MaxLine)})
		case len(text) > 0:
			result, complaints := r.Line(n, text)
			for _, c := range complaints {
				bad(c)
			}
			if result != nil {
				if err := found(*result); err != nil {
					return err
				}
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the end of what was read
		}
	}
}

// readLine returns one line without its end. Of a line that is too long it returns
// the beginning and skips the rest.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			tooLong = true
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// line and fact are what a line must hold; other keys are ignored.
type line struct {
	OS    string            `json:"os"`
	Facts []json.RawMessage `json:"facts"`
}

type fact struct {
	Kind  string          `json:"kind"`
	Value json.RawMessage `json:"value"`
}

// Line judges one line. The result is nil where the line as a whole cannot be used;
// facts that cannot are complained of and left out.
func (r *Reader) Line(n int, text []byte) (*Result, []Complaint) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, []Complaint{{n, "no JSON object with os and facts: " + plain(err)}}
	}
	os, ok := systemOf(l.OS)
	if !ok {
		return nil, []Complaint{{n, fmt.Sprintf("unknown os %q; known are linux, macos, windows", short(l.OS))}}
	}
	if l.Facts == nil {
		return nil, []Complaint{{n, "has no facts"}}
	}
	if len(l.Facts) > MaxFacts {
		return nil, []Complaint{{n, fmt.Sprintf("%d facts, more than %d", len(l.Facts), MaxFacts)}}
	}
	var complaints []Complaint
	seen := &touches{reader: r, os: os}
	for i, raw := range l.Facts {
		if err := seen.add(raw); err != nil {
			complaints = append(complaints, Complaint{n, fmt.Sprintf("fact %d: %v", i+1, err)})
		}
	}
	return &Result{Line: n, Matches: seen.judge()}, complaints
}

func systemOf(word string) (farmhoundv1.OperatingSystem, bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "windows", "win":
		return windows, true
	case "macos", "darwin", "mac", "osx":
		return macOS, true
	case "linux":
		return linux, true
	}
	return 0, false
}

func (t *touches) add(raw json.RawMessage) error {
	var f fact
	if err := json.Unmarshal(raw, &f); err != nil {
		return errors.New("no JSON object with kind and value: " + plain(err))
	}
	value, err := textOf(f.Value)
	if err != nil {
		return err
	}
	kind := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(strings.TrimSpace(f.Kind)))
	read, known := kinds[kind]
	if !known {
		return fmt.Errorf("unknown kind %q; known are %s", short(f.Kind), strings.Join(kindWords(), ", "))
	}
	return read(t, value)
}

// textOf takes a string, or a number where somebody wrote a port as one.
func textOf(raw json.RawMessage) (string, error) {
	var text string
	var number json.Number
	switch {
	case len(raw) == 0:
		return "", errors.New("has no value")
	case raw[0] == '"':
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", errors.New("the value is no text")
		}
	default:
		if err := json.Unmarshal(raw, &number); err != nil {
			return "", errors.New("the value is no text")
		}
		text = number.String()
	}
	text = strings.TrimSpace(strings.Trim(text, "\x00"))
	switch {
	case text == "":
		return "", errors.New("the value is empty")
	case len(text) > MaxValue:
		return "", fmt.Errorf("the value is %d bytes long, longer than %d", len(text), MaxValue)
	}
	return text, nil
}

// plain is a JSON error without the words of the decoder's package.
func plain(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return "it is of the type " + wrong.Value
		}
		return wrong.Field + " is of the type " + wrong.Value
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func short(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most]
	}
	return s
}

func kindWords() []string {
	words := make([]string, 0, len(kinds))
	for word := range kinds {
		words = append(words, word)
	}
	slices.Sort(words)
	return words
}

// judge weighs everything that was touched, entry by entry.
func (t *touches) judge() []Found {
	byEntry := map[*farmhoundv1.Entry][]touch{}
	for _, one := range t.all {
		byEntry[one.entry] = append(byEntry[one.entry], one)
	}
	matches := make([]Found, 0, len(byEntry))
	for entry, touched := range byEntry {
		matches = append(matches, Found{
			ID: entry.GetId(), Name: entry.GetName(),
			Category: catalog.CategoryName(entry.GetCategory()),
			Strength: strengthWords[weigh(touched)],
		})
	}
	slices.SortFunc(matches, func(a, b Found) int {
		return cmp.Or(cmp.Compare(rank[a.Strength], rank[b.Strength]), cmp.Compare(a.ID, b.ID))
	})
	return matches
}

var (
	strengthWords = map[farmhoundv1.Strength]string{identifying: "identifying", supporting: "supporting", weak: "weak"}
	rank          = map[string]int{"identifying": 0, "supporting": 1, "weak": 2}
)

// weigh is the strength of all touches of one entry together. The agent's rule asks
// for two supporting kinds before it speaks of a match; here one is shown as
// supporting, unless ordinary computers have it, it is a port, on which anything may
// listen, or it is the number of a USB controller that many makers build on.
func weigh(touched []touch) farmhoundv1.Strength {
	alone, distinct := false, false
	kinds := map[farmhoundv1.FactKind]bool{}
	for _, t := range touched {
		switch t.strength {
		case identifying:
			return identifying
		case supporting:
			alone = alone || !anybodys(t.fact) && !t.fact.GetCommon()
			distinct = distinct || !t.fact.GetCommon()
			kinds[t.fact.GetKind()] = true
		}
	}
	if alone || distinct && len(kinds) > 1 {
		return supporting
	}
	return weak
}

// anybodys says of a fact that it needs another beside it whatever its entry says.
func anybodys(f *farmhoundv1.Fact) bool {
	u := f.GetUsb()
	return f.GetKind() == port ||
		u != nil && u.GetManufacturer() == "" && u.GetProduct() == "" && u.GetStorageName() == "" && !u.GetDecoySerial()
}
