package source

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// good is a file without fault, for tests to spoil.
const good = `id: tool
name: Tool
category: tunnel
facts:
  linux:
    identifying:
      process: [toolthing]
    supporting:
      port: ["4321"]
references:
  - https://example.com
`

// complain compiles files and returns the problems as text, one per line.
func complain(files map[string]string) []string {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	_, err := Compile(fsys)
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestCompile(t *testing.T) {
	t.Parallel()
	c, err := Compile(fstest.MapFS{"tool.yaml": {Data: []byte(good)}, "notes.txt": {Data: []byte("not read")}})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.GetEntries()) != 1 || c.GetEntries()[0].GetId() != "tool" || len(c.GetEntries()[0].GetFacts()) != 2 {
		t.Errorf("compiled to %v", c)
	}
}

// A company's own files stand beside the built-in ones, or in their place.
func TestLayers(t *testing.T) {
	t.Parallel()
	own := fstest.MapFS{
		"tool.yaml":   {Data: []byte(good)},
		"x11vnc.yaml": {Data: []byte(strings.NewReplacer("id: tool", "id: x11vnc", "toolthing", "x11vnc", "name: Tool", "name: Ours").Replace(good))},
	}
	before, err := Compile(Files())
	if err != nil {
		t.Fatal(err)
	}
	both, err := Compile(Files(), own)
	if err != nil {
		t.Fatal(err)
	}
	if len(both.GetEntries()) != len(before.GetEntries())+1 {
		t.Errorf("%d entries beside %d", len(both.GetEntries()), len(before.GetEntries()))
	}
	for _, e := range both.GetEntries() {
		if e.GetId() == "x11vnc" && e.GetName() != "Ours" {
			t.Errorf("the built-in x11vnc is still there: %s", e.GetName())
		}
	}
}

func TestBuiltInSource(t *testing.T) {
	t.Parallel()
	c, err := Compile(Files())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.GetEntries()) < 30 {
		t.Errorf("only %d entries", len(c.GetEntries()))
	}
}

// Each complaint names file, line and column of what is wrong.
func TestComplaints(t *testing.T) {
	t.Parallel()
	// with replaces a part of the good file.
	with := func(old, replacement string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the good file has no %q", old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	hardware := "id: tool\nname: Tool\ncategory: ip-kvm\nreferences: [https://example.com]\n"
	cases := []struct {
		name string
		text string
		want string
	}{
		{"not YAML", "id: [tool\n", "tool.yaml:1:1: not YAML: did not find expected ',' or ']'"},
		{"empty", "", "tool.yaml:1:1: the file is empty"},
		{"broken second document", good + "---\n- other\n", "tool.yaml:13:1: expected keys and values: category, edid, facts, id, name, origin, references, report_descriptors, session, unattended, usb, vendor"},
		{"not a mapping", "- tool\n", "tool.yaml:1:1: expected keys and values: category, edid, facts, id, name, origin, references, report_descriptors, session, unattended, usb, vendor"},
		{"misspelt key", with("category", "categroy"), `tool.yaml:3:1: unknown key "categroy"; known are category, edid, facts, id, name, origin, references, report_descriptors, session, unattended, usb, vendor`},
		{"repeated key", good + "name: Other\n", `tool.yaml:12:1: key "name" is given twice`},
		{"misspelt category", with("tunnel", "tunel"), `tool.yaml:3:11: unknown word "tunel"; known are consumer-vpn, file-transfer, input-sharing, ip-kvm, jiggler, keep-awake, operator-client, overlay-network, remote-control, residential-proxy, rmm, screen-share-control, tunnel, utility, virtual-camera, virtual-display`},
		{"misspelt system", with("linux", "linus"), `tool.yaml:5:3: unknown key "linus"; known are any, linux, macos, windows`},
		{"misspelt strength", with("supporting", "suporting"), `tool.yaml:8:5: unknown key "suporting"; known are identifying, supporting, weak`},
		{"alias", "id: &a tool\nname: *a\ncategory: tunnel\n", "tool.yaml:2:7: expected a single value"},
		{"value for a list", with("[toolthing]", "toolthing"), "tool.yaml:7:16: expected a list"},
		{"no truth", good + "unattended: perhaps\n", "tool.yaml:12:13: expected true or false"},
		{"hostile value", with("toolthing", `"x\e[2J"`), `tool.yaml:7:17: the value "x\x1b[2J" holds characters that do not print`},
		{"long value", with("toolthing", strings.Repeat("x", 201)), "tool.yaml:7:17: the value is 201 bytes long, longer than 200"},
		{"name too long for the schema", with("name: Tool", "name: "+strings.Repeat("x", 65)),
			"tool.yaml:1:1: name: is 65 bytes long, longer than 64"},
		{"secret path", with("process: [toolthing]", "path: [/etc/shadow]"),
			`tool.yaml:7:14: path fact "/etc/shadow": outside the folders that may be asked for: /usr/bin/, /usr/sbin/, /usr/lib/, /usr/lib64/, /usr/libexec/, /usr/share/, /usr/local/, /usr/NX/, /opt/, /snap/, /var/lib/flatpak/app/`},
		{"bad port", with(`"4321"`, `"65536"`), `tool.yaml:9:14: port fact "65536": must be a port number`},
		{"missing name", with("name: Tool\n", ""), "tool.yaml:1:1: needs name"},
		{"id against the file's name", with("id: tool", "id: other"), "tool.yaml:1:5: the id must be the file's name; expected the file other.yaml"},
		{"id in capitals", with("id: tool", "id: Tool"), "tool.yaml:1:5: the id must be lower-case words of letters and digits, joined by hyphens"},
		{"no references", with("references:\n  - https://example.com\n", ""), "tool.yaml:1:1: needs references: where the facts come from"},
		{"common program", with("toolthing", "systemd"), "tool.yaml:7:17: ordinary computers run a program of this name; make it weak or, beside facts that they have not, supporting and common"},
		{"common program on Windows", with("toolthing", "DWM.exe"), "tool.yaml:7:17: ordinary computers run a program of this name; make it weak or, beside facts that they have not, supporting and common"},
		{"role, not product", with("toolthing", "streamer"), "tool.yaml:7:17: the name says a role, not a product; make it weak or, beside facts that they have not, supporting and common"},
		{"short name", with("toolthing", "rv"), "tool.yaml:7:17: a name of fewer than four letters identifies nothing; make it supporting or weak"},
		{"identifying port", with("process: [toolthing]", `port: ["4322"]`), "tool.yaml:7:14: any program may listen on a port; make it supporting or weak"},
		{"everyday port", with("4321", "443"), "tool.yaml:9:14: everyday services use this port; make it weak or, beside facts that they have not, supporting and common"},
		{"shared domain", with(`port: ["4321"]`, `domain: ["*.github.com"]`), "tool.yaml:9:16: much more than this tool uses this domain; make it weak or, beside facts that they have not, supporting and common"},
		{"shared interface", with(`port: ["4321"]`, `interface: [tun0]`), "tool.yaml:9:19: many programs name interfaces so; make it weak or, beside facts that they have not, supporting and common"},
		{"given twice", with("[toolthing]", "[toolthing, toolthing]"), "tool.yaml:7:28: the fact is already given in line 7"},
		{"never matches", with("    identifying:\n      process: [toolthing]\n", ""),
			"tool.yaml:1:5: the entry can never match: it needs an identifying fact, or supporting facts of two kinds on one system"},
		{"usb without strength", hardware + "usb:\n  - {manufacturer: X}\n", "tool.yaml:6:5: needs strength: identifying, supporting, weak"},
		{"shared usb vendor", hardware + "usb:\n  - {strength: identifying, vendor_id: 0x1d6b, product_id: 0x0104}\n",
			"tool.yaml:6:5: many makers build on this vendor id, so that the device's own words are needed; make it supporting or weak"},
		{"usb number", hardware + "usb:\n  - {strength: identifying, vendor_id: 0x11d6b, product: X}\n", "tool.yaml:6:40: expected a number up to 65535"},
		{"loose display", hardware + "edid:\n  - {strength: identifying, maker: TSB}\n",
			"tool.yaml:6:5: a display is identified by maker, product code and name together; make it supporting or weak"},
		{"short digest", hardware + "report_descriptors:\n  - {strength: identifying, sha256: abcd}\n",
			`tool.yaml:6:5: usb_report_descriptor fact "abcd": must be a SHA-256 in lower-case hexadecimal`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := complain(map[string]string{"tool.yaml": c.text})
			found := false
			for _, line := range got {
				found = found || line == c.want
			}
			if !found {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

// One run shows everything that is wrong, in every file.
func TestAllProblemsTogether(t *testing.T) {
	t.Parallel()
	got := complain(map[string]string{
		"a.yaml": strings.Replace(good, "id: tool", "id: a", 1),
		"b.yaml": strings.Replace(good, "id: tool", "id: b", 1),
		"c.yaml": "nam: C\ncatgory: x\n",
	})
	want := []string{
		`c.yaml:1:1: unknown key "nam"; known are category, edid, facts, id, name, origin, references, report_descriptors, session, unattended, usb, vendor`,
		`c.yaml:2:1: unknown key "catgory"; known are category, edid, facts, id, name, origin, references, report_descriptors, session, unattended, usb, vendor`,
		"b.yaml:7:17: the fact identifies a.yaml already; two entries cannot share it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProblemIsTyped(t *testing.T) {
	t.Parallel()
	_, err := Compile(fstest.MapFS{"tool.yaml": {Data: []byte("id: [")}})
	var p *Problem
	if !errors.As(err, &p) || p.File != "tool.yaml" || p.Line != 1 {
		t.Errorf("got %#v", err)
	}
}

// Whatever a file holds, reading it ends with an entry or with problems that have
// a place in it.
func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("id: [\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("usb:\n  - {strength: weak, vendor_id: 0x1d6b}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := Compile(fstest.MapFS{"tool.yaml": {Data: text}})
		if err == nil {
			return
		}
		var p *Problem
		if errors.As(err, &p) && (p.Line < 1 || p.Column < 1) {
			t.Errorf("no place: %v", p)
		}
	})
}
