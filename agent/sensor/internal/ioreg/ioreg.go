// Package ioreg reads the text in which macOS' ioreg prints its registry: what the kernel
// drives, and what it says of each. It imports nothing of Farmhound.
package ioreg

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Bounds on what is read of ioreg's output.
const (
	MaxObjects    = 8192
	maxProperties = 256
)

// Object is one object of macOS's registry as ioreg prints it.
type Object struct {
	Class string
	// ID tells the object from every other since the laptop started, empty where it is
	// not printed.
	ID string
	// Depth is how far it is indented: what follows deeper is below it.
	Depth      int
	Properties map[string]string
	// Doubtful is whether a property was printed twice: names that devices give themselves
	// are printed as they are, with whatever lines are in them.
	Doubtful bool
}

// Parse reads objects with the properties that are named, or with all of them: a line "+-o name <class X, id 0x1, ...>" for every object, and lines
// `"key" = value` for its properties, both behind bars that draw the tree.
func Parse(text string, wanted ...string) []Object {
	var objects []Object
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if at := strings.Index(line, "+-o "); at >= 0 && strings.Trim(line[:at], " |") == "" {
			if len(objects) == MaxObjects {
				return objects
			}
			_, described, _ := strings.Cut(line[at:], "<class ")
			class, rest, _ := strings.Cut(described, ",")
			id, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(rest), "id "), ",")
			if !strings.HasPrefix(id, "0x") {
				id = ""
			}
			objects = append(objects, Object{Class: strings.Trim(class, "> "), ID: strings.Trim(id, "> "), Depth: at, Properties: map[string]string{}})
			continue
		}
		line = strings.TrimLeft(line, " |")
		if len(objects) == 0 || !strings.HasPrefix(line, `"`) {
			continue
		}
		key, value, found := strings.Cut(line[1:], `" = `)
		last := &objects[len(objects)-1]
		if !found || len(last.Properties) >= maxProperties || len(wanted) > 0 && !slices.Contains(wanted, key) {
			continue
		}
		_, twice := last.Properties[key]
		last.Doubtful = last.Doubtful || twice
		last.Properties[key] = value
	}
	return objects
}

// Text is a property's string, without the marks around it.
func (o Object) Text(key string) string { return strings.Trim(o.Properties[key], `"`) }

// Number is the first property of the keys that is a number.
func (o Object) Number(keys ...string) uint64 {
	for _, key := range keys {
		if n, err := strconv.ParseUint(o.Properties[key], 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// Data is a property's bytes, which ioreg prints as <hexadecimal>.
func (o Object) Data(key string) []byte {
	raw, err := hex.DecodeString(strings.Trim(o.Properties[key], "<>"))
	if err != nil {
		return nil
	}
	return raw
}

// Yes is a property that is Yes or No, nil where it is neither.
func (o Object) Yes(key string) *bool {
	on := o.Properties[key] == "Yes"
	if !on && o.Properties[key] != "No" {
		return nil
	}
	return &on
}

// Field is a value inside a property that is a dictionary: {"key"=value,...}.
func Field(text, key string) string {
	_, value, found := strings.Cut(text, `"`+key+`"=`)
	if !found {
		return ""
	}
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		value, _, _ = strings.Cut(quoted, `"`)
		return value
	}
	if end := strings.IndexAny(value, ",}"); end >= 0 {
		value = value[:end]
	}
	return value
}
