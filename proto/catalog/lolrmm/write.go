package lolrmm

import (
	"bytes"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// published is where the list is, as a reference of every entry made from it.
const published = "https://github.com/magicsword-io/LOLRMM"

// longestReference bounds an address, in bytes.
const longestReference = 200

// written is an entry in the readable form.
type written struct {
	ID         string                                    `yaml:"id"`
	Name       string                                    `yaml:"name"`
	Category   string                                    `yaml:"category"`
	Origin     string                                    `yaml:"origin"`
	Facts      map[string]map[string]map[string][]string `yaml:"facts"`
	References []string                                  `yaml:"references"`
}

// YAML returns the entry in the readable form, nil where nothing was usable.
func (e *Entry) YAML() ([]byte, error) {
	if e.Note != "" {
		return nil, nil
	}
	w := written{
		ID: e.ID, Name: e.entry.GetName(), Category: e.Category, Origin: Origin,
		Facts: map[string]map[string]map[string][]string{}, References: []string{published},
	}
	for _, f := range e.entry.GetFacts() {
		system, strength, kind := source.SystemName(f.GetOs()), source.StrengthName(f.GetStrength()), catalog.KindName(f.GetKind())
		if w.Facts[system] == nil {
			w.Facts[system] = map[string]map[string][]string{}
		}
		if w.Facts[system][strength] == nil {
			w.Facts[system][strength] = map[string][]string{}
		}
		w.Facts[system][strength][kind] = append(w.Facts[system][strength][kind], f.GetValue())
	}
	for _, r := range e.references {
		if len(r) <= longestReference && fieldrules.Holds(farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE, r) && !slices.Contains(w.References, r) && len(w.References) < 8 {
			w.References = append(w.References, r)
		}
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(w); err != nil {
		return nil, fmt.Errorf("write entry %s: %w", e.ID, err)
	}
	return b.Bytes(), nil
}
