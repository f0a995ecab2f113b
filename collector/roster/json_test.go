package roster_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/roster"
)

func read(t *testing.T, text string) (*roster.File, []roster.Problem) {
	t.Helper()
	f, problems, err := roster.Read("r.json", strings.NewReader(text), known, false)
	if err != nil {
		t.Fatal(err)
	}
	return f, problems
}

const document = `{
  "laptops": [
    {"serial": "PF3ABC12", "country": "us", "work-days": [1, "tue"],
     "Approved Travel": [{"country": "DE", "from": "2026-03-01", "to": "2026-03-10"}, {"country": "FR"}],
     "approved_tools": "anydesk", "exempt_until": "2026-12-31", "exempt_reason": "Leave"},
    {"serial": 4711, "person": null}
  ],
  "approved_tools": [
    {"name": "help-desk", "tool": "screenconnect", "tenants": ["acme-tenant"], "owner": "IT, Ann", "until": "2027-12-31"},
    {"name": "signed", "signer": "AnyDesk Software GmbH", "owner": "IT", "until": "2027-12-31"}
  ],
  "offices": [
    {"name": "columbus", "country": "US", "time_zone": "America/New_York", "networks": ["192.0.2.7/24", "2001:db8::/48"]},
    {"name": "vpn", "kind": "network", "networks": "198.51.100.0/24"}
  ]
}`

func TestJSONSaysWhatCSVSays(t *testing.T) {
	t.Parallel()
	f, problems := read(t, document)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	same, _ := parse(t, "serial,country,work_days,approved_travel,approved_tools,exempt_until,exempt_reason\n"+
		"pf3abc12,US,mon-tue,DE:2026-03-01..2026-03-10;FR,AnyDesk,2026-12-31,Leave\n4711,,,,,,\n")
	if diff := cmp.Diff(same.Rows(), f.Laptops.Rows()); diff != "" || same.Version() != f.Laptops.Version() {
		t.Errorf("rows (-CSV +JSON):\n%s", diff)
	}
	wantTools := []roster.Tool{
		{Name: "help-desk", ID: "screenconnect", Tenants: []string{"acme-tenant"}, Owner: "IT, Ann", Until: "2027-12-31"},
		{Name: "signed", Signer: "AnyDesk Software GmbH", Owner: "IT", Until: "2027-12-31"},
	}
	wantOffices := []roster.Office{
		{Name: "columbus", Kind: "office", Country: "US", TimeZone: "America/New_York", Networks: []string{"192.0.2.0/24", "2001:db8::/48"}},
		{Name: "vpn", Kind: "network", Networks: []string{"198.51.100.0/24"}},
	}
	if diff := cmp.Diff(wantTools, f.Tools) + cmp.Diff(wantOffices, f.Offices); diff != "" {
		t.Errorf("tools and offices (-want +got):\n%s", diff)
	}
	if end := f.Tools[0].End(); !end.Equal(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the approval ends at %s, want after its last day", end)
	}
}

func TestBadJSONRowsAreNamedAndTheRestCounts(t *testing.T) {
	t.Parallel()
	row := func(bad string) string { return "[\n  " + bad + ",\n  {\"serial\": \"A1\"}\n]" }
	tools := func(bad string) string {
		return "{\"laptops\": [{\"serial\":\"A1\"}],\n \"approved_tools\": [" + bad + "]}"
	}
	offices := func(bad string) string { return "{\"laptops\": [{\"serial\":\"A1\"}],\n \"offices\": [" + bad + "]}" }
	for name, test := range map[string]struct{ text, want string }{
		"country":             {row(`{"serial": "B1", "country": "XX"}`), `r.json:2:31: country: "XX" is no ISO 3166-1`},
		"no serial":           {row(`{"country": "US"}`), "r.json:2:3: serial: empty"},
		"no object":           {row(`"B1"`), "r.json:2:3: expected an object"},
		"truth value":         {row(`{"serial": "B1", "role": true}`), "r.json:2:28: role: expected a word"},
		"list of lists":       {row(`{"serial": "B1", "approved_tools": [["anydesk"]]}`), "r.json:2:38: approved_tools: a list holds words"},
		"semicolon in a word": {row(`{"serial": "B1", "approved_tools": ["anydesk;zoho-assist"]}`), "without semicolons"},
		"journey without end": {row(`{"serial": "B1", "approved_travel": [{"country": "DE", "from": "2026-03-01"}]}`), `r.json:2:39: approved_travel: "DE:2026-03-01..": expected a journey`},
		"control character":   {row(`{"serial": "B1", "role": "a\u001b[31m"}`), "U+001B"},
		"formula":             {row(`{"serial": "B1", "role": "=1"}`), `r.json:2:28: role: the cell begins with '='`},
		"serial twice":        {`[{"serial": "A1"},` + "\n" + `{"serial": "a1"}]`, `r.json:2:12: serial: "a1" is already on line 1`},
		"tool not known":      {tools(`{"name": "x", "tool": "nonesuch", "owner": "IT", "until": "2027-01-01"}`), `r.json:2:43: tool: the catalogue has no entry "nonesuch"`},
		"no owner":            {tools(`{"name": "x", "tool": "anydesk", "until": "2027-01-01"}`), `r.json:2:21: owner: empty`},
		"no end":              {tools(`{"name": "x", "tool": "anydesk", "owner": "IT"}`), `until: "" is no date`},
		"tool and signer":     {tools(`{"name": "x", "tool": "anydesk", "signer": "s", "owner": "IT", "until": "2027-01-01"}`), "not both"},
		"neither":             {tools(`{"name": "x", "owner": "IT", "until": "2027-01-01"}`), "names a tool of the catalogue or a signer"},
		"tenant of a signer":  {tools(`{"name": "x", "signer": "s", "tenants": ["t"], "owner": "IT", "until": "2027-01-01"}`), "those of one tool"},
		"odd name":            {tools(`{"name": "Help Desk", "tool": "anydesk", "owner": "IT", "until": "2027-01-01"}`), "r.json:2:30: name: a name is of small letters"},
		"bad network":         {offices(`{"name": "x", "networks": ["192.0.2.0"]}`), `r.json:2:40: networks: "192.0.2.0" is no network`},
		"half the internet":   {offices(`{"name": "x", "networks": ["0.0.0.0/1"]}`), "more of the internet than a company has"},
		"mapped":              {offices(`{"name": "x", "networks": ["::ffff:0.0.0.0/90"]}`), "part of IPv4 and more"},
		"no network":          {offices(`{"name": "x"}`), "an office is known by its networks"},
		"kind":                {offices(`{"name": "x", "kind": "shed", "networks": ["192.0.2.0/24"]}`), `"shed" is neither office nor network`},
		"unknown part":        {`{"laptops": [{"serial":"A1"}],` + "\n" + `"people": []}`, `r.json:2:1: unknown part "people"`},
		"part that is none":   {`{"laptops": [{"serial":"A1"}], "offices": {}}`, "offices is no list"},
		"part twice":          {`{"laptops": [{"serial":"A1"}], "laptops": []}`, `"laptops" is there twice; the first counts`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, problems := read(t, test.text)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), test.want) {
				t.Errorf("problems %v, want one with %q", problems, test.want)
			}
			if _, ok := f.Laptops.Person("A1", noon); !ok || f.Laptops.Len() != 1 || len(f.Tools)+len(f.Offices) > 0 {
				t.Errorf("%d laptops, the good one %t, %d tools, %d offices", f.Laptops.Len(), ok, len(f.Tools), len(f.Offices))
			}
		})
	}
	// What is unknown or double costs its row nothing else.
	for text, want := range map[string]string{
		`[{"serial": "A1", "contry": "US"}]`:                   `r.json:1:19: unknown field "contry"`,
		`[{"serial": "A1", "country": "US", "Country": "DE"}]`: `r.json:1:36: "country" is there twice; the first counts`,
	} {
		f, problems := read(t, text)
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), want) || f.Laptops.Len() != 1 {
			t.Errorf("%s: problems %v, want one with %q; %d laptops", text, problems, want, f.Laptops.Len())
		}
	}
}

func TestJSONThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[\n{\"serial\": \"A1\"},\n{\"serial\" \"B1\"}\n]": "r.json:3:11: not valid JSON",
		"[{\"serial\": \"A1\"}":                            "r.json:1:18: not valid JSON (the document ends too early)",
		"{broken":                                          "r.json:1:2: not valid JSON",
		"[1 2]":                                            "r.json:1:4: not valid JSON",
		`[{"a":tru}]`:                                      "r.json:1:7: not valid JSON",
		"[\n1,\n]":                                         "r.json:3:1: not valid JSON",
		"[]\n[]":                                           "something follows",
		"[\n\"\xff\"]":                                     "r.json:2:2: the text is not UTF-8",
		"[[[[[[[1]]]]]]]":                                  "deeper than 5",
		"{":                                                "ends too early",
	} {
		_, _, err := roster.Read("r.json", strings.NewReader(text), known, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	f.Add(document)
	f.Add(`[{"serial":"A"},{"serial":"a","x":[1,{"y":null}]},{"SERIAL":1e9}]`)
	f.Add("\ufeff{\"offices\":[{\"name\":\"x\",\"networks\":[\"::ffff:1.2.3.4/120\"]}],\"offices\":0}")
	f.Fuzz(func(t *testing.T, text string) {
		file, problems, err := roster.Read("f", strings.NewReader("["+text), known, false)
		if err != nil {
			file, problems, err = roster.Read("f", strings.NewReader("{"+text), known, false)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Reason == "" {
				t.Errorf("problem without a place: %+v", p)
			}
		}
		if err != nil {
			return
		}
		storedAndBack(t, file)
	})
}

// What is stored is had again, and nothing changes by importing the same.
func storedAndBack(t *testing.T, f *roster.File) {
	t.Helper()
	records := f.Records()
	for _, r := range records {
		if !json.Valid([]byte(r.Body)) {
			t.Errorf("the body of %s %q is no JSON: %s", r.Kind, r.Key, r.Body)
		}
	}
	again, problems := roster.Restore("stored", records, known)
	if len(problems) > 0 {
		t.Errorf("what was stored cannot be used: %v", problems)
	}
	if diff := cmp.Diff(records, again.Records()); diff != "" {
		t.Errorf("records (-stored +had again):\n%s", diff)
	}
	if one, two := roster.NewBook(f).Version(), roster.NewBook(again).Version(); one != two {
		t.Errorf("versions %s and %s of one book", one, two)
	}
	if changes := roster.Diff(records, again, false); len(changes) > 0 {
		t.Errorf("importing the same changes %v", changes)
	}
}

func TestStoredAndBack(t *testing.T) {
	t.Parallel()
	f, _ := read(t, document)
	storedAndBack(t, f)
}
