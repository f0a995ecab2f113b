package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// shelf is books and their store in memory: bodies are the person, or damaged.
type shelf struct {
	Books
	RosterStore

	records []store.RosterRecord
	read    []string // keys of the records that were read whole
	audited []string
	refuse  error
}

func (s *shelf) RosterVersion(context.Context) (store.RosterVersion, error) {
	return store.RosterVersion{N: 1}, nil
}

func (s *shelf) EachRosterRecord(_ context.Context, _ uint64, _ store.RosterRecord, fn func(store.RosterRecord) error) error {
	for _, r := range s.records {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Audit(_ context.Context, e store.AuditEntry) error {
	s.audited = append(s.audited, e.Action+": "+e.Detail)
	return nil
}

func (s *shelf) Person(r store.RosterRecord) string { return r.Body }

func (s *shelf) Record(r store.RosterRecord) (*fleetv1.RosterRecord, error) {
	s.read = append(s.read, r.Key)
	if r.Body == "damaged" {
		return &fleetv1.RosterRecord{Key: "half"}, errors.New("unexpected end")
	}
	return &fleetv1.RosterRecord{Source: r.Source, Kind: r.Kind, Key: r.Key, Laptop: &fleetv1.RosterLaptop{Person: r.Body}}, nil
}

func (s *shelf) Import(_ context.Context, _ string, how *fleetv1.ImportRosterRequest, _ io.Reader) (*Imported, error) {
	return &Imported{Version: store.RosterVersion{N: 1, Refused: 2}, Changes: make([]store.RosterChange, shownChanges+1)}, s.refuse
}

func (s *shelf) Words(store.RosterChange) string { return "" }

func (s *shelf) roster() *Roster {
	return &Roster{Books: s, Store: s, fleet: &Fleet{
		Authenticate: func(context.Context) (Caller, error) { return Caller{ID: "1", Name: "ann", Role: "admin"}, nil },
		Now:          time.Now, Log: slog.New(slog.DiscardHandler),
	}}
}

// A list reads what it lists and no more, whatever is asked for, and a damaged record
// keeps nobody from the others.
func TestListingARosterReadsWhatItLists(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind, prefix string
		want         string
	}{
		{"", "z", ""},
		{"office", "", "hq"},
		{"laptop", "P-1", "A1"},
		{"", "a", "A1 A2"},
		{"", "", "A1 A2 B1 hq"},
	} {
		s := &shelf{records: []store.RosterRecord{
			{Source: "api", Kind: "laptop", Key: "A1", Body: "p-1"}, {Source: "api", Kind: "laptop", Key: "A2", Body: "damaged"},
			{Source: "api", Kind: "laptop", Key: "B1", Body: "q-1"}, {Source: "api", Kind: "office", Key: "hq"},
		}}
		got, err := s.roster().ListRoster(t.Context(), &fleetv1.ListRosterRequest{Kind: test.kind, Prefix: test.prefix})
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		var listed []string
		for _, r := range got.GetRecords() {
			listed = append(listed, r.GetKey())
			if damaged := r.GetKey() == "A2"; damaged != (r.GetLaptop() == nil) || r.GetSource() != "api" || r.GetKind() == "" {
				t.Errorf("%+v lists %v", test, r)
			}
		}
		if strings.Join(listed, " ") != test.want || !cmp.Equal(listed, s.read) {
			t.Errorf("%+v lists %v and reads %v, want %q of both", test, listed, s.read, test.want)
		}
	}
	s := &shelf{}
	if _, err := s.roster().ListRoster(t.Context(), &fleetv1.ListRosterRequest{Kind: strings.Repeat("k", 1<<20)}); err != nil || len(s.audited) != 1 || len(s.audited[0]) > 200 {
		t.Errorf("error %v; a long kind is in the audit log with %d bytes", err, len(strings.Join(s.audited, "")))
	}
}

// parts is a stream of one import.
type parts struct {
	grpc.ServerStream
	all  []*fleetv1.ImportRosterRequest
	done *fleetv1.ImportRosterResponse
}

func (p *parts) Context() context.Context { return context.Background() }

func (p *parts) Recv() (*fleetv1.ImportRosterRequest, error) {
	if len(p.all) == 0 {
		return nil, io.EOF
	}
	next := p.all[0]
	p.all = p.all[1:]
	return next, nil
}

func (p *parts) SendAndClose(done *fleetv1.ImportRosterResponse) error {
	p.done = done
	return nil
}

// Whoever looks at what an import would change sees people, and whoever is refused tried
// something: both are recorded, with who it was.
func TestImportsThatChangeNothingAreRecorded(t *testing.T) {
	t.Parallel()
	imported := func(s *shelf, dryRun bool) error {
		return s.roster().ImportRoster(&parts{all: []*fleetv1.ImportRosterRequest{{Name: "hr.csv", DryRun: dryRun, Content: []byte("serial\n")}}})
	}
	for _, test := range []struct {
		dryRun  bool
		refuse  error
		code    codes.Code
		audited []string
	}{
		{true, nil, codes.OK, []string{`roster.compare: 1000 rows of 1001 changes that "hr.csv" would make, 2 refused`}},
		{false, nil, codes.OK, nil}, // the version's own entry is of the books
		{false, Mistake{errors.New("it would take away 60 of 100 laptops")}, codes.InvalidArgument, []string{`roster.refuse: "hr.csv": it would take away 60 of 100 laptops`}},
		{true, Mistake{errors.New("no header")}, codes.InvalidArgument, []string{`roster.refuse: "hr.csv": no header`}},
		{false, errors.New("disk full"), codes.Internal, nil},
	} {
		s := &shelf{refuse: test.refuse}
		err := imported(s, test.dryRun)
		if status.Code(err) != test.code || !cmp.Equal(test.audited, s.audited) {
			t.Errorf("dry run %t, refused for %v: %v; the audit log has %q, want %q", test.dryRun, test.refuse, err, s.audited, test.audited)
		}
	}
}
