package detect

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signal describes one signal for lists and explanations.
type Signal struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Question is remote, abroad, farm or trust; Family is the cause it is evidence of.
	Question string `json:"question"`
	Family   string `json:"family"`
	// FamilyMeans says what the family is evidence of, in words.
	FamilyMeans string `json:"family_means"`
	// CountsFor are the hypotheses that it counts for, hosted or displaced, each with the
	// family in which it does.
	CountsFor map[string]string `json:"counts_for"`
	// State is on, shadow (evaluated and weighing nothing) or off.
	State string `json:"state"`
	// Note says why it is off, on trial or changed; empty where nobody wrote so.
	Note     string       `json:"note,omitempty"`
	Tiers    []SignalTier `json:"tiers"`
	HalfLife Days         `json:"half_life"`
	// Needs are senses without which it says nothing; Except explain it away.
	Needs  []string `json:"needs,omitempty"`
	Except []string `json:"except,omitempty"`
	// Withdrawn is the condition on which earlier observations are taken back.
	Withdrawn string `json:"withdrawn,omitempty"`
	// OnlyWith is a family without which it does not count for hosted, and Beside what the
	// rest of its own family must weigh for it to count, in decibans.
	OnlyWith string  `json:"only_with,omitempty"`
	Beside   float64 `json:"beside,omitempty"`
	// Circumstantial says that it does not answer its question by itself.
	Circumstantial bool     `json:"circumstantial,omitempty"`
	Benign         []string `json:"benign"`
	Attack         []string `json:"attack,omitempty"`
	Sources        []string `json:"sources,omitempty"`
	Tests          int      `json:"tests"`
	// File is where it was read from last.
	File string `json:"file"`
	// Overrides are the files that it was read from before, the latest first.
	Overrides []Override `json:"overrides,omitempty"`
}

// SignalTier is one tier of a signal.
type SignalTier struct {
	Tier    int     `json:"tier"`
	DB      float64 `json:"db"`
	When    string  `json:"when"`
	Because string  `json:"because"`
	// Was is the weight in the file that was overridden, where it was another.
	Was *float64 `json:"was,omitempty"`
}

// Override says what a file took from the one before it.
type Override struct {
	// By is the file that overrides and Of the one that is overridden.
	By string `json:"by"`
	Of string `json:"of"`
	// Keys are those that By changes; empty where it stands in the place of the whole.
	Keys []string `json:"keys,omitempty"`
}

// Days is a length of time that is written in days.
type Days time.Duration

// String writes it as signals do.
func (d Days) String() string {
	return strconv.FormatFloat(time.Duration(d).Hours()/24, 'f', -1, 64) + "d"
}

// MarshalText writes it as signals do.
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// The states of a signal.
const (
	StateOn     = "on"
	StateShadow = "shadow"
	StateOff    = "off"
)

func (s *signal) state() string {
	switch {
	case !s.enabled:
		return StateOff
	case s.shadow:
		return StateShadow
	}
	return StateOn
}

// Signals lists the signals, those that are off too, ordered by id.
func (r *Rules) Signals() []Signal {
	all := make([]Signal, len(r.all))
	for i, s := range r.all {
		all[i] = s.describe()
	}
	return all
}

// Signal returns one signal. Where there is none of that id, like is the one that may
// have been meant, empty for none.
func (r *Rules) Signal(id string) (found Signal, like string, ok bool) {
	for _, s := range r.all {
		if s.id == id {
			return s.describe(), "", true
		}
	}
	like = closest(id, func(yield func(string) bool) {
		for _, s := range r.all {
			if !yield(s.id) {
				return
			}
		}
	})
	return Signal{}, like, false
}

func (s *signal) describe() Signal {
	d := &s.doc
	out := Signal{
		ID: s.id, Title: s.title, Question: s.question, Family: families[s.home].name, FamilyMeans: families[s.home].words,
		CountsFor: s.countsFor(), State: s.state(), Note: strings.TrimSpace(d.Note), HalfLife: Days(s.halfLife),
		Withdrawn: strings.TrimSpace(d.Withdrawn.Value), OnlyWith: d.OnlyWith.Value, Beside: s.beside, Circumstantial: s.circumstantial,
		Benign: s.benign, Attack: s.attack, Sources: d.Sources, Tests: len(s.tests), File: s.file,
	}
	for _, need := range d.Needs {
		out.Needs = append(out.Needs, need.Value)
	}
	for _, except := range d.Except {
		out.Except = append(out.Except, except.Value)
	}
	for i, t := range d.Tiers {
		one := SignalTier{Tier: i, DB: s.tiers[i].db, When: strings.TrimSpace(t.When.Value), Because: strings.TrimSpace(t.Because.Value)}
		if before := s.replaces; before != nil && s.overlay && before.tiers[i].db != one.DB {
			one.Was = &before.tiers[i].db
		}
		out.Tiers = append(out.Tiers, one)
	}
	for one := s; one.replaces != nil; one = one.replaces {
		out.Overrides = append(out.Overrides, Override{By: one.file, Of: one.replaces.file, Keys: slices.Clone(one.changed)})
	}
	return out
}

// countsFor says in which family a signal counts for each hypothesis, or would.
func (s *signal) countsFor() map[string]string {
	in := s.family
	if s.shadow {
		in = s.trial
	}
	all := make(map[string]string)
	for h := range hypotheses {
		if in[h] >= 0 {
			all[kinds[h]] = families[in[h]].name
		}
	}
	return all
}

// Rules returns what the detector weighs by.
func (d *Detector) Rules() *Rules { return d.rules }
