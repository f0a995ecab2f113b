package strictyaml_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
)

type server struct {
	Listen  string           `yaml:"listen"`
	Ports   []uint16         `yaml:"ports"`
	Every   time.Duration    `yaml:"every"`
	Weight  float64          `yaml:"weight"`
	On      bool             `yaml:"on"`
	Net     netip.Prefix     `yaml:"net"`
	Rule    strictyaml.Text  `yaml:"rule"`
	Tree    strictyaml.Tree  `yaml:"tree"`
	Inner   *inner           `yaml:"inner"`
	Named   map[string]inner `yaml:"named"`
	private string
}

type inner struct {
	A int `yaml:"a"`
}

// Check refuses one value.
func (i *inner) Check() error {
	if i.A == 13 {
		return errors.New("thirteen is too many")
	}
	return nil
}

func TestEverythingIsRead(t *testing.T) {
	t.Parallel()
	var got server
	err := strictyaml.Decode("f.yaml", []byte(`
listen: ":8443" # a comment
ports: [1, 65535]
every: 1.5d
weight: -2.5
on: true
net: 10.0.0.0/8
tree: {a: [1, "x", null], b: {c: true}}
inner: {a: -3}
named: {one: {a: 1}, two: {a: 2}}
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Listen != ":8443" || got.Every != 36*time.Hour || got.Weight != -2.5 || !got.On || got.Net.String() != "10.0.0.0/8" ||
		got.Inner.A != -3 || got.Named["two"].A != 2 || got.Ports[1] != 65535 || got.private != "" {
		t.Errorf("%+v", got)
	}
	want := map[string]any{"a": []any{1, "x", nil}, "b": map[string]any{"c": true}}
	if diff := cmp.Diff(want, got.Tree.Value); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"typo", "listen: a\n  \nevry: 5m\n", `f.yaml:3:1: unknown key "evry"; known are every, inner, listen`},
		{"typo below", "inner:\n  b: 1\n", `f.yaml:2:3: unknown key "b"; known are a`},
		{"typo in a list of tables", "named:\n  x: {a: 1, c: 2}\n", `f.yaml:2:13: unknown key "c"`},
		{"twice", "on: true\non: false\n", `f.yaml:2:1: key "on" is given twice, first on line 1`},
		{"twice in a table", "named:\n  x: {a: 1}\n  x: {a: 2}\n", `f.yaml:3:3: key "x" is given twice`},
		{"number", "weight: heavy\n", `f.yaml:1:9: expected a number, not "heavy"`},
		{"not a number", "weight: .nan\n", `f.yaml:1:9: expected a number`},
		{"range", "ports: [65536]\n", `f.yaml:1:9: expected a whole number, not "65536"`},
		{"bool", "on: yes\n", `f.yaml:1:5: expected true or false, not "yes"`},
		{"duration", "every: soon\n", `f.yaml:1:8: expected a duration`},
		{"negative duration", "every: -5m\n", `f.yaml:1:8: expected a duration`},
		{"prefix", "net: 10.0.0.0/33\n", `f.yaml:1:6: netip.ParsePrefix`},
		{"list", "ports: 1\n", `f.yaml:1:8: expected a list`},
		{"null", "listen:\n", `f.yaml:1:8: expected text`},
		{"mapping for text", "listen: {a: 1}\n", `f.yaml:1:9: expected text`},
		{"not a mapping", "- 1\n", `f.yaml:1:1: expected keys and values`},
		{"syntax", "on: true\n\tlisten: [\n", `f.yaml:2:1: not YAML`},
		{"two documents", "on: true\n---\non: false\n", `f.yaml:2:1: not YAML: a second document`},
		{"alias", "inner: &i {a: 1}\nnamed: {x: *i}\n", `f.yaml:2:12: aliases are not used`},
		{"alias in a tree", "inner: &i {a: 1}\ntree: [[*i]]\n", `f.yaml:2:9: aliases are not used`},
		{"checked", "named:\n  x: {a: 13}\n", `f.yaml:2:6: thirteen is too many`},
		{"checked behind a pointer", "inner:\n  a: 13\n", `f.yaml:2:3: thirteen is too many`},
		{"too long", strings.Repeat("#", 1<<20+1), `f.yaml:1:1: the file is`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got server
			err := strictyaml.Decode("f.yaml", []byte(test.text), &got)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if p, ok := errors.AsType[strictyaml.Problem](err); !ok || p.Line < 1 || p.Column < 1 {
				t.Errorf("%v is no problem with a place", err)
			}
		})
	}
}

func TestEveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	var got server
	err := strictyaml.Decode("f.yaml", []byte("on: maybe\nlisten: x\nprots: 1\n"), &got)
	if err == nil || strings.Count(err.Error(), "f.yaml:") != 2 || got.Listen != "x" {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestPlacesWithinText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, value string
		line, column      int
		want              string
	}{
		{"plain", "rule: a > b\n", "a > b", 1, 3, "f.yaml:1:9: x"},
		{"single quotes", "rule: 'a > b'\n", "a > b", 1, 3, "f.yaml:1:10: x"},
		{"double quotes", "rule: \"a > b\"\n", "a > b", 1, 1, "f.yaml:1:8: x"},
		{"block", "on: true\nrule: |\n    a &&\n    b\n", "a &&\nb\n", 2, 1, "f.yaml:4:5: x"},
		{"block after blank lines", "rule: |-\n\n  a\n   b\n", "\na\n b", 3, 2, "f.yaml:4:4: x"},
		{"past the block's end", "rule: |\n  a\n", "a\n", 9, 1, "f.yaml:2:3: x"},
		{"folded", "rule: >\n  a &&\n  b\n", "a && b\n", 1, 3, "f.yaml:2:5: x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got server
			if err := strictyaml.Decode("f.yaml", []byte(test.text), &got); err != nil {
				t.Fatal(err)
			}
			if got.Rule.Value != test.value {
				t.Errorf("value %q, want %q", got.Rule.Value, test.value)
			}
			if p := got.Rule.ProblemAt(test.line, test.column, "x"); p.Error() != test.want {
				t.Errorf("place %s, want %s", p, test.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("listen: a\nrule: |\n  x\ntree: {a: [1]}\n")
	f.Add("named: {x: *y}\n---\n")
	f.Add("rule: >-\n\n\n a\n")
	f.Fuzz(func(t *testing.T, text string) {
		var got server
		if err := strictyaml.Decode("f", []byte(text), &got); err != nil {
			return
		}
		for line := range 3 {
			if p := got.Rule.ProblemAt(line, 1, "x"); p.Line < 1 || p.Column < 1 {
				t.Errorf("place %v", p)
			}
		}
	})
}
