package detect

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

//go:embed signals/*.yaml
var shipped embed.FS

// Source is a place that signals are read from: every file that ends in .yaml at
// its top.
type Source struct {
	// Name stands before file names in problems: a directory, or "shipped".
	Name string
	FS   fs.FS
}

// Shipped returns the signals that come with the program.
func Shipped() Source {
	signals, err := fs.Sub(shipped, "signals")
	if err != nil {
		panic(err) // the name is a constant
	}
	return Source{Name: "shipped", FS: signals}
}

// Rules are signals ready to be weighed. They do not change and may be shared.
type Rules struct {
	signals  []*signal // ordered by id
	language *language
	bundle   []byte
	digest   string
}

// Load reads and checks the signals of all sources. A signal of a later source
// replaces one with the same id of an earlier. The error joins every problem
// found, each with file, line and column.
func Load(sources ...Source) (*Rules, error) {
	layers := make([]*layer, len(sources))
	for i, source := range sources {
		var err error
		if layers[i], err = source.read(); err != nil {
			return nil, err
		}
	}
	return load(layers)
}

func load(layers []*layer) (*Rules, error) {
	language, err := newLanguage()
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*signal)
	var problems []error
	for _, layer := range layers {
		signals, err := loadLayer(language, layer)
		if err != nil {
			problems = append(problems, err)
		}
		for _, s := range signals {
			byID[s.id] = s
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if len(byID) > maxSignals {
		return nil, fmt.Errorf("%d signals are more than %d", len(byID), maxSignals)
	}
	rules := &Rules{language: language}
	for _, s := range byID {
		rules.signals = append(rules.signals, s)
	}
	slices.SortFunc(rules.signals, func(a, b *signal) int { return strings.Compare(a.id, b.id) })
	return rules, rules.seal(layers)
}

// maxSignals bounds what one assessment evaluates.
const maxSignals = 500

func loadLayer(language *language, layer *layer) ([]*signal, error) {
	var signals []*signal
	var problems []error
	seen := make(map[string]bool)
	for _, file := range layer.files {
		s, err := loadSignal(language, layer.place(file), []byte(file.Text))
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if seen[s.id] {
			problems = append(problems, s.at.Problem(fmt.Sprintf("another file of %s has the id %q too", layer.name, s.id)))
		}
		seen[s.id] = true
		signals = append(signals, s)
	}
	return signals, errors.Join(problems...)
}

// loader reads one file and collects what is wrong with it.
type loader struct {
	file     string
	language *language
	doc      document
	signal   *signal
	problems []error
}

// loadSignal returns the signal of one file, or everything that is wrong with it.
func loadSignal(language *language, file string, text []byte) (*signal, error) {
	l := &loader{file: file, language: language, signal: &signal{}}
	if err := strictyaml.Decode(file, text, &l.doc); err != nil {
		return nil, err
	}
	l.identity()
	l.families()
	l.conditions()
	l.tiers()
	l.tests()
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	return l.signal, nil
}

func (l *loader) fail(at strictyaml.Text, format string, args ...any) {
	l.report(at.Problem(fmt.Sprintf(format, args...)))
}

func (l *loader) report(p strictyaml.Problem) {
	p.File = l.file // a value that is missing does not know its place
	l.problems = append(l.problems, p)
}

var (
	idForm     = regexp.MustCompile(`^[a-z][a-z0-9_]{2,47}$`)
	attackForm = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
)

func (l *loader) identity() {
	d, s := &l.doc, l.signal
	s.id, s.title, s.at = d.ID.Value, d.Title, d.ID
	s.benign, s.attack, s.halfLife = d.Benign, d.Attack, d.HalfLife
	if !idForm.MatchString(s.id) {
		l.fail(d.ID, "id must be 3 to 48 characters of a-z, 0-9 and _, beginning with a letter, not %q", s.id)
	}
	if d.Title == "" {
		l.fail(d.ID, "title is missing")
	}
	if d.HalfLife <= 0 {
		l.fail(d.ID, "half_life is missing; how fast the evidence fades is a decision")
	}
	if len(d.Benign) == 0 {
		l.fail(d.ID, "benign is missing; every observation has an innocent reading, and analysts need it")
	}
	for _, technique := range d.Attack {
		if !attackForm.MatchString(technique) {
			l.fail(d.ID, "attack lists ATT&CK techniques such as T1219 or T1219.002, not %q", technique)
		}
	}
}

func (l *loader) families() {
	d, s := &l.doc, l.signal
	s.home = familyIndex(d.Family.Value)
	if s.home < 0 {
		l.fail(d.Family, "family %q does not exist; families are %s", d.Family.Value, familyNames())
		return
	}
	s.question = families[s.home].question
	if d.Question.Value != s.question {
		l.fail(d.Question, "question must be %q, the one that family %q speaks to", s.question, d.Family.Value)
	}
	for h := range hypotheses {
		s.family[h] = -1
		if families[s.home].counts[h] {
			s.family[h] = s.home
		}
	}
	if d.Displaced.Value != "" {
		i := familyIndex(d.Displaced.Value)
		switch {
		case i < 0 || !families[i].counts[displaced]:
			l.fail(d.Displaced, "displaced must name a family that counts for it, not %q", d.Displaced.Value)
		case families[i].against != families[s.home].against:
			l.fail(d.Displaced, "a signal cannot speak for one hypothesis and against the other")
		default:
			s.family[displaced] = i
		}
	}
	s.onlyWith = -1
	if name := d.OnlyWith.Value; name != "" {
		// Families are weighed in the order of their table.
		if s.onlyWith = familyIndex(name); s.onlyWith < 0 || s.onlyWith >= s.home {
			l.fail(d.OnlyWith, "only_with must name a family that is weighed before %q, not %q", d.Family.Value, name)
		}
	}
	s.beside, s.circumstantial = d.Beside, d.Circumstantial
	if s.beside < 0 {
		l.fail(d.ID, "beside must not be negative")
	}
}

func familyNames() string {
	var all []string
	for _, f := range families {
		all = append(all, f.name)
	}
	return strings.Join(all, ", ")
}

func (l *loader) conditions() {
	for _, need := range l.doc.Needs {
		i := slices.IndexFunc(senseTable, func(s sense) bool { return s.name == need.Value })
		if i < 0 {
			l.fail(need, "needs names a sense of the device's known message, not %q", need.Value)
			continue
		}
		l.signal.needs |= 1 << i
	}
	for _, except := range l.doc.Except {
		c, ok := circumstanceNames[except.Value]
		if !ok {
			l.fail(except, "except knows virtual_chassis and declared_offshore, not %q", except.Value)
		}
		l.signal.except |= c
	}
	if l.doc.Withdrawn.Value != "" {
		l.signal.withdrawn = l.program(l.doc.Withdrawn, cel.BoolType)
	}
}

func (l *loader) program(text strictyaml.Text, want *cel.Type) cel.Program {
	p, err := l.language.compile(text, want)
	if err != nil {
		l.problems = append(l.problems, err)
	}
	return p
}

const (
	maxTiers = 8
	// heaviestTier bounds one observation: thirty decibans undo the prior, and
	// nothing that one signal sees may do so alone.
	heaviestTier = 29
)

func (l *loader) tiers() {
	d, s := &l.doc, l.signal
	if n := len(d.Tiers); n == 0 || n > maxTiers {
		l.fail(d.ID, "tiers must be 1 to %d, not %d", maxTiers, n)
	}
	for i, t := range d.Tiers {
		if t.When.Value == "" || t.Because.Value == "" {
			l.fail(d.ID, "tier %d needs when, db and because", i)
			continue
		}
		if s.home >= 0 && (t.DB == 0 || (t.DB < 0) != families[s.home].against) {
			l.fail(t.When, "tier %d weighs %g dB; in family %q that must be %s", i, t.DB, families[s.home].name, sign(families[s.home].against))
		}
		if abs(t.DB) > heaviestTier {
			l.fail(t.When, "tier %d weighs %g dB; no single observation may weigh more than %d", i, t.DB, heaviestTier)
		}
		if i > 0 && abs(t.DB) > abs(d.Tiers[i-1].DB) {
			l.fail(t.When, "tier %d weighs more than the one before it; the first that holds counts, so the heaviest comes first", i)
		}
		s.tiers = append(s.tiers, tier{when: l.program(t.When, cel.BoolType), db: t.DB, because: l.program(t.Because, cel.StringType)})
	}
}

func sign(against bool) string {
	if against {
		return "less than nothing"
	}
	return "more than nothing"
}

func (l *loader) tests() {
	for _, t := range l.doc.Tests {
		one := test{picture: &fleetv1.Device{}, tier: -1, says: t.Says, withdrawn: t.Withdrawn, at: t.Tier}
		if t.Tier.Value != "none" {
			n, err := strconv.Atoi(t.Tier.Value)
			if err != nil || n < 0 || n >= len(l.doc.Tiers) {
				l.fail(t.Tier, "tier must be none or the number of a tier, counted from 0, not %q", t.Tier.Value)
				continue
			}
			one.tier = n
		}
		text, err := json.Marshal(t.Picture.Value)
		if err == nil {
			err = protojson.Unmarshal(text, one.picture)
		}
		if err != nil {
			l.report(t.Picture.Problem("the picture is not a device: " + plainError(err)))
			continue
		}
		l.signal.tests = append(l.signal.tests, one)
	}
}

// inJSON is what protojson puts before its reasons: a place in a text that only it saw.
var inJSON = regexp.MustCompile(`^proto:[\s\x{a0}]*(\(line \d+:\d+\):[\s\x{a0}]*)?`)

func plainError(err error) string { return inJSON.ReplaceAllString(err.Error(), "") }
