package detect

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Lint reads signals as Load does and returns everything that is wrong with them, also
// what would load and serve nobody: tiers that never come to hold, evidence without a
// source, files that are not read. Problems are ordered by their place.
func Lint(sources ...Source) (*Rules, []strictyaml.Problem, error) {
	layers, err := read(sources)
	if err != nil {
		return nil, nil, err
	}
	rules, problems := assemble(layers)
	all := placed(problems)
	for _, s := range rules.all {
		for before := s; before != nil; before = before.replaces {
			all = append(all, rules.language.lint(before)...)
		}
	}
	for _, source := range sources {
		all = append(all, source.unread()...)
	}
	slices.SortFunc(all, func(a, b strictyaml.Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Reason, b.Reason))
	})
	all = slices.Compact(all)
	if len(all) > 0 {
		return nil, all, nil
	}
	return rules, nil, rules.seal(layers)
}

// placed takes errors apart into problems; what has no place is of all files together.
func placed(errs []error) []strictyaml.Problem {
	var all []strictyaml.Problem
	for _, err := range errs {
		for _, one := range flatten(err) {
			p, ok := one.(strictyaml.Problem) //nolint:errorlint // taken apart already
			if !ok {
				p = strictyaml.Problem{File: "signals", Line: 1, Column: 1, Reason: one.Error()}
			}
			all = append(all, p)
		}
	}
	return all
}

// unread names files that look like signals and are not read.
func (s Source) unread() []strictyaml.Problem {
	names, err := fs.Glob(s.FS, "*.yml")
	if err != nil || s.Only != "" {
		return nil
	}
	var all []strictyaml.Problem
	for _, name := range names {
		all = append(all, strictyaml.Problem{File: path.Join(s.Name, name), Line: 1, Column: 1, Reason: "the file is not read: signals end in .yaml"})
	}
	return all
}

// lint returns what is wrong with a signal that can be loaded.
func (l *language) lint(s *signal) []strictyaml.Problem {
	var all []strictyaml.Problem
	fail := func(at strictyaml.Text, format string, args ...any) {
		all = append(all, at.Problem(fmt.Sprintf(format, args...)))
	}
	d := &s.doc
	if len(d.Tiers) == 0 {
		return nil // it could not be read
	}
	if s.overlay && len(s.changed) == 0 {
		fail(d.ID, "the file changes nothing of %q", s.id)
	}
	if s.shadow && !s.enabled {
		fail(d.ID, "shadow has no meaning beside enabled: false; a signal on trial is evaluated")
	}
	if len(d.Tests) == 0 {
		fail(d.ID, "tests are missing; one for each tier that holds and one for none that does show that it works")
	}
	// What speaks for an honest use needs no case that it was learned from.
	if len(d.Sources) == 0 && (s.home < 0 || !families[s.home].against) {
		fail(d.ID, "sources are missing; what accuses somebody says where it was learned")
	}
	for _, source := range d.Sources {
		if u, err := url.Parse(source); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			fail(d.ID, "sources lists addresses such as https://attack.mitre.org/techniques/T1219/, not %q", source)
		}
	}
	all = append(all, l.unreachable(d)...)
	all = append(all, misdated(d)...)
	return append(all, l.unfounded(s)...)
}

// unfounded names tiers that hold of a laptop of which nothing is known, or nothing was
// observed although it could have been: unknown is never evidence.
func (l *language) unfounded(s *signal) []strictyaml.Problem {
	if slices.ContainsFunc(s.tiers, func(t tier) bool { return t.when == nil || t.because == nil }) {
		return nil // it does not compile
	}
	hearing := &fleetv1.Known{}
	for i := range hearing.ProtoReflect().Descriptor().Fields().Len() {
		hearing.ProtoReflect().Set(hearing.ProtoReflect().Descriptor().Fields().Get(i), protoreflect.ValueOfBool(true))
	}
	for _, of := range []struct {
		dev  *fleetv1.Device
		what string
	}{
		{&fleetv1.Device{}, "of which nothing is known"},
		{&fleetv1.Device{Known: hearing}, "on which nothing was observed"},
	} {
		o, err := s.observe(l.scene(of.dev, testNow), sensesOf(of.dev.GetKnown()), 0)
		if err == nil && o.tier >= 0 {
			return []strictyaml.Problem{s.doc.Tiers[o.tier].When.Problem(fmt.Sprintf(
				"tier %d holds of a laptop %s: what is absent reads as zero, so ask has() first, or name a sense under needs", o.tier, of.what))}
		}
	}
	return nil
}

// unreachable names tiers that never are the first to hold.
func (l *language) unreachable(d *document) []strictyaml.Problem {
	var all []strictyaml.Problem
	conditions := make([]condition, len(d.Tiers))
	for i, t := range d.Tiers {
		conditions[i] = l.understand(t.When.Value)
		if conditions[i].never() {
			all = append(all, t.When.Problem(fmt.Sprintf("tier %d can never hold: it contradicts itself", i)))
			continue
		}
		for j := range i {
			if conditions[i].implies(&conditions[j]) {
				all = append(all, t.When.Problem(fmt.Sprintf("tier %d can never hold: wherever its condition does, tier %d holds first", i, j)))
				break
			}
		}
	}
	return all
}

var (
	figureOf = regexp.MustCompile(`\bdevice\.(day\d+)\.`)
	saidDays = regexp.MustCompile(`\b(?:period|days|span|of_time|assistive)\(device\.(day\d+)\)`)
)

// misdated names sentences that give figures over other days than those that they say.
func misdated(d *document) []strictyaml.Problem {
	var all []strictyaml.Problem
	for i, t := range d.Tiers {
		figures := figureOf.FindAllStringSubmatch(t.Because.Value, -1)
		for _, said := range saidDays.FindAllStringSubmatch(t.Because.Value, -1) {
			of := func(figure []string) bool { return figure[1] == said[1] }
			if len(figures) > 0 && !slices.ContainsFunc(figures, of) {
				all = append(all, t.Because.Problem(fmt.Sprintf("tier %d says the days of device.%s, and its figures are those of device.%s", i, said[1], figures[0][1])))
				break
			}
		}
	}
	return all
}
