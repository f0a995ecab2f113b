package settings

import (
	"errors"
	"fmt"
	"strings"
)

// policyLayer takes the values of a policy by their names, which may be written as the
// setting's key or as one word ("ScanInterval"), in any case. As in the environment, one
// that looks like a misspelt setting is an error and others are not the agent's: a
// template may know more settings than this version. where is the place of the values.
func policyLayer(where string, values map[string]string) (Layer, error) {
	words := map[string]string{}
	for _, key := range keys() {
		words[oneWord(key)] = key
	}
	layer := Layer{}
	var problems []error
	for name, text := range values {
		key, ok := words[oneWord(name)]
		if !ok {
			if hint := nearest(strings.ToLower(name), keys()); hint != "" {
				problems = append(problems, fmt.Errorf("policy: unknown value %s%s", place(where, name), hint))
			}
			continue
		}
		if other, twice := layer[key]; twice {
			problems = append(problems, fmt.Errorf("policy: %s is set twice, by %s and %s", key, other.Where, place(where, name)))
			continue
		}
		if text != "" {
			layer[key] = Value{Text: text, Where: "policy " + place(where, name)}
		}
	}
	return layer, errors.Join(problems...)
}

func place(where, name string) string { return where + `\` + name }

func oneWord(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }
