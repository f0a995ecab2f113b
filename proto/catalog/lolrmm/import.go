package lolrmm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Entry is what became of one or several tools of the list.
type Entry struct {
	ID       string    `json:"id"`
	Tools    []string  `json:"tools"` // names in the list
	Category string    `json:"category"`
	Inbound  bool      `json:"inbound"`        // whether somebody comes in through it
	Own      bool      `json:"own"`            // whether the catalogue has an entry of this id, which decides
	Note     string    `json:"note,omitempty"` // why there is no entry
	Mapped   []Mapped  `json:"mapped"`
	Refused  []Refused `json:"refused"`

	entry      *farmhoundv1.Entry
	references []string
}

// Report is what an import did, value by value.
type Report struct {
	Tools    int            `json:"tools"`
	Entries  int            `json:"entries"`
	Inbound  int            `json:"inbound"`
	NoFact   int            `json:"without_facts"` // tools that publish nothing usable
	Mapped   int            `json:"mapped"`
	Refused  map[string]int `json:"refused"` // values by reason
	PerEntry []*Entry       `json:"per_entry"`
}

// Import maps tools to entries. Tools that the list names twice become one entry, and
// one that the catalogue knows already gets the id it has there.
func Import(tools []Tool, known *catalog.Catalog) *Report {
	table := readClasses()
	names := newNames(known)
	byID := map[string]*mapper{}
	entries := map[string]*Entry{}
	var order []string
	for i := range tools {
		t := &tools[i]
		c := classOf(table, t)
		id := names.idOf(c, t)
		m, exists := byID[id]
		if !exists {
			m = &mapper{entry: &farmhoundv1.Entry{Id: id, Name: cut(t.Name), Category: c.category}, seen: map[string]bool{}}
			byID[id], entries[id] = m, &Entry{ID: id, entry: m.entry}
			order = append(order, id)
		}
		e := entries[id]
		e.Tools = append(e.Tools, t.Name)
		e.references = append(e.references, t.References...)
		m.mapTool(t)
	}
	uses := map[string]int{}
	for _, m := range byID {
		for _, f := range m.entry.GetFacts() {
			uses[factKey(f)]++
		}
	}
	r := &Report{Tools: len(tools), Refused: map[string]int{}}
	slices.Sort(order)
	for _, id := range order {
		m := byID[id]
		m.promote(uses)
		_, own := known.Entry(id)
		r.count(entries[id], m, own)
	}
	return r
}

func (r *Report) count(e *Entry, m *mapper, own bool) {
	e.Category, e.Own = catalog.CategoryName(m.entry.GetCategory()), own
	e.Inbound = !letsNobodyIn(m.entry.GetCategory())
	e.Mapped, e.Refused = m.mapped, m.refused
	r.PerEntry = append(r.PerEntry, e)
	r.Mapped += len(m.mapped)
	for _, refused := range m.refused {
		r.Refused[refused.Reason]++
	}
	switch {
	case len(m.entry.GetFacts()) == 0:
		e.Note = "publishes nothing usable"
	case !m.speaks():
		e.Note = "everything it publishes is common"
	default:
		r.Entries++
		if e.Inbound {
			r.Inbound++
		}
		return
	}
	r.NoFact += len(e.Tools)
}

// speaks reports whether the entry can be found by anything. What lets nobody in need
// not be: it is listed and never counted.
func (m *mapper) speaks() bool {
	return letsNobodyIn(m.entry.GetCategory()) || slices.ContainsFunc(m.entry.GetFacts(), func(f *farmhoundv1.Fact) bool {
		return f.GetStrength() != weak && f.GetKind() != port
	})
}

// promote makes facts identifying that say the tool's own name in full, where no other
// tool of the list has them.
func (m *mapper) promote(uses map[string]int) {
	for i, f := range m.entry.GetFacts() {
		if f.GetStrength() != supporting || uses[factKey(f)] > 1 || !m.isOwn(f) {
			continue
		}
		f.Strength = identifying
		m.mapped[i].Strength = "identifying"
	}
}

// isOwn reports whether a program's or service's name begins with a word that is the
// tool's own, long enough to be nobody else's.
func (m *mapper) isOwn(f *farmhoundv1.Fact) bool {
	const shortest = 6
	if f.GetKind() != process && f.GetKind() != service || strings.Contains(f.GetValue(), "*") {
		return false
	}
	name := squeezed(strings.TrimSuffix(strings.ToLower(f.GetValue()), ".exe"))
	return slices.ContainsFunc(m.own, func(word string) bool {
		return len(word) >= shortest && strings.HasPrefix(name, word) && !strings.Contains(name, "setup") && !strings.Contains(name, "install") && !strings.Contains(name, "viewer")
	})
}

func factKey(f *farmhoundv1.Fact) string {
	return f.GetKind().String() + " " + strings.ToLower(f.GetValue())
}

// names finds the id by which a tool is known.
type names struct {
	known *catalog.Catalog
	loose map[string]string // squeezed id or name to id
}

func newNames(known *catalog.Catalog) *names {
	n := &names{known: known, loose: map[string]string{}}
	for _, e := range known.Entries() {
		n.loose[squeezed(e.GetName())] = e.GetId()
	}
	for _, e := range known.Entries() {
		n.loose[squeezed(e.GetId())] = e.GetId()
	}
	return n
}

// idOf is what the table says, an entry of that name, an entry that most of the tool's
// own programs identify and that shares a word of its name, or the name itself.
func (n *names) idOf(c class, t *Tool) string {
	plain, _, _ := strings.Cut(t.Name, " (")
	for _, name := range []string{c.id, t.Name, plain} {
		if id, known := n.loose[squeezed(name)]; known && name != "" {
			return id
		}
	}
	if id := n.byFacts(c, t); id != "" {
		return id
	}
	if c.id != "" {
		return c.id
	}
	if id := slug(plain); id != "" {
		return id
	}
	return strings.Trim("tool-"+slug(t.Website), "-")
}

func (n *names) byFacts(c class, t *Tool) string {
	m := &mapper{entry: &farmhoundv1.Entry{Category: farmhoundv1.Category_CATEGORY_REMOTE_CONTROL}, seen: map[string]bool{}}
	m.mapTool(t)
	votes := map[string]int{}
	for _, f := range m.entry.GetFacts() {
		if f.GetKind() != process {
			continue
		}
		for _, touch := range n.known.AppendTouched(nil, f.GetOs(), catalog.Fact{Kind: process, Value: f.GetValue()}) {
			if touch.Fact.GetStrength() == identifying && letsNobodyIn(touch.Entry.GetCategory()) == letsNobodyIn(c.category) {
				votes[touch.Entry.GetId()]++
			}
		}
	}
	best := ""
	for id, count := range votes {
		if !n.related(id, m.own) {
			continue
		}
		if best == "" || cmp.Or(cmp.Compare(count, votes[best]), -cmp.Compare(id, best)) > 0 {
			best = id
		}
	}
	return best
}

func (n *names) related(id string, own []string) bool {
	e, _ := n.known.Entry(id)
	text := squeezed(e.GetId() + e.GetName() + e.GetVendor())
	return slices.ContainsFunc(own, func(word string) bool { return strings.Contains(text, word) })
}

// slug makes an id of a name.
func slug(name string) string {
	const most = 60
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == '\'':
			return -1
		}
		return '-'
	}, strings.ToLower(name))
	for strings.Contains(id, "--") {
		id = strings.ReplaceAll(id, "--", "-")
	}
	return strings.Trim(id[:min(len(id), most)], "-")
}

// cut bounds a name to what the schema allows.
func cut(name string) string {
	const most = 64
	for len(name) > most {
		runes := []rune(name)
		name = string(runes[:len(runes)-1])
	}
	return name
}

// Summary says in a few lines what was done.
func (r *Report) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d tools became %d entries, %d of them inbound control; %d tools publish nothing that can be used.\n", r.Tools, r.Entries, r.Inbound, r.NoFact)
	total := 0
	for _, count := range r.Refused {
		total += count
	}
	fmt.Fprintf(&b, "%d values became facts, %d were refused:\n", r.Mapped, total)
	reasons := make([]string, 0, len(r.Refused))
	for reason := range r.Refused {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(a, b string) int { return cmp.Or(-cmp.Compare(r.Refused[a], r.Refused[b]), cmp.Compare(a, b)) })
	for _, reason := range reasons {
		fmt.Fprintf(&b, "%6d  %s\n", r.Refused[reason], reason)
	}
	return b.String()
}
