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
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

//go:generate go run ./source/compile -o catalog.binpb.gz

// FormatVersion is the version of the compiled form that this package reads.
const FormatVersion = 1

// MaxSize bounds an encoded catalogue, in bytes.
const MaxSize = 4 << 20

// Catalog is a loaded catalogue. It does not change and is safe for concurrent use.
//
// Of some hundred entries a laptop touches a dozen. Kept are therefore the encoded
// bytes and an index of hashes, per system and only where it is asked for; an entry is
// decoded when it is touched for the first time.
type Catalog struct {
	digest   string
	issued   time.Time
	encoded  encoded
	ids      []string // in order
	spans    []span   // where the entries lie in the encoded bytes
	entries  []atomic.Pointer[farmhoundv1.Entry]
	systems  [systemCount]func() *index
	hardware func() *hardware
}

//go:embed catalog.binpb.gz
var builtInPacked string

var loadBuiltIn = sync.OnceValue(func() *Catalog {
	// The bytes are part of the program and a test checks them.
	c, err := open(&packed{gz: builtInPacked})
	if err != nil {
		panic("built-in catalogue: " + err.Error())
	}
	return c
})

// BuiltIn returns the catalogue that is part of the program. It is loaded once.
func BuiltIn() *Catalog { return loadBuiltIn() }

// BuiltInBytes returns a copy of the built-in catalogue's encoded bytes.
func BuiltInBytes() []byte { return BuiltIn().Bytes() }

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

// Load decodes and checks a catalogue.
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
	return open(plain(slices.Clone(b)))
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

// Bytes returns a copy of the encoded bytes that Digest is of.
func (c *Catalog) Bytes() []byte { return slices.Clone(c.encoded.bytes()) }

// Entry returns the entry with the id. It must not be changed.
func (c *Catalog) Entry(id string) (*farmhoundv1.Entry, bool) {
	i, ok := slices.BinarySearch(c.ids, id)
	if !ok {
		return nil, false
	}
	return c.entry(i), true
}

// Len returns how many entries there are.
func (c *Catalog) Len() int { return len(c.ids) }

// Entries returns every entry, ordered by id, and keeps all of them decoded. They must
// not be changed.
func (c *Catalog) Entries() []*farmhoundv1.Entry {
	entries := make([]*farmhoundv1.Entry, len(c.ids))
	for i := range entries {
		entries[i] = c.entry(i)
	}
	return entries
}

// All goes through the entries, ordered by id, and keeps none.
func (c *Catalog) All() iter.Seq2[int, *farmhoundv1.Entry] {
	return func(yield func(int, *farmhoundv1.Entry) bool) {
		b := c.encoded.bytes()
		for i := range c.ids {
			if !yield(i, c.decode(b, i)) {
				return
			}
		}
	}
}

// Values returns every value of one kind that could match on a system, sorted
// and without repeats: the paths worth looking for, the names of packages.
func (c *Catalog) Values(os farmhoundv1.OperatingSystem, kind farmhoundv1.FactKind) []string {
	var values []string
	for _, e := range c.All() {
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
