package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// drivenLines are of a laptop that a tool controls all day on the eight days from 2 March
// on.
func drivenLines(tool string) string {
	var lines strings.Builder
	begin := time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)
	for day := range 8 {
		at := begin.AddDate(0, 0, day)
		var windows []string
		for h := range 8 {
			windows = append(windows, fmt.Sprintf(`{"started_at":%q,"seconds":3600,"active_seconds":3000,"control_known":true,"input":{"injected":2000},"control":[{"tool":%q,"seconds":3600}]}`,
				at.Add(time.Duration(h)*time.Hour).Format(time.RFC3339), tool))
		}
		software := ""
		if day == 0 {
			software = fmt.Sprintf(`"system":{"serial":"A1"},"software":{"tools":[{"id":%q,"installed":true,"running":true}]},`, tool)
		}
		end := at.Add(8 * time.Hour).Format(time.RFC3339)
		fmt.Fprintf(&lines, `{"observed_at":%q,"device":"a","serial":"A1","report":{"observed_at":%q,%s"windows":[%s]}}`+"\n", end, end, software, strings.Join(windows, ","))
	}
	return lines.String()
}

// A replay takes every form of roster, and what it says holds by the time of the lines:
// approvals and exemptions end on their day whenever the replay is run.
func TestReplayGoesByTheRosterOfItsTime(t *testing.T) {
	t.Parallel()
	tool := func(what string) string {
		return `{"laptops": [{"serial": "A1", "person": "p"}], "approved_tools": [{"name": "x", "owner": "IT", ` + what + `}]}`
	}
	const (
		weighs = "session_share"
		exempt = "The person is exempt until"
	)
	for name, x := range map[string]struct {
		file, text   string
		says, silent string
		clear        bool
	}{
		"nothing said":                {"r.csv", "serial,person\nA1,p\n", weighs, exempt, false},
		"approved for the person":     {"r.csv", "serial,approved_tools\nA1,anydesk\n", "controlled through approved tools", weighs, true},
		"approved in JSON":            {"r.json", `[{"serial": "A1", "approved_tools": ["anydesk"]}]`, "controlled through approved tools", weighs, true},
		"approved for the company":    {"r.json", tool(`"tool": "anydesk", "until": "2026-03-31"`), "approved tools (x of IT) for 100 %", weighs, true},
		"approved by its signer":      {"r.json", tool(`"signer": "AnyDesk Software GmbH", "until": "2026-03-31"`), "approved tools (x of IT)", weighs, true},
		"of an unknown signer":        {"r.json", tool(`"signer": "Somebody", "until": "2026-03-31"`), weighs, "approved tools", false},
		"another tool":                {"r.json", tool(`"tool": "screenconnect", "until": "2026-03-31"`), weighs, "approved tools", false},
		"approved until the fourth":   {"r.json", tool(`"tool": "anydesk", "until": "2026-03-04"`), weighs, "through approved tools", false},
		"approved a month before":     {"r.json", tool(`"tool": "anydesk", "until": "2026-02-01"`), weighs, "approved tools", false},
		"exempt until after the end":  {"r.csv", "serial,exempt_until,exempt_reason\nA1,2026-03-31,red team\n", exempt + ` 1 Apr 2026 00:00 UTC ("red team")`, "near_certain.", false},
		"exempt until before the end": {"r.csv", "serial,exempt_until,exempt_reason\nA1,2026-03-05,red team\n", weighs, exempt, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), x.file)
			if err := os.WriteFile(path, []byte(x.text), 0o600); err != nil {
				t.Fatal(err)
			}
			book, problems, err := ReadRoster(path, Knows(nil))
			if err != nil || slices.ContainsFunc(problems, func(p roster.Problem) bool { return !p.Counts }) {
				t.Fatal(problems, err)
			}
			r := Replay{Rooms: rooms(t)}
			r.Rooms.Roster, r.Rooms.Book = book, book
			all, lines, err := r.Run(t.Context(), "lines", strings.NewReader(drivenLines("anydesk")))
			if err != nil || len(lines) > 0 || len(all) != 1 {
				t.Fatalf("%d assessments, %v, %v", len(all), lines, err)
			}
			a := all[0]
			said := []string{a.GetQuestions().GetRemote().GetSentence()}
			said = append(append(said, a.GetUnknown()...), a.GetWouldChange()...)
			for _, e := range a.GetEvidence() {
				said = append(said, e.GetSignal())
			}
			words := strings.Join(said, "\n")
			if !strings.Contains(words, x.says) || strings.Contains(words, x.silent) || (a.GetVerdict() == "clear") != x.clear {
				t.Errorf("%s; want %q and no %q:\n%s", a.GetVerdict(), x.says, x.silent, words)
			}
		})
	}
}

// A folder is one roster; what two files say of one laptop is named.
func TestReadRosterFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.csv"), "serial,country\nA1,US\n")
	put(t, filepath.Join(dir, "b.json"), "[{\"serial\": \"B1\"},\n{\"serial\": \"a1\", \"country\": \"DE\"}]")
	book, problems, err := ReadRoster(dir, Knows(nil))
	if err != nil || book.Len() != 2 || len(problems) != 1 || !strings.HasSuffix(problems[0].Error(), `b.json:2:1: serial: "A1" is already in `+filepath.Join(dir, "a.csv")+", line 2, which counts") {
		t.Errorf("%d laptops, problems %v, %v", book.Len(), problems, err)
	}
	if p, _ := book.Person("A1", time.Now()); p.GetCountry() != "US" {
		t.Errorf("the second file counts: %v", p)
	}
}
