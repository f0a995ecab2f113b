// Package catalog is the catalogue of remote-access tools and hardware: the
// compiled form that agents carry, and the matcher over it.
//
// An entry matches with one identifying fact, or with supporting facts of two
// different kinds, so that a common name like client.exe never matches alone.
//
// A catalogue comes from the collector and its facts are questions put to a
// laptop. Load therefore refuses one that asks outside fixed program folders
// or for too much, whoever signed it.
//
// The agent links this package: it imports the generated contract and the field
// rules, and never YAML. The readable form and its compiler are in the package
// source below it, which no agent imports.
package catalog

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

//go:generate go run ./source/compile -o catalog.binpb

// FormatVersion is the version of the compiled form that this package reads.
const FormatVersion = 1

// MaxSize bounds an encoded catalogue, in bytes.
const MaxSize = 4 << 20

// Catalog is a loaded catalogue. It is immutable and safe for concurrent use.
type Catalog struct {
	digest  string
	issued  time.Time
	entries []*farmhoundv1.Entry
	byID    map[string]int
	systems [systemCount]index
	usb     []reference
	edid    []reference
	reports map[string][]reference
}

//go:embed catalog.binpb
var builtInBytes []byte

var loadBuiltIn = sync.OnceValue(func() *Catalog {
	c, err := Load(builtInBytes)
	if err != nil {
		// The bytes are part of the program and a test loads them.
		panic("built-in catalogue: " + err.Error())
	}
	return c
})

// BuiltIn returns the catalogue that is part of the program. It is loaded once.
func BuiltIn() *Catalog { return loadBuiltIn() }

// BuiltInBytes returns a copy of the built-in catalogue's encoded bytes.
func BuiltInBytes() []byte { return slices.Clone(builtInBytes) }

// Encode returns the deterministic bytes by which a catalogue is known.
func Encode(c *farmhoundv1.Catalog) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode catalogue: %w", err)
	}
	return b, nil
}

// Digest returns the SHA-256 of encoded catalogue bytes in hexadecimal.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Load decodes, checks and indexes a catalogue.
func Load(b []byte) (*Catalog, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("load catalogue: %d bytes, more than %d", len(b), MaxSize)
	}
	decoded := new(farmhoundv1.Catalog)
	if err := proto.Unmarshal(b, decoded); err != nil {
		return nil, fmt.Errorf("load catalogue: decode: %w", err)
	}
	if err := Check(decoded); err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	c := &Catalog{
		digest:  Digest(b),
		entries: decoded.GetEntries(),
		byID:    make(map[string]int, len(decoded.GetEntries())),
	}
	if decoded.GetIssuedAt() != nil {
		c.issued = decoded.GetIssuedAt().AsTime()
	}
	for i, e := range c.entries {
		c.byID[e.GetId()] = i
	}
	c.build()
	return c, nil
}

// Check reports everything that keeps a catalogue from being loaded: broken
// field rules, entries out of order or repeated, and facts that ask for what a
// catalogue may not ask.
func Check(c *farmhoundv1.Catalog) error {
	validator, err := fieldrules.Compile(c.ProtoReflect().Descriptor())
	if err != nil {
		return fmt.Errorf("rules of catalogues: %w", err)
	}
	if err := validator.Validate(c); err != nil {
		return err
	}
	var problems []error
	for i, e := range c.GetEntries() {
		if i > 0 && c.GetEntries()[i-1].GetId() >= e.GetId() {
			problems = append(problems, fmt.Errorf("entry %s: entries must be in the order of their ids, each once", e.GetId()))
		}
		for _, f := range e.GetFacts() {
			if err := CheckFact(f); err != nil {
				problems = append(problems, fmt.Errorf("entry %s: %w", e.GetId(), err))
			}
		}
	}
	return errors.Join(problems...)
}

// Digest returns the SHA-256 of the bytes this catalogue was loaded from, in
// hexadecimal.
func (c *Catalog) Digest() string { return c.digest }

// Entry returns the entry with the id. It must not be changed.
func (c *Catalog) Entry(id string) (*farmhoundv1.Entry, bool) {
	i, ok := c.byID[id]
	if !ok {
		return nil, false
	}
	return c.entries[i], true
}

// Entries returns every entry, ordered by id. They must not be changed.
func (c *Catalog) Entries() []*farmhoundv1.Entry { return slices.Clone(c.entries) }

// Values returns every value of one kind that could match on a system, sorted
// and without repeats: the paths worth looking for, the names of packages.
func (c *Catalog) Values(os farmhoundv1.OperatingSystem, kind farmhoundv1.FactKind) []string {
	var values []string
	for _, e := range c.entries {
		for _, f := range e.GetFacts() {
			if f.GetKind() == kind && holdsOn(f, os) {
				values = append(values, f.GetValue())
			}
		}
	}
	slices.SortFunc(values, cmp.Compare[string])
	return slices.Compact(values)
}

func holdsOn(f *farmhoundv1.Fact, os farmhoundv1.OperatingSystem) bool {
	return f.GetOs() == os || f.GetOs() == farmhoundv1.OperatingSystem_OPERATING_SYSTEM_UNSPECIFIED
}
