package roster

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Kind is what a record is of.
type Kind string

// The kinds.
const (
	OfLaptop Kind = "laptop"
	OfTool   Kind = "approved_tool"
	OfOffice Kind = "office"
)

var partOf = map[Kind]string{OfLaptop: partLaptops, OfTool: partTools, OfOffice: partOffices}

// Record is one laptop, approved tool or office as it is stored.
type Record struct {
	Kind Kind
	// Key is the serial in upper case, or the name.
	Key string
	// Body is the row, tool or office in JSON, always the same for what says the same.
	Body string
}

// Records returns what a file says as records, ordered by kind and key.
func (f *File) Records() []Record {
	var all []Record
	for _, row := range f.Laptops.Rows() {
		all = append(all, row.Record())
	}
	for _, t := range f.Tools {
		all = append(all, t.Record())
	}
	for _, o := range f.Offices {
		all = append(all, o.Record())
	}
	slices.SortFunc(all, Record.Compare)
	return all
}

// Record returns the row as it is stored.
func (r *Row) Record() Record { return Record{OfLaptop, serialKey(r.Serial), body(r)} }

// Record returns the tool as it is stored.
func (t *Tool) Record() Record { return Record{OfTool, t.Name, body(t)} }

// Record returns the office as it is stored.
func (o *Office) Record() Record { return Record{OfOffice, o.Name, body(o)} }

func body(of any) string {
	b, _ := json.Marshal(of) // structs of strings and numbers: never fails
	return string(b)
}

// PersonOf returns the person of a laptop's body, empty without one. It looks for that
// field alone: whoever searches a roster asks it of every laptop.
func PersonOf(laptop string) string {
	_, rest, _ := strings.Cut(laptop, `"person":"`) // which no text holds: its quotation marks are escaped
	person, _, _ := strings.Cut(rest, `"`)
	if strings.Contains(person, `\`) {
		var row Row
		if json.Unmarshal([]byte(laptop), &row) != nil {
			return ""
		}
		return row.Person
	}
	return person
}

// Compare orders records by kind and key.
func (r Record) Compare(other Record) int {
	return cmp.Or(cmp.Compare(r.Kind, other.Kind), cmp.Compare(r.Key, other.Key))
}

// Restore makes of records what a file says. Records are as Records made them; what
// nevertheless cannot be used is a problem. A tool that is not known approves nothing.
func Restore(source string, records []Record, known func(id string) bool) (*File, []Problem) {
	p := newParser(source, known, true)
	for _, r := range records {
		var err error
		switch r.Kind {
		case OfLaptop:
			var row Row
			if err = json.Unmarshal([]byte(r.Body), &row); err == nil {
				for i, text := range row.Cells() {
					p.cells[columns[i]] = cell{text: text}
				}
				p.row(1, 1, p.cells)
			}
		case OfTool:
			var t Tool
			if err = json.Unmarshal([]byte(r.Body), &t); err == nil {
				p.into.Tools = append(p.into.Tools, t)
			}
		case OfOffice:
			var o Office
			if err = json.Unmarshal([]byte(r.Body), &o); err == nil {
				p.into.Offices = append(p.into.Offices, o)
			}
		default:
			err = fmt.Errorf("there is no kind %q", r.Kind)
		}
		if err != nil {
			p.problem(1, 1, fmt.Sprintf("the record %s %q cannot be used: %v", r.Kind, r.Key, err))
		}
	}
	return p.done(), p.problems
}

// Book is what the company says, of all sources together. It is immutable and safe for
// concurrent use.
type Book struct {
	laptops *Roster
	tools   []Tool
	offices []Office
	version string
}

// NewBook puts files together; of two that speak of one thing the first counts.
func NewBook(files ...*File) *Book {
	b := &Book{laptops: &Roster{entries: make(map[string]*entry)}}
	for _, f := range files {
		for key, e := range f.Laptops.entries {
			if _, ok := b.laptops.entries[key]; !ok {
				b.laptops.entries[key] = e
			}
		}
		for _, t := range f.Tools {
			if !slices.ContainsFunc(b.tools, func(o Tool) bool { return o.Name == t.Name }) {
				b.tools = append(b.tools, t)
			}
		}
		for _, o := range f.Offices {
			if !slices.ContainsFunc(b.offices, func(x Office) bool { return x.Name == o.Name }) {
				b.offices = append(b.offices, o)
			}
		}
	}
	slices.SortFunc(b.tools, func(x, y Tool) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(b.offices, func(x, y Office) int { return strings.Compare(x.Name, y.Name) })
	b.laptops.version = b.laptops.digest()
	sum := sha256.Sum256([]byte(b.laptops.version + "\n" + body(b.tools) + "\n" + body(b.offices)))
	b.version = hex.EncodeToString(sum[:16])
	return b
}

// Person returns the entry for a system serial as it stands at a time.
func (b *Book) Person(serial string, at time.Time) (*fleetv1.Person, bool) {
	if b == nil {
		return nil, false
	}
	return b.laptops.Person(serial, at)
}

// Version names what the book says: equal for books that say the same. Empty without one.
func (b *Book) Version() string {
	if b == nil {
		return ""
	}
	return b.version
}

// Len returns the number of laptops.
func (b *Book) Len() int {
	if b == nil {
		return 0
	}
	return b.laptops.Len()
}

// Approves returns the ids of all tools that are approved for anybody, sorted.
func (b *Book) Approves() []string {
	if b == nil {
		return nil
	}
	all := b.laptops.Tools()
	for _, t := range b.tools {
		if t.ID != "" {
			all = append(all, t.ID)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Laptops returns who should have which laptop.
func (b *Book) Laptops() *Roster {
	if b == nil {
		return nil
	}
	return b.laptops
}

// Tools returns the approved tools by name. They must not be changed.
func (b *Book) Tools() []Tool {
	if b == nil {
		return nil
	}
	return b.tools
}

// Offices returns the offices by name. They must not be changed.
func (b *Book) Offices() []Office {
	if b == nil {
		return nil
	}
	return b.offices
}

// Body returns the record that counts of a kind and key, as it is stored; empty without
// one.
func (b *Book) Body(kind Kind, key string) string {
	if b == nil {
		return ""
	}
	switch kind {
	case OfLaptop:
		if e, ok := b.laptops.entries[key]; ok {
			row := e.row(key)
			return row.Record().Body
		}
	case OfTool:
		for i := range b.tools {
			if b.tools[i].Name == key {
				return b.tools[i].Record().Body
			}
		}
	case OfOffice:
		for i := range b.offices {
			if b.offices[i].Name == key {
				return b.offices[i].Record().Body
			}
		}
	}
	return ""
}
