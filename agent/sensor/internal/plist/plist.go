// Package plist reads property lists, in which macOS and its programs keep what they
// say of themselves, in both forms: XML and binary.
//
// A list may be anybody's, so that its size, its depth, and what its values come to in
// all are bounded. The package imports nothing of Farmhound but
// agent/sensor/host.
package plist

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// What is read of one list at most.
const (
	// MaxSize is the size in bytes. The files that are of interest have some thousands.
	MaxSize   = 1 << 20
	maxDepth  = 32
	maxValues = 20_000
	maxText   = 4 << 20 // in all values together: a binary list can name one value often
)

// Errors of lists. Every error of this package is one of them, with what was read.
var (
	errNoList = errors.New("not a property list")
	errBounds = errors.New("property list beyond bounds")
)

// Value is a value of a list: a Dict, []Value, string, bool, int64, float64, []byte, or
// time.Time. What is of another kind, as a null, is nil.
type Value any

// Dict is a dictionary. Its methods are for a nil one as well.
type Dict map[string]Value

// Text returns the string under a key, empty where there is none.
func (d Dict) Text(key string) string {
	text, _ := d[key].(string)
	return text
}

// Bool returns the truth value under a key, nil where there is none. Numbers, which
// older lists have in its place, count as such.
func (d Dict) Bool(key string) *bool {
	switch v := d[key].(type) {
	case bool:
		return &v
	case int64:
		truth := v != 0
		return &truth
	}
	return nil
}

// Is reports whether the truth value under a key is there and true.
func (d Dict) Is(key string) bool {
	truth := d.Bool(key)
	return truth != nil && *truth
}

// Dict returns the dictionary under a key, nil where there is none.
func (d Dict) Dict(key string) Dict {
	inner, _ := d[key].(Dict)
	return inner
}

// List returns the array under a key, nil where there is none.
func (d Dict) List(key string) []Value {
	list, _ := d[key].([]Value)
	return list
}

// Parse reads a list in either form. Its top value is a dictionary, as those of all files
// that are of interest are.
func Parse(data []byte) (Dict, error) {
	if len(data) > MaxSize {
		return nil, errBounds
	}
	var top Value
	var err error
	if bytes.HasPrefix(data, []byte(binaryMagic)) {
		top, err = parseBinary(data)
	} else {
		top, err = parseXML(data)
	}
	if err != nil {
		return nil, err
	}
	dict, ok := top.(Dict)
	if !ok {
		return nil, fmt.Errorf("%w: no dictionary", errNoList)
	}
	return dict, nil
}

// Read reads a file of the host. A folder or a pipe in its place is an error, and so is
// a file that is larger than MaxSize.
func Read(h host.Host, name string) (Dict, error) {
	info, err := h.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > MaxSize {
		return nil, errBounds
	}
	f, err := h.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return Parse(data)
}

// budget counts what a list comes to.
type budget struct{ values, text int }

// spend counts one more value of a size at a depth, and refuses what is too much.
func (b *budget) spend(depth, size int) error {
	b.values++
	b.text += size
	if depth > maxDepth || b.values > maxValues || b.text > maxText {
		return errBounds
	}
	return nil
}
