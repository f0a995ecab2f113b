package lolrmm_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/lolrmm"
	"github.com/farmhound-security/farmhound/proto/catalog/sighting"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
)

var update = flag.Bool("update", false, "write golden files")

// imported maps a list and compiles it beside the built-in entries.
func imported(t testing.TB, text []byte) (*lolrmm.Report, *catalog.Catalog) {
	t.Helper()
	tools, err := lolrmm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	report := lolrmm.Import(tools, catalog.BuiltIn())
	var bundle bytes.Buffer
	for _, e := range report.PerEntry {
		one, err := e.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if one != nil {
			fmt.Fprintf(&bundle, "---\n%s", one)
		}
	}
	compiled, err := source.Compile(source.Files(), fstest.MapFS{"list.yaml": {Data: bundle.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := catalog.Encode(compiled)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := catalog.Load(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return report, loaded
}

// The report names what became of every value; entries in the readable form stand
// behind it.
func TestImport(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	report, _ := imported(t, text)
	got, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	all.Write(got)
	for _, e := range report.PerEntry {
		one, err := e.YAML()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "\n---\n%s", one)
	}
	golden := filepath.Join("testdata", "import.golden")
	if *update {
		if err := os.WriteFile(golden, all.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Error(diff)
	}
}

// An imported entry adds facts to one of one's own and decides nothing else.
func TestOwnEntryDecides(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	_, loaded := imported(t, text)
	before, _ := catalog.BuiltIn().Entry("anydesk")
	after, ok := loaded.Entry("anydesk")
	if !ok || after.GetCategory() != before.GetCategory() || after.GetSession() != before.GetSession() || len(after.GetFacts()) != len(before.GetFacts())+1 {
		t.Errorf("%d facts became %d", len(before.GetFacts()), len(after.GetFacts()))
	}
}

// What everybody's computer has is nothing alone, whatever a list says.
func TestTraps(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	_, loaded := imported(t, text)
	assertWeak(t, loaded)
}

func assertWeak(t *testing.T, c *catalog.Catalog) {
	t.Helper()
	reader := sighting.New(c)
	for kind, values := range map[string]string{
		"process": "dwm.exe Teams.exe setup.exe 7z.exe connect.exe agent.exe installer.exe mstsc.exe plink.exe putty.exe rd.exe",
		"domain":  "github.com *.zoho.com accounts.zoho.com raw.githubusercontent.com",
	} {
		for value := range strings.FieldsSeq(values) {
			result, complaints := reader.Line(1, fmt.Appendf(nil, `{"os":"windows","facts":[{"kind":%q,"value":%q}]}`, kind, value))
			if result == nil {
				t.Fatal(complaints)
			}
			for _, m := range result.Matches {
				if m.Strength != "weak" {
					t.Errorf("%s alone is %s for %s", value, m.Strength, m.ID)
				}
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "empty",
		"[1]":                       "no tool",
		`[{"Category":"RMM"}]`:      "without a Name",
		"[{":                        "not JSON",
		"Name: a\nB: &x c\nD: *x\n": "aliases",
		"Name: [\n":                 "not YAML",
	} {
		if _, err := lolrmm.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	tools, err := lolrmm.Parse([]byte("Name: A\nDetails:\n  InstallationPaths: [a.exe]\n---\nName: B\n"))
	if err != nil || len(tools) != 2 || len(tools[0].Paths) != 1 {
		t.Errorf("two documents: %v %v", tools, err)
	}
}

// listVariable names a copy of the published list (rmm_tools.json), which is no part of
// this project; without it a list of our own in the same form, of tools that
// everybody knows, is asked.
const listVariable = "FARMHOUND_TEST_LOLRMM"

// Of a list nearly everything that somebody comes in through is found by what it
// publishes, on the forms in which it is seen.
func TestWhatAListPublishesIsFound(t *testing.T) {
	t.Parallel()
	path, published := os.LookupEnv(listVariable)
	least := 200
	if !published {
		path, least = "testdata/known.json", 12
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	report, loaded := imported(t, text)
	assertWeak(t, loaded)
	for name, c := range map[string]struct {
		catalog *catalog.Catalog
		least   float64
	}{"imported": {loaded, 0.95}, "built-in": {catalog.BuiltIn(), 0.70}} {
		found, all, missed := recall(t, text, report, c.catalog)
		t.Logf("%s: %d of %d inbound tools found; missed: %s", name, found, all, strings.Join(missed, ", "))
		if all < least || float64(found) < c.least*float64(all) {
			t.Errorf("%s: %d of %d", name, found, all)
		}
	}
	if len(loaded.Entries()) > 2000 {
		t.Errorf("%d entries", len(loaded.Entries()))
	}
}

// recall asks for every inbound tool by what it publishes, as it would be seen.
func recall(t *testing.T, text []byte, report *lolrmm.Report, c *catalog.Catalog) (found, all int, missed []string) {
	t.Helper()
	inbound := map[string]bool{}
	for _, e := range report.PerEntry {
		for _, tool := range e.Tools {
			inbound[tool] = e.Inbound
		}
	}
	tools, err := lolrmm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	reader := sighting.New(c)
	for i := range tools {
		facts := seen(&tools[i])
		if !inbound[tools[i].Name] || len(facts) == 0 {
			continue
		}
		all++
		if isFound(t, reader, facts) {
			found++
		} else {
			missed = append(missed, tools[i].Name)
		}
	}
	return found, all, missed
}

type observed struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// seen makes of a tool's published values what somebody would note: wildcards filled,
// folders of a user, names below a domain.
func seen(t *lolrmm.Tool) map[string][]observed {
	fill := strings.NewReplacer(`\\`, `\`, `\Users\*\`, `\Users\bob\`, "*", "7a")
	facts := map[string][]observed{}
	for _, v := range append(t.Paths, t.Programs...) {
		if strings.Count(v.Text, " ") > 6 {
			continue
		}
		os, kind, value := "windows", "process", v.Text
		if strings.HasPrefix(value, "/") {
			os = "linux"
		}
		if strings.HasPrefix(value, "/Applications") || strings.HasPrefix(value, "/Library") {
			os = "macos"
		}
		if rest, anywhere := strings.CutPrefix(value, `*\`); anywhere {
			value = `C:\Program Files\` + rest
		}
		if strings.ContainsAny(value, `/\`) {
			kind = "path"
		} else if !strings.HasSuffix(strings.ToLower(value), ".exe") {
			continue
		}
		facts[os] = append(facts[os], observed{kind, fill.Replace(value)})
	}
	for _, v := range t.Domains {
		if rest, wild := strings.CutPrefix(v.Text, "*."); wild {
			facts["windows"] = append(facts["windows"], observed{"domain", "eu1." + rest})
		} else if strings.Contains(v.Text, ".") && !strings.ContainsAny(v.Text, "<[ ") {
			facts["windows"] = append(facts["windows"], observed{"domain", fill.Replace(v.Text)})
		}
	}
	return facts
}

func isFound(t *testing.T, reader *sighting.Reader, facts map[string][]observed) bool {
	t.Helper()
	for os, list := range facts {
		line, err := json.Marshal(map[string]any{"os": os, "facts": list})
		if err != nil {
			t.Fatal(err)
		}
		result, _ := reader.Line(1, line)
		if result != nil && len(result.Matches) > 0 && result.Matches[0].Strength != "weak" {
			return true
		}
	}
	return false
}

// Whatever the list holds, what is made of it passes the lint or the list is refused.
func FuzzImport(f *testing.F) {
	text, err := os.ReadFile("testdata/list.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("Name: A\nDetails:\n  InstallationPaths: ['C:\\Program Files\\A\\*', '*\\a*b*.exe', '/opt/*/x', ~]\n"))
	f.Add([]byte(`{"Name":"x","Artifacts":{"Network":[{"Domains":["*.*","a..b",5],"Ports":[0,-1,"x"]}],"Registry":[{"Path":"\\Uninstall\\*"}]}}`))
	f.Add([]byte(`[{"Name":"\u0000","Details":[]}]`))
	known := catalog.BuiltIn()
	f.Fuzz(func(t *testing.T, text []byte) {
		tools, err := lolrmm.Parse(text)
		if err != nil {
			return
		}
		var bundle bytes.Buffer
		entries := 0
		for _, e := range lolrmm.Import(tools, known).PerEntry {
			one, err := e.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if one != nil {
				entries++
				fmt.Fprintf(&bundle, "---\n%s", one)
			}
		}
		if entries == 0 {
			return
		}
		if _, err := source.Compile(fstest.MapFS{"list.yaml": {Data: bundle.Bytes()}}); err != nil {
			t.Errorf("%v\n%s", err, bundle.String())
		}
	})
}
