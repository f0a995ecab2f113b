package roster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Change is one record that an import adds, changes or removes.
type Change struct {
	Kind Kind
	Key  string
	// Before and After are the bodies; empty where there is none.
	Before, After string
}

// Diff returns what becomes of the records of a source when a file takes its place,
// ordered by kind and key. Of kinds that the file does not speak of nothing changes,
// and a row that cannot be used leaves the one before. With merge, nothing is removed.
// What was learned from laptops stays with what it belongs to: files cannot say it.
func Diff(before []Record, f *File, merge bool) []Change {
	known := make(map[Record]string, len(before)) // bodies by kind and key
	for _, r := range before {
		known[Record{Kind: r.Kind, Key: r.Key}] = r.Body
	}
	var changes []Change
	for _, r := range f.Records() {
		id := Record{Kind: r.Kind, Key: r.Key}
		was := known[id]
		delete(known, id)
		if r.Body = keepLearned(r, was); r.Body != was {
			changes = append(changes, Change{r.Kind, r.Key, was, r.Body})
		}
	}
	for id, was := range known {
		if !merge && f.Has(id.Kind) && (id.Kind != OfLaptop || !f.Spoilt(id.Key)) {
			changes = append(changes, Change{id.Kind, id.Key, was, ""})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return Record{Kind: a.Kind, Key: a.Key}.Compare(Record{Kind: b.Kind, Key: b.Key})
	})
	return changes
}

func keepLearned(r Record, was string) string {
	var t, before Tool
	var o, stood Office
	switch {
	case was == "":
	case r.Kind == OfTool && json.Unmarshal([]byte(was), &before) == nil && json.Unmarshal([]byte(r.Body), &t) == nil && before.ID == t.ID:
		t.Learned = before.Learned
		return body(&t)
	case r.Kind == OfOffice && json.Unmarshal([]byte(was), &stood) == nil && json.Unmarshal([]byte(r.Body), &o) == nil && o.Kind == stood.Kind:
		o.Gateways = stood.Gateways
		return body(&o)
	}
	return r.Body
}

// Words says what changes, field by field: "country US -> DE; role removed (was dev)".
func (c *Change) Words() string {
	switch {
	case c.Before == "":
		return "added" + summary(c.After)
	case c.After == "":
		return "removed" + summary(c.Before)
	}
	before, after := fields(c.Before), fields(c.After)
	var all []string
	for _, f := range after {
		was, had := value(before, f.name)
		switch {
		case !had:
			all = append(all, f.name+" "+f.text+" (was not set)")
		case was != f.text:
			all = append(all, fmt.Sprintf("%s %s -> %s", f.name, was, f.text))
		}
	}
	for _, f := range before {
		if _, still := value(after, f.name); !still {
			all = append(all, f.name+" removed (was "+f.text+")")
		}
	}
	return strings.Join(all, "; ")
}

func summary(record string) string {
	var all []string
	for _, f := range fields(record) {
		if f.name != "serial" && f.name != "name" {
			all = append(all, f.name+" "+f.text)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, "; ")
}

type field struct{ name, text string }

func value(all []field, name string) (string, bool) {
	for _, f := range all {
		if f.name == name {
			return f.text, true
		}
	}
	return "", false
}

// fields are a body's values in their order, as text.
func fields(record string) []field {
	root, err := readTree("record", []byte(record))
	if err != nil || root.kind != '{' {
		return nil
	}
	var all []field
	for i, name := range root.keys {
		text, err := root.list[i].words()
		if err != nil {
			text = learnedWords(root.list[i])
		}
		all = append(all, field{name.text, text})
	}
	return all
}

// learnedWords lists what was learned without its hashes, which say nothing to a reader.
func learnedWords(list *node) string {
	var all []string
	for _, n := range list.list {
		if n.kind != '{' {
			continue
		}
		is, from := n.field("is"), n.field("from")
		if is != nil && from != nil {
			all = append(all, is.text+" of "+from.text)
		}
	}
	return strings.Join(all, ", ")
}
