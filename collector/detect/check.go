package detect

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// loader reads one file and collects what is wrong with it.
type loader struct {
	file     string
	language *language
	doc      document
	signal   *signal
	// unread is that the file does not say what it says in a form that can be read:
	// what seems to be missing may stand there misspelt.
	unread   bool
	problems []error
}

// load returns the signal of a file. A file without a family changes the signal of its
// id among the earlier ones.
func (l *loader) load(text []byte, earlier map[string]*signal) *signal {
	l.signal = &signal{}
	l.decode(text, &l.doc)
	if before := earlier[l.doc.ID.Value]; before != nil {
		l.signal.replaces = before
		if l.doc.Family.Value == "" {
			l.overlay(text, &before.doc)
		}
	} else if l.doc.Family.Value == "" && !l.unread {
		l.lacksFamily(earlier)
		return l.signal
	}
	l.identity()
	l.families()
	l.conditions()
	l.tiers()
	l.tests()
	l.signal.doc, l.signal.file = l.doc, l.file
	return l.signal
}

func (l *loader) decode(text []byte, into *document) {
	if err := strictyaml.Decode(l.file, text, into); err != nil {
		l.unread = true
		l.problems = append(l.problems, flatten(err)...)
	}
}

// flatten takes a joined error apart.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, flatten(one)...)
	}
	return all
}

// lacksFamily says of a file that is neither a whole signal nor changes one what it
// may have been meant to be.
func (l *loader) lacksFamily(earlier map[string]*signal) {
	if l.doc.ID.Value == "" {
		l.fail(l.doc.ID, "id is missing")
		return
	}
	if len(l.doc.Tiers) > 0 && l.doc.Title != "" {
		l.fail(l.doc.ID, "family is missing; families are %s", familyNames())
		l.signal.id = l.doc.ID.Value
		return
	}
	l.fail(l.doc.ID, "there is no signal %q to change%s (one of your own needs title, question, family, tiers, half_life, benign and tests)",
		l.doc.ID.Value, hint(l.doc.ID.Value, maps.Keys(earlier)))
}

func (l *loader) fail(at strictyaml.Text, format string, args ...any) {
	l.report(at.Problem(fmt.Sprintf(format, args...)))
}

// lack is fail for what is missing.
func (l *loader) lack(at strictyaml.Text, format string, args ...any) {
	if !l.unread {
		l.fail(at, format, args...)
	}
}

func (l *loader) report(p strictyaml.Problem) {
	if p.File == "" {
		p.File = l.file // a value that is missing does not know its place
	}
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
	s.enabled = d.Enabled == nil || *d.Enabled
	s.shadow = d.Shadow != nil && *d.Shadow
	if s.id == "" && l.unread {
		return
	}
	if !idForm.MatchString(s.id) {
		l.fail(d.ID, "id must be 3 to 48 characters of a-z, 0-9 and _, beginning with a letter, not %q", s.id)
	}
	if d.Title == "" {
		l.lack(d.ID, "title is missing")
	}
	if d.HalfLife <= 0 {
		l.lack(d.ID, "half_life is missing; how fast the evidence fades is a decision")
	}
	if len(d.Benign) == 0 {
		l.lack(d.ID, "benign is missing; every observation has an innocent reading, and analysts need it")
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
	if s.home < 0 && d.Family.Value == "" && l.unread {
		return
	}
	if s.home < 0 {
		l.fail(d.Family, "family %q does not exist; families are %s%s", d.Family.Value, familyNames(), hint(d.Family.Value, eachFamily))
		return
	}
	s.question = families[s.home].question
	if d.Question.Value != s.question {
		l.lack(d.Question, "question must be %q, the one that family %q speaks to", s.question, d.Family.Value)
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
	if s.shadow {
		s.onTrial()
	}
}

func familyNames() string { return strings.Join(slices.Collect(eachFamily), ", ") }

func eachFamily(yield func(string) bool) {
	for _, f := range families {
		if !yield(f.name) {
			return
		}
	}
}

func eachSense(yield func(string) bool) {
	for _, s := range senseTable {
		if !yield(s.name) {
			return
		}
	}
}

func (l *loader) conditions() {
	for _, need := range l.doc.Needs {
		i := slices.IndexFunc(senseTable, func(s sense) bool { return s.name == need.Value })
		if i < 0 {
			l.fail(need, "needs names a sense of the device's known message, not %q%s", need.Value, hint(need.Value, eachSense))
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

func (l *loader) program(text strictyaml.Text, want *cel.Type) *program {
	p, err := l.language.compile(text, want)
	if err != nil {
		l.problems = append(l.problems, err)
	}
	return p
}

const (
	maxTiers = 12
	// heaviestTier bounds one observation: thirty decibans undo the prior, and
	// nothing that one signal sees may do so alone.
	heaviestTier = 29
)

func (l *loader) tiers() {
	d, s := &l.doc, l.signal
	if n := len(d.Tiers); n == 0 || n > maxTiers {
		l.lack(d.ID, "tiers must be 1 to %d, not %d", maxTiers, n)
	}
	last := math.Inf(1)
	for i, t := range d.Tiers {
		if t.When.Value == "" || t.DB.Value == "" || t.Because.Value == "" {
			l.lack(l.near(t), "tier %d needs when, db and because", i)
		}
		if t.Was.Value != "" { // of a file that changes another, it is not among the tiers
			l.fail(t.Was, "was has no meaning in a whole signal: it says what a tier weighed that is changed")
		}
		if t.DB.Value != "" {
			last = l.weight(i, t, last)
		}
		one := tier{db: dbOf(t)}
		if t.When.Value != "" {
			one.when = l.program(t.When, cel.BoolType)
		}
		if t.Because.Value != "" {
			one.because = l.program(t.Because, cel.StringType)
		}
		s.tiers = append(s.tiers, one)
	}
}

// near is a place in a tier that lacks something.
func (l *loader) near(t tierDocument) strictyaml.Text {
	for _, text := range []strictyaml.Text{t.When, t.DB, t.Because} {
		if text.Value != "" {
			return text
		}
	}
	return l.doc.ID
}

// weight checks the weight of a tier, and returns it without its sign. before is that
// of the tier before it.
func (l *loader) weight(i int, t tierDocument, before float64) float64 {
	home := l.signal.home
	db, err := strconv.ParseFloat(t.DB.Value, 64)
	switch {
	case err != nil || db != db:
		l.fail(t.DB, "expected a number of decibans, not %q", t.DB.Value)
		return before
	case home >= 0 && (db == 0 || (db < 0) != families[home].against):
		l.fail(t.DB, "tier %d weighs %g dB; in family %q that must be %s", i, db, families[home].name, sign(families[home].against))
	case abs(db) > heaviestTier:
		l.fail(t.DB, "tier %d weighs %g dB; no single observation may weigh more than %d", i, db, heaviestTier)
	case abs(db) > before:
		l.disorder(i, t.DB)
		return abs(db) // those after it are held against it alone
	default:
		return abs(db)
	}
	return before
}

// disorder says that a tier weighs more than the one before it, in the file that made
// it so.
func (l *loader) disorder(i int, db strictyaml.Text) {
	if before := l.doc.Tiers[i-1].DB; db.Problem("").File != l.file && before.Problem("").File == l.file {
		l.fail(before, "tier %d weighs less than the one after it, %s dB; the first that holds counts, so the heaviest comes first", i-1, db.Value)
		return
	}
	l.fail(db, "tier %d weighs more than the one before it; the first that holds counts, so the heaviest comes first", i)
}

// dbOf is the weight of a tier, zero where it is none.
func dbOf(t tierDocument) float64 {
	db, err := strconv.ParseFloat(t.DB.Value, 64)
	if err != nil {
		return 0
	}
	return db
}

func sign(against bool) string {
	if against {
		return "less than nothing"
	}
	return "more than nothing"
}

func (l *loader) tests() {
	for _, t := range l.doc.Tests {
		one := test{picture: &fleetv1.Device{}, now: testNow, tier: -1, says: t.Says, withdrawn: t.Withdrawn, at: t.Tier}
		if t.Tier.Value != "none" {
			n, err := strconv.Atoi(t.Tier.Value)
			if err != nil || n < 0 || n >= len(l.doc.Tiers) {
				l.fail(t.Tier, "tier must be none or the number of a tier, counted from 0, not %q", t.Tier.Value)
				continue
			}
			one.tier = n
		}
		if t.Now.Value != "" {
			now, err := time.Parse(time.RFC3339, t.Now.Value)
			if err != nil {
				l.fail(t.Now, "now must be a time such as %s, not %q", testNow.Format(time.RFC3339), t.Now.Value)
				continue
			}
			one.now = now
		}
		text, err := json.Marshal(t.Picture.Value)
		if err == nil {
			err = protojson.Unmarshal(text, one.picture)
		}
		if err != nil {
			reason := plainError(err)
			l.report(t.Picture.Problem("the picture is not a device: " + reason + likeNone(reason)))
			continue
		}
		l.signal.tests = append(l.signal.tests, one)
	}
}

// inJSON is what protojson puts before its reasons: a place in a text that only it saw.
var inJSON = regexp.MustCompile(`^proto:[\s\x{a0}]*(\(line \d+:\d+\):[\s\x{a0}]*)?`)

func plainError(err error) string { return inJSON.ReplaceAllString(err.Error(), "") }
