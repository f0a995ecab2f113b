package roster_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const header = "serial,person,country,region,time_zone,ship_to,work_days,work_start,work_end,role,approved_tools,approved_travel,household,exempt_until,exempt_reason\n"

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func known(id string) bool {
	_, ok := catalog.BuiltIn().Entry(id)
	return ok
}

func ptr(v uint32) *uint32 { return &v }

func parse(t *testing.T, text string) (*roster.Roster, []roster.Problem) {
	t.Helper()
	r, problems, err := roster.Parse("people.csv", strings.NewReader(text), known)
	if err != nil {
		t.Fatal(err)
	}
	return r, problems
}

func TestEverythingARowSays(t *testing.T) {
	t.Parallel()
	r, problems := parse(t, header+
		`PF3ABC12,p-117,us,Ohio,America/New_York,US-OH,mon-wed;FRI,8:30,17:00,"Engineer, platform",AnyDesk;zoho-assist,DE:2026-03-01..2026-03-10;FR,h-9,2026-03-10,Leave`+"\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, ok := r.Person(" pf3abc12 ", noon)
	if !ok {
		t.Fatal("the serial is not found")
	}
	want := &fleetv1.Person{
		Id: "p-117", Country: "US", Region: "Ohio", TimeZone: "America/New_York", ShipTo: "US-OH", Role: "Engineer, platform",
		ApprovedTools: []string{"anydesk", "zoho-assist"}, TravelCountries: []string{"DE", "FR"}, Household: "h-9",
		Exempt: true, ExemptReason: "Leave", ExemptUntil: timestamppb.New(time.Date(2026, 3, 11, 4, 0, 0, 0, time.UTC)), WorkDays: []uint32{1, 2, 3, 5}, WorkStartMinute: ptr(510), WorkEndMinute: ptr(1020),
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("person (-want +got):\n%s", diff)
	}
	// The last day counts in the person's own zone, and no longer.
	for at, travelling := range map[string]bool{
		"2026-03-01T04:59:59Z": false, "2026-03-01T05:00:00Z": true,
		"2026-03-11T03:59:59Z": true, "2026-03-11T04:00:00Z": false,
	} {
		when, _ := time.Parse(time.RFC3339, at)
		p, _ := r.Person("PF3ABC12", when)
		if got := len(p.GetTravelCountries()) == 2; got != travelling {
			t.Errorf("%s: in Germany approved %v, want %v", at, got, travelling)
		}
	}
	if p, _ := r.Person("PF3ABC12", noon.AddDate(0, 0, 1)); p.GetExempt() {
		t.Error("the exemption did not end")
	}
}

func TestColumnsInAnyOrderAndFewer(t *testing.T) {
	t.Parallel()
	r, problems := parse(t, "\ufeffCountry,Serial\r\nDE,A1\r\n\r\nUS,\"B2\"\r\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if p, _ := r.Person("B2", noon); p.GetCountry() != "US" || r.Len() != 2 {
		t.Errorf("country %q of %d rows", p.GetCountry(), r.Len())
	}
}

// Spreadsheets write columns and rows that were used once, and people headings.
func TestWhatSpreadsheetsAdd(t *testing.T) {
	t.Parallel()
	r, problems := parse(t, "Serial,Time Zone,work-days,,\r\nA1,UTC,1-5,,\r\n,,,,\r\n , , , , \r\n")
	if p, _ := r.Person("A1", noon); len(problems) > 0 || r.Len() != 1 || p.GetTimeZone() != "UTC" || len(p.GetWorkDays()) != 5 {
		t.Errorf("%d rows, person %v, problems %v", r.Len(), p, problems)
	}
}

func TestBadRowsAreNamedAndTheRestCounts(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"unknown column", "serial,contry\nA1,US\n", `people.csv:1:8: unknown column "contry"`},
		{"column twice", "serial,country,country\nA1,US,US\n", "people.csv:1:16: the column \"country\" is there twice"},
		{"country", "serial,country\nB1,XX\nA1,US\n", `people.csv:2:4: country: "XX" is no ISO 3166-1`},
		{"zone", "serial,time_zone\nB1,Ohio/Columbus\nA1,UTC\n", `people.csv:2:4: time_zone: "Ohio/Columbus" is no IANA`},
		{"local zone", "serial,time_zone\nB1,Local\nA1,UTC\n", `people.csv:2:4: time_zone: "Local"`},
		{"day", "serial,work_days\nB1,mon-fry\nA1,mon\n", `people.csv:2:4: work_days: "fry"`},
		{"time", "serial,work_start\nB1,9.30\nA1,09:30\n", `people.csv:2:4: work_start: "9.30" is no time of day`},
		{"time past midnight", "serial,work_end\nB1,24:01\nA1,24:00\n", `people.csv:2:4: work_end:`},
		{"journey", "serial,approved_travel\nB1,DE:2026-01-01\nA1,\n", `people.csv:2:4: approved_travel:`},
		{"journey backwards", "serial,approved_travel\nB1,DE:2026-02-01..2026-01-01\nA1,\n", `ends before it begins`},
		{"date", "serial,exempt_until\nB1,31.12.2026\nA1,\n", `people.csv:2:4: exempt_until: "31.12.2026" is no date`},
		{"ship to", "serial,ship_to\nB1,Ohio\nA1,US\n", `people.csv:2:4: ship_to:`},
		{"tool", "serial,approved_tools\nB1,any desk\nA1,anydesk\n", `people.csv:2:4: approved_tools: the catalogue has no entry "any desk"`},
		{"tool that is misspelt", "serial,approved_tools\nB1,anydesk;anydask\nA1,anydesk\n", `people.csv:2:4: approved_tools: the catalogue has no entry "anydask"`},
		{"too few cells", "serial,country\nB1\nA1,US\n", "people.csv:2:1: the row has 1 cells, the header has 2"},
		{"too many cells", "serial,country\nB1,US,OH\nA1,US\n", "people.csv:2:7: the row has 3 cells, the header has 2"},
		{"no serial", "serial,country\n,US\nA1,US\n", "people.csv:2:1: serial: empty"},
		{"serial twice", "serial,country\nA1,US\na1,DE\n", `people.csv:3:1: serial: "a1" is already on line 2`},
		{"open quotation mark", "serial,country\n\"B1,US\nA1,US\n", "people.csv:2:"},
		{"line break in a cell", "serial,role\nB1,dev\"\nA1,p\n", `people.csv:2:7: the row is not valid CSV`},
		{"formula in a wide form", "serial,person\nB1,＝1\nA1,p\n", "people.csv:2:4: the cell begins with '＝'"},
		{"formula", "serial,person\nB1,=HYPERLINK(1)\nA1,p\n", "people.csv:2:4: the cell begins with '='"},
		{"control character", "serial,person\nB1,p\x1b[31m\nA1,p\n", "people.csv:2:4: the cell holds the control character U+001B"},
		{"direction override", "serial,person\nB1,p\u202eq\nA1,p\n", "U+202E"},
		{"not UTF-8", "serial,person\nB1,\xff\nA1,p\n", "people.csv:2:1: the line is not UTF-8"},
		{"endless line", "serial,person\nB1," + strings.Repeat("x", 100_000) + "\nA1,p\n", "people.csv:2:1: the line is longer"},
		{"long cell", "serial,role\nB1," + strings.Repeat("x", 200) + "\nA1,p\n", "people.csv:2:4: role: longer than 128 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, problems := parse(t, test.text)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), test.want) {
				t.Errorf("problems %v, want one with %q", problems, test.want)
			}
			if _, ok := r.Person("A1", noon); !ok {
				t.Error("the good row is lost")
			}
			if _, ok := r.Person("B1", noon); ok {
				t.Error("the bad row is there")
			}
		})
	}
}

// A cell with a line break spoils the lines that it is on and no other.
func TestLineBreakInACell(t *testing.T) {
	t.Parallel()
	r, problems := parse(t, "serial,role,country\nB1,\"dev\nops\",US\nA1,p,US\n")
	if _, ok := r.Person("A1", noon); !ok || r.Len() != 1 || len(problems) == 0 || problems[0].Line != 2 {
		t.Errorf("%d rows, problems %v", r.Len(), problems)
	}
}

// What spreadsheets call Unicode text is UTF-16; it is refused with what to do.
func TestUTF16(t *testing.T) {
	t.Parallel()
	_, problems, err := roster.Parse("people.csv", strings.NewReader("\xff\xfes\x00e\x00r\x00i\x00a\x00l\x00\n\x00"), known)
	if err == nil || !strings.Contains(err.Error(), "save the roster as UTF-8") {
		t.Errorf("problems %v, error %v", problems, err)
	}
}

// Part of a row that means nothing is named, and the row counts without it.
func TestReasonWithoutEnd(t *testing.T) {
	t.Parallel()
	r, problems := parse(t, "serial,exempt_until,exempt_reason\nA1,,On leave\n")
	if len(problems) != 1 || !problems[0].Counts || problems[0].Error() != "people.csv:2:5: exempt_reason: a reason without exempt_until exempts nobody; the row counts without it" {
		t.Errorf("problems %v", problems)
	}
	if p, ok := r.Person("A1", noon); !ok || p.GetExempt() {
		t.Errorf("person %v, there %t", p, ok)
	}
}

func TestHeaderThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\n", "person,country\np,US\n", "\"serial\nA1\n"} {
		_, _, err := roster.Parse("people.csv", strings.NewReader(text), known)
		if err == nil || !strings.Contains(err.Error(), "people.csv:1:") {
			t.Errorf("%q: error %v, want one with its place", text, err)
		}
	}
}

func TestNoRoster(t *testing.T) {
	t.Parallel()
	var r *roster.Roster
	if _, ok := r.Person("A1", noon); ok || r.Len() != 0 {
		t.Error("a roster that is not there knows somebody")
	}
}

func TestRealExport(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join("testdata", "export.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, problems, err := roster.Parse("export.csv", f, known)
	if err != nil || len(problems) > 0 || r.Len() != 4 {
		t.Fatalf("%d rows, problems %v, error %v", r.Len(), problems, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(header + "A1,p,US,OH,America/New_York,US-OH,mon-fri,09:00,17:00,dev,anydesk,DE:2026-01-01..2026-02-01,h,2026-12-31,why\n")
	f.Add("serial,country\r\nA1,\"US\"\r\n\"B")
	f.Add("\ufeffserial\nA\n\x00\n=1\n")
	f.Add("\ufeffsep=;\r\nserial;country\r\nA1;US\r\n")
	f.Add("sep=\nsep=,\nserial\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, problems, err := roster.Parse("f", strings.NewReader(text), known)
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Reason == "" {
				t.Errorf("problem without a place: %+v", p)
			}
		}
		if err != nil {
			return
		}
		good := r.Len()
		if lines := strings.Count(text, "\n") + 1; good+1 > lines {
			t.Errorf("%d rows from %d lines", good, lines)
		}
		roundTrip(t, r)
	})
}

// Beside a catalogue that changes a tool that is not known is named with its place and
// costs its row nothing else; whatever else is wrong still costs the row.
func TestBesideChange(t *testing.T) {
	t.Parallel()
	text := "serial,country,approved_tools\nA1,US,anydesk;anydask;Zoho-Assist\nB1,XX,anydask\nC1,DE,anydask\n"
	f, problems, err := roster.Read("people.csv", strings.NewReader(text), known, true)
	if err != nil || len(problems) != 4 || f.Laptops.Len() != 2 {
		t.Fatalf("%d rows, problems %v, error %v", f.Laptops.Len(), problems, err)
	}
	if first := problems[0]; !first.Counts || !strings.Contains(first.Error(), `people.csv:2:7: approved_tools: the catalogue has no entry "anydask"`) {
		t.Errorf("problem %v, counts %t", first, first.Counts)
	}
	counting := 0
	for _, p := range problems {
		if p.Counts {
			counting++
		}
	}
	if counting != 2 {
		t.Errorf("%d of the problems leave the row, want 2: %v", counting, problems)
	}
	for serial, want := range map[string][]string{"A1": {"anydesk", "zoho-assist"}, "C1": nil} {
		if p, ok := f.Laptops.Person(serial, noon); !ok || !slices.Equal(p.GetApprovedTools(), want) {
			t.Errorf("%s: there %t, approved %v, want %v", serial, ok, p.GetApprovedTools(), want)
		}
	}
}

// A spreadsheet that is told what separates cells, by a line before the header, is read by
// that, also where the header has something else.
func TestSeparatorLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sep=;\r\nserial;person;country\r\nA1;p, 1;US\r\n":     "p, 1 US",
		"\ufeffSEP=\t\nserial\tperson\tcountry\nA1\tp;1\tUS\n": "p;1 US",
		"sep=,\nserial,person,country\nA1,p1,US\n":             "p1 US",
		"sep=|\nserial|person|country\nA1|p1|US\n":             "f.csv:1:5: cells are separated by commas, semicolons or tabs",
		"sep=;\n":                       "f.csv:1:1: the roster is empty",
		"sep=;\nsep=;\nserial;person\n": "f.csv:2:1: the header has no column serial",
		"sep=;\nserial;person;country\nA1;\"p\"1;US\nA1;p2;DE\n": "p2 DE",
	} {
		got, problems, err := roster.Parse("f.csv", strings.NewReader(text), known)
		said := ""
		if p, ok := got.Person("A1", time.Now()); ok {
			said = p.GetId() + " " + p.GetCountry()
		}
		if err != nil {
			said = err.Error()
		}
		if !strings.HasPrefix(said, want) {
			t.Errorf("%q: %s, want %s; problems %v", text, said, want, problems)
		}
	}
}
