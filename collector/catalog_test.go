package collector

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// shelf is where a company keeps its catalogue, and the key that signs it.
type shelf struct {
	t    *testing.T
	path string
	key  ed25519.PrivateKey
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	return &shelf{t, filepath.Join(t.TempDir(), "catalog.binpb"), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))}
}

// build returns the built-in catalogue with changes.
func (s *shelf) build(at time.Time, change func(*farmhoundv1.Catalog)) []byte {
	s.t.Helper()
	c := new(farmhoundv1.Catalog)
	if err := proto.Unmarshal(catalog.BuiltInBytes(), c); err != nil {
		s.t.Fatal(err)
	}
	if c.IssuedAt = nil; !at.IsZero() {
		c.IssuedAt = timestamppb.New(at)
	}
	if change != nil {
		change(c)
	}
	encoded, err := catalog.Encode(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return encoded
}

// put puts one of the files in the place of the one before.
func (s *shelf) put(suffix string, content []byte) {
	s.t.Helper()
	if suffix != "" {
		content = []byte(base64.StdEncoding.EncodeToString(content) + "\n")
	}
	next := s.path + ".next"
	if err := errors.Join(os.WriteFile(next, content, 0o600), os.Rename(next, s.path+suffix)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) putAll(encoded []byte) {
	s.t.Helper()
	s.put(SignatureSuffix, catalog.Sign(s.key, encoded))
	s.put(PublicKeySuffix, s.key.Public().(ed25519.PublicKey))
	s.put("", encoded)
}

func without(id string) func(*farmhoundv1.Catalog) {
	return func(c *farmhoundv1.Catalog) {
		for i, e := range c.GetEntries() {
			if e.GetId() == id {
				c.Entries = append(c.Entries[:i:i], c.Entries[i+1:]...)
				return
			}
		}
	}
}

func with(id string) func(*farmhoundv1.Catalog) {
	return func(c *farmhoundv1.Catalog) {
		own := proto.CloneOf(c.GetEntries()[0])
		own.Id, own.Name = id, "Ours"
		c.Entries = append(c.Entries, own)
		slices.SortFunc(c.Entries, func(a, b *farmhoundv1.Entry) int { return strings.Compare(a.GetId(), b.GetId()) })
	}
}

func TestANewerCatalogueIsTakenUp(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	first, second := s.build(monday, nil), s.build(monday.Add(time.Hour), with("our-tool"))
	s.putAll(first)
	w, err := openCatalog(s.path, soon)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(what string, changed bool, encoded []byte) {
		t.Helper()
		if got, err := w.look(); err != nil || got != changed || w.digest() != catalog.Digest(encoded) || !bytes.Equal(w.signed().Encoded, encoded) {
			t.Errorf("%s: changed %t, %v; in use %s", what, got, err, w.digest())
		}
	}
	expect("nothing new", false, first)
	if w.knows("our-tool") || !w.knows("anydesk") {
		t.Error("another catalogue's ids are known")
	}
	// Its files come one after another; that is no reason to complain.
	s.put("", second)
	expect("half of it", false, first)
	s.put(SignatureSuffix, catalog.Sign(s.key, second))
	expect("all of it", true, second)
	expect("nothing new", false, second)
	if !w.knows("our-tool") {
		t.Error("what came with the new one is not known")
	}
	third := s.build(monday.Add(2*time.Hour), without("anydesk"))
	s.putAll(third)
	expect("the next", true, third)
	if _, ok := w.loaded().Entry("anydesk"); ok || !w.knows("anydesk") {
		t.Error("what an earlier one knew is not known any more")
	}
	s.putAll(third)
	expect("the same again", false, third)
}

// What is refused leaves the one before in use, is said once, and does not keep a good
// one from following.
func TestARefusedCatalogueLeavesTheOneBefore(t *testing.T) {
	t.Parallel()
	later := monday.Add(time.Hour)
	for name, tt := range map[string]struct {
		put  func(s *shelf)
		want string
	}{
		"older":     {func(s *shelf) { s.putAll(s.build(monday.Add(-time.Second), with("our-tool"))) }, "older than the one in use"},
		"no date":   {func(s *shelf) { s.putAll(s.build(time.Time{}, nil)) }, "it has no date"},
		"ahead":     {func(s *shelf) { s.putAll(s.build(soon().Add(maxAhead+time.Second), nil)) }, "more than a day ahead"},
		"no longer": {func(s *shelf) { _ = os.Remove(s.path) }, "no such file"},
		"unsigned":  {func(s *shelf) { _ = os.Remove(s.path + SignatureSuffix) }, "no such file"},
		"signed with another key": {func(s *shelf) {
			encoded := s.build(later, nil)
			s.put("", encoded)
			s.put(SignatureSuffix, catalog.Sign(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize)), encoded))
		}, "is not signed with the key in"},
		"another key altogether": {func(s *shelf) {
			other := &shelf{s.t, s.path, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))}
			other.putAll(s.build(later, nil))
		}, "another key than the one that agents pinned"},
		"a question it may not ask": {func(s *shelf) {
			s.putAll(s.build(later, func(c *farmhoundv1.Catalog) {
				c.Entries[0].Facts = append(c.Entries[0].Facts, &farmhoundv1.Fact{
					Kind: farmhoundv1.FactKind_FACT_KIND_PATH, Os: farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX,
					Value: "/etc/shadow", Strength: farmhoundv1.Strength_STRENGTH_IDENTIFYING,
				})
			}))
		}, "/etc/shadow"},
		"an ordinary name": {func(s *shelf) {
			s.putAll(s.build(later, func(c *farmhoundv1.Catalog) {
				c.Entries[0].Facts = append(c.Entries[0].Facts, &farmhoundv1.Fact{
					Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Os: farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS,
					Value: "svchost.exe", Strength: farmhoundv1.Strength_STRENGTH_IDENTIFYING,
				})
			}))
		}, "ordinary computers run a program of this name"},
		"cut off": {func(s *shelf) { e := s.build(later, nil); s.put("", e[:len(e)/2]) }, "catalog"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			first := s.build(monday, nil)
			s.putAll(first)
			w, err := openCatalog(s.path, soon)
			if err != nil {
				t.Fatal(err)
			}
			tt.put(s)
			if changed, err := w.look(); changed || err != nil {
				t.Errorf("at once: changed %t, %v", changed, err)
			}
			if changed, err := w.look(); changed || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("once it stays: changed %t, error %v; want %q", changed, err, tt.want)
			}
			if changed, err := w.look(); changed || err != nil {
				t.Errorf("said again: changed %t, %v", changed, err)
			}
			if w.digest() != catalog.Digest(first) {
				t.Errorf("in use is %s", w.digest())
			}
			good := s.build(later, without("anydesk"))
			s.putAll(good)
			if changed, err := w.look(); !changed || err != nil || w.digest() != catalog.Digest(good) {
				t.Errorf("a good one afterwards: changed %t, %v", changed, err)
			}
		})
	}
}

// A catalogue that could not be read for a while is read once it can be, though nothing
// about its files changed; meanwhile that is said once.
func TestACatalogueThatCouldNotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.putAll(s.build(monday, nil))
	w, err := openCatalog(s.path, soon)
	if err != nil {
		t.Fatal(err)
	}
	second := s.build(monday.Add(time.Hour), with("our-tool"))
	s.putAll(second)
	w.read = func(path string) (*signedCatalog, error) {
		return nil, fmt.Errorf("read: %w", &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES})
	}
	for look, said := range []bool{false, true, false, false} {
		if changed, err := w.look(); changed || (err != nil) != said {
			t.Errorf("look %d: changed %t, %v; want it said: %t", look+1, changed, err, said)
		}
	}
	w.read = readCatalog
	if changed, err := w.look(); !changed || err != nil || w.digest() != catalog.Digest(second) {
		t.Errorf("once it can be read: changed %t, %v", changed, err)
	}
	if changed, err := w.look(); changed || err != nil {
		t.Errorf("afterwards: changed %t, %v", changed, err)
	}
}

// Approved tools are looked up in the company's own catalogue where there is one.
func TestApprovedToolsAreOfTheOwnCatalogue(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.putAll(s.build(monday, func(c *farmhoundv1.Catalog) { with("our-tool")(c); without("anydesk")(c) }))
	for id, want := range map[string]string{"our-tool": "", "anydesk": `collector.yaml:4:12: the catalogue has no entry "anydesk"`} {
		c, _, err := readConfig(t, "catalog: "+s.path+"\ncompany:\n  approved_tools:\n    - {id: "+id+"}\n")
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		r := rooms(t)
		r.Company = c.Company
		if r.Catalog, err = ReadCatalog(c.Catalog); err != nil {
			t.Fatal(err)
		}
		// What it does not have is said and approves nothing: it may have had it yesterday.
		if _, err := r.judge(); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if err := errors.Join(r.Unknown()...); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: said %v, want %q", id, err, want)
		}
		// With the built-in one alone it is a slip of the hand.
		r.Catalog = nil
		if _, err := r.judge(); (err == nil) == (id == "our-tool") || len(r.Unknown()) != 0 {
			t.Errorf("%s, with the built-in catalogue: %v, said %v", id, err, r.Unknown())
		}
	}
	if _, err := ReadCatalog(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a catalogue that is not there: %v", err)
	}
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte("serial,approved_tools\nA1,our-tool\nA2,anydesk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := ReadCatalog(s.path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		known Tools
		good  string
		rows  int
	}{"own": {Knows(own), "A1", 2}, "built-in": {Knows(nil), "A2", 1}} {
		r, problems, err := ReadRoster(path, tt.known)
		if err != nil || len(problems) != 1 || r.Len() != tt.rows {
			t.Errorf("%s: %v, %v", name, problems, err)
		}
		if p, _ := r.Person(tt.good, monday); len(p.GetApprovedTools()) != 1 {
			t.Errorf("%s: %s is approved nothing", name, tt.good)
		}
	}
}

// An approved tool that a new catalogue lacks is said, and costs nobody their place in
// the roster; a tool that a row named too early is approved once it is known.
func TestApprovedToolsAfterAChange(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.putAll(s.build(monday, nil))
	people := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(people, []byte("serial,approved_tools\nA1,anydesk\nA2,our-tool\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	w, err := openCatalog(s.path, soon)
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{log: log, catalog: w, books: newTestBooks(t, people, w.tools(), log)}
	c.options.Config.Company.ApprovedTools = []ApprovedTool{{ID: text(t, "anydesk")}}
	if err := c.books.open(t.Context()); err != nil || c.books.inForce.Load().Len() != 2 {
		t.Fatalf("%d laptops, %v", c.books.inForce.Load().Len(), err)
	}
	s.putAll(s.build(monday.Add(time.Hour), func(c *farmhoundv1.Catalog) { with("our-tool")(c); without("anydesk")(c) }))
	if changed, err := w.look(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	approved := func() []string {
		p, _ := c.books.Person("A2", monday)
		return p.GetApprovedTools()
	}
	if got := approved(); len(got) != 0 || !strings.Contains(said.String(), `people.csv:3:4: approved_tools: the catalogue has no entry \"our-tool\"; an id`) {
		t.Errorf("too early: approved %v:\n%s", got, said.String())
	}
	said.Reset()
	c.checkApproved(t.Context(), w.loaded())
	if n := c.books.inForce.Load().Len(); n != 2 || !slices.Equal(approved(), []string{"our-tool"}) {
		t.Errorf("%d laptops of 2 are in the roster; approved %v", n, approved())
	}
	for _, want := range []string{`f:1:5: the catalogue has no entry`, "a tool that the roster approves is not in the catalogue any more"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, said.String())
		}
	}
}

func text(t *testing.T, value string) strictyaml.Text {
	t.Helper()
	into := struct {
		Value strictyaml.Text `yaml:"v"`
	}{}
	if err := strictyaml.Decode("f", []byte("{v: "+value+"}"), &into); err != nil {
		t.Fatal(err)
	}
	return into.Value
}
