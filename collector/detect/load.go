package detect

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

//go:embed signals/*.yaml
var shipped embed.FS

// Source is a place that signals are read from: every file that ends in .yaml at
// its top.
type Source struct {
	// Name stands before file names in problems: a directory, or "shipped".
	Name string
	FS   fs.FS
	// Only is the one file that is read; empty for all.
	Only string
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
	signals  []*signal // those that are evaluated, ordered by id
	all      []*signal // with those that are switched off
	language *language
	bundle   []byte
	digest   string
}

// Load reads and checks the signals of all sources. A signal of a later source
// replaces one with the same id of an earlier; a file without a family changes it, key
// by key. The error joins every problem found, each with file, line and column.
func Load(sources ...Source) (*Rules, error) {
	layers, err := read(sources)
	if err != nil {
		return nil, err
	}
	return load(layers)
}

func read(sources []Source) ([]*layer, error) {
	layers := make([]*layer, len(sources))
	for i, source := range sources {
		var err error
		if layers[i], err = source.read(); err != nil {
			return nil, err
		}
	}
	return layers, nil
}

func load(layers []*layer) (*Rules, error) {
	rules, problems := assemble(layers)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return rules, rules.seal(layers)
}

// maxSignals bounds what one assessment evaluates.
const maxSignals = 500

// assemble makes rules of all layers, and returns what is wrong with them: rules with
// problems are for nothing but finding more.
func assemble(layers []*layer) (*Rules, []error) {
	language, err := newLanguage()
	if err != nil {
		return nil, []error{err}
	}
	byID := make(map[string]*signal)
	var problems []error
	for _, layer := range layers {
		signals, bad := loadLayer(language, layer, byID)
		problems = append(problems, bad...)
		for _, s := range signals {
			byID[s.id] = s
		}
	}
	problems = unique(problems)
	if len(byID) > maxSignals {
		problems = append(problems, fmt.Errorf("%d signals are more than %d", len(byID), maxSignals))
	}
	rules := &Rules{language: language}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		s := byID[id]
		rules.all = append(rules.all, s)
		if s.enabled {
			rules.signals = append(rules.signals, s)
		}
	}
	return rules, problems
}

// loadLayer returns the signals of one layer, and what is wrong with them. Earlier are those of the layers
// before, which its files can change.
func loadLayer(language *language, layer *layer, earlier map[string]*signal) ([]*signal, []error) {
	var signals []*signal
	var problems []error
	seen := make(map[string]string)
	for _, file := range layer.files {
		l := loader{file: layer.place(file), language: language}
		s := l.load([]byte(file.Text), earlier)
		if before, twice := seen[s.id]; twice && s.id != "" {
			l.fail(s.at, "another file of %s has the id %q too: %s", layer.name, s.id, before)
		}
		seen[s.id] = file.Name
		problems = append(problems, l.problems...)
		signals = append(signals, s)
	}
	return signals, problems
}

// unique drops what is said twice: a mistake in a signal that another file changes.
func unique(problems []error) []error {
	seen := make(map[string]bool)
	return slices.DeleteFunc(problems, func(err error) bool {
		said := seen[err.Error()]
		seen[err.Error()] = true
		return said
	})
}
