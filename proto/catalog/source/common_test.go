package source

import (
	"strings"
	"testing"
	"testing/fstest"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// What ordinary computers carry is never more than weak, in whatever spelling.
func TestTooCommon(t *testing.T) {
	t.Parallel()
	cases := []struct {
		kind, value string
		common      bool
	}{
		{"process", "DWM.exe", true},
		{"process", "Teams.exe", true},
		{"process", "connect.exe", true},
		{"process", "agent.exe", true},
		{"process", "team*.exe", true}, // covers teams.exe
		{"process", "rv.exe", true},
		{"process", "gnome-remote-desktop-daemon", true},
		{"process", "rustdesk.exe", false},
		{"session_process", "explorer.exe", true},
		{"service", "TermService", true},
		{"service", "ssh-agent.service", true},
		{"service", "Senso*", true}, // covers sensorservice
		{"service", "SensoService", false},
		{"domain", "github.com", true},
		{"domain", "*.zoho.com", true},
		{"domain", "assist.zoho.com", false},
		{"port", "443", true},
		{"port", "5938", false},
		{"signer", "Microsoft Corporation", true},
		{"product_name", "Microsoft® Windows® Operating System", true},
		{"original_filename", "setup.exe", true},
		{"path", `C:\Program Files\Google\`, true},
		{"path", `C:\Program Files\Google\Chrome Remote Desktop\`, false},
		{"path", "/opt/teamviewer/", false},
		{"interface", "tun0", true},
	}
	for _, c := range cases {
		kind := farmhoundv1.FactKind(farmhoundv1.FactKind_value["FACT_KIND_"+strings.ToUpper(c.kind)])
		if got := TooCommon(&farmhoundv1.Fact{Kind: kind, Value: c.value}); (got != "") != c.common {
			t.Errorf("%s %s: %q", c.kind, c.value, got)
		}
	}
}

// Facts that everybody has support another one and are no match among themselves.
func TestCommonFacts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{value: systemd, common: true}":                         "can never match",
		"{value: systemd, common: true}]\n      port: [\"4321\"": "",
	} {
		file := strings.Replace(strings.Replace(good, "    identifying:\n      process: [toolthing]\n", "", 1), `port: ["4321"]`, "process: ["+text+"]", 1)
		got := strings.Join(complain(map[string]string{"tool.yaml": file}), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %s", text, got)
		}
	}
	weak := strings.Replace(good, "[toolthing]", "[{value: toolthing, common: true}]", 1)
	if got := complain(map[string]string{"tool.yaml": weak}); len(got) != 1 || !strings.Contains(got[0], "only a supporting fact can be common") {
		t.Errorf("an identifying common fact: %q", got)
	}
}

// What lets nobody in gives no session, and need not match.
func TestLetsNobodyIn(t *testing.T) {
	t.Parallel()
	client := strings.NewReplacer("category: tunnel", "category: operator-client", "identifying:\n      process: [toolthing]\n    supporting", "weak").Replace(good)
	if got := complain(map[string]string{"tool.yaml": client}); got != nil {
		t.Errorf("a client: %q", got)
	}
	if got := complain(map[string]string{"tool.yaml": client + "session: desktop\n"}); len(got) != 1 || !strings.Contains(got[0], "lets nobody in") {
		t.Errorf("a client with sessions: %q", got)
	}
}

// An imported entry adds to one's own of the same id, wherever it stands, and gives
// way where a fact identifies somebody else.
func TestMerge(t *testing.T) {
	t.Parallel()
	list := `---
id: tool
name: Wrong
category: rmm
origin: list
facts:
  linux:
    identifying: {process: [toolthing, toolextra]}
    weak: {port: ["4321"]}
references: [https://example.com]
---
id: second
name: Second
category: rmm
origin: list
facts:
  linux:
    identifying: {process: [toolthing, secondthing]}
references: [https://example.com]
`
	own := fstest.MapFS{"tool.yaml": {Data: []byte(good)}}
	imported := fstest.MapFS{"list.yaml": {Data: []byte(list)}}
	for _, layers := range [][]fstest.MapFS{{own, imported}, {imported, own}} {
		c, err := Compile(layers[0], layers[1])
		if err != nil {
			t.Fatal(err)
		}
		if len(c.GetEntries()) != 2 {
			t.Fatalf("%d entries", len(c.GetEntries()))
		}
		second, tool := c.GetEntries()[0], c.GetEntries()[1]
		if tool.GetName() != "Tool" || tool.GetCategory() != farmhoundv1.Category_CATEGORY_TUNNEL || len(tool.GetFacts()) != 3 {
			t.Errorf("our own became %v", tool)
		}
		if second.GetFacts()[0].GetStrength() != farmhoundv1.Strength_STRENGTH_SUPPORTING || second.GetFacts()[1].GetStrength() != farmhoundv1.Strength_STRENGTH_IDENTIFYING {
			t.Errorf("the other became %v", second)
		}
	}
}

// A wildcard of a program's name stands for what changes, and for nothing short.
func TestProcessWildcards(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"toolthing-*.exe"`: "", `"toolthing*"`: "", `"tool*.exe"`: "needs 5 letters", `"tool*thing.exe"`: "wildcard", `"*tool.exe"`: "wildcard",
	} {
		got := strings.Join(complain(map[string]string{"tool.yaml": strings.Replace(good, "toolthing", value, 1)}), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", value, got)
		}
	}
}
