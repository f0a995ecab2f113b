package detect

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
)

// overlay makes the whole signal of a file that says only what is otherwise. A key
// replaces what was there, but for two. Tiers change those of the same position, each
// key by key. Tests join the ones that are there, unless what they judge by changes:
// then they stand in their place.
func (l *loader) overlay(text []byte, base *document) {
	doc := *base
	doc.Tiers, doc.Tests, doc.Enabled, doc.Shadow = nil, nil, nil, nil
	l.problems, l.unread = nil, false
	l.decode(text, &doc)
	if doc.Enabled == nil {
		doc.Enabled = base.Enabled
	}
	if doc.Shadow == nil {
		doc.Shadow = base.Shadow
	}
	given, tests := doc.Tiers, doc.Tests
	doc.Tiers = slices.Clone(base.Tiers)
	for i, t := range given {
		if i == len(doc.Tiers) {
			l.fail(doc.ID, "%q has %d tiers; another one needs the whole signal, with its family", doc.ID.Value, i)
			break
		}
		l.stillIs(i, t.Was, doc.Tiers[i].DB)
		change(&doc.Tiers[i].When, t.When)
		change(&doc.Tiers[i].DB, t.DB)
		change(&doc.Tiers[i].Because, t.Because)
	}
	l.signal.overlay, l.signal.changed = true, differences(base, &doc)
	if len(tests) > 0 {
		l.signal.changed = append(l.signal.changed, "tests")
	}
	doc.Tests = tests
	if !judgesOtherwise(base, &doc) {
		doc.Tests = slices.Concat(base.Tests, tests)
	}
	l.doc = doc
}

// stillIs holds what a file says that a tier weighed against what it does weigh.
func (l *loader) stillIs(i int, was, is strictyaml.Text) {
	if was.Value == "" {
		return
	}
	said, err := strconv.ParseFloat(was.Value, 64)
	if weighs, _ := strconv.ParseFloat(is.Value, 64); err != nil || said != weighs {
		l.fail(was, "tier %d weighs %s dB and not %s: the signal that is changed here is another than it was, and its tiers may have moved", i, is.Value, was.Value)
	}
}

func change(text *strictyaml.Text, to strictyaml.Text) {
	if to.Value != "" {
		*text = to
	}
}

// differences are the keys whose values are not the same, tests left out.
func differences(a, b *document) []string {
	var keys []string
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		key := x.Type().Field(i).Tag.Get("yaml")
		if key != "tests" && !reflect.DeepEqual(plainly(x.Field(i)), plainly(y.Field(i))) {
			keys = append(keys, key)
		}
	}
	return keys
}

// judgesOtherwise says whether tests of one could fail for the other by intent.
func judgesOtherwise(a, b *document) bool {
	if len(a.Tiers) != len(b.Tiers) {
		return true
	}
	for i := range a.Tiers {
		if a.Tiers[i].When.Value != b.Tiers[i].When.Value || a.Tiers[i].Because.Value != b.Tiers[i].Because.Value {
			return true
		}
	}
	changed := differences(a, b)
	return slices.ContainsFunc([]string{"needs", "except", "withdrawn"}, func(key string) bool { return slices.Contains(changed, key) })
}

// plainly is a value without the places of its texts.
func plainly(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case strictyaml.Text:
		return x.Value
	case []strictyaml.Text:
		var all []string
		for _, t := range x {
			all = append(all, t.Value)
		}
		return strings.Join(all, "\n")
	case []tierDocument:
		var all []string
		for _, t := range x {
			all = append(all, t.When.Value, t.DB.Value, t.Because.Value)
		}
		return strings.Join(all, "\n")
	default:
		return x
	}
}
