package roster_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/roster"
)

func TestVersionNamesWhatARosterSays(t *testing.T) {
	t.Parallel()
	same, _ := parse(t, "serial,country,work_days,exempt_until\nA1,US,mon-wed,2026-03-01T02:00:00+02:00\nB2,DE,,\n")
	again, _ := parse(t, "\ufeffCountry;Serial;exempt_until;work_days\r\nde;b2;;\r\nus;a1;2026-03-01T00:00:00Z;\"Monday;tue;wed\"\r\n")
	if same.Version() == "" || same.Version() != again.Version() {
		t.Errorf("two spellings of one roster have the versions %q and %q", same.Version(), again.Version())
	}
	other, _ := parse(t, "serial,country\nA1,US\nB2,FR\n")
	if other.Version() == same.Version() {
		t.Error("two rosters have one version")
	}
	var none *roster.Roster
	if none.Version() != "" {
		t.Error("no roster has a version")
	}
}

// What is written is read again as it was.
func roundTrip(t *testing.T, r *roster.Roster) {
	t.Helper()
	var written bytes.Buffer
	if err := roster.WriteCSV(&written, r.Rows()); err != nil {
		t.Fatal(err)
	}
	again, problems, err := roster.Parse("again", bytes.NewReader(written.Bytes()), known)
	if err != nil || len(problems) > 0 {
		t.Fatalf("what was written cannot be read: %v %v\n%s", problems, err, written.String())
	}
	if diff := cmp.Diff(r.Rows(), again.Rows()); diff != "" || again.Version() != r.Version() {
		t.Errorf("rows (-written +read):\n%s", diff)
	}
}

func TestExportIsReadAgain(t *testing.T) {
	t.Parallel()
	r, _ := parse(t, header+
		`PF3ABC12,p-117,us,Ohio,America/New_York,US-OH,mon-wed;FRI,8:30,17:00,"Engineer, ""platform""",AnyDesk;zoho-assist,DE: 2026-03-01 .. 2026-03-10;FR,h-9,2026-03-10,Leave`+"\n"+
		"b2,,,,,,,,,,,,,2026-03-10T12:30:15.5Z,\n")
	roundTrip(t, r)
	want := "PF3ABC12,p-117,US,Ohio,America/New_York,US-OH,mon;tue;wed;fri,08:30,17:00,Engineer, \"platform\",anydesk;zoho-assist,DE:2026-03-01..2026-03-10;FR,h-9,2026-03-10,Leave"
	rows := r.Rows()
	slices.SortFunc(rows, func(a, b roster.Row) int { return -strings.Compare(a.Serial, b.Serial) })
	if got := strings.Join(rows[0].Cells(), ","); got != want {
		t.Errorf("row\n%s\nwant\n%s", got, want)
	}
}

func TestPersonOfABody(t *testing.T) {
	t.Parallel()
	for _, row := range []roster.Row{
		{Serial: "A1", Person: "p-1", Country: "US"}, {Serial: "A1"}, {Serial: "A1", Person: `O"Neil \ <p>`}, {Serial: "A1", Person: "Ünal"},
		{Serial: `"person":"x"`, Role: `\"person\":\"x`}, {Serial: `"person":"`, Person: "p-2", Role: `"person":"x"`},
	} {
		if got := roster.PersonOf(row.Record().Body); got != row.Person {
			t.Errorf("person %q, want %q: %s", got, row.Person, row.Record().Body)
		}
	}
	for _, damaged := range []string{"", "{", `{"person":"`, `{"person":"a\`, `{"person":"a\"`, `{"person":`} {
		if got := roster.PersonOf(damaged); got != "" {
			t.Errorf("%q has the person %q", damaged, got)
		}
	}
}
