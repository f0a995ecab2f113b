package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestYAML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, document, want string }{
		{"nothing", `[]`, "[]\n"},
		{"an empty object", `{}`, "{}\n"},
		{"words and numbers", `{"a":"word","b":1,"c":0.5,"d":true,"e":null,"f":""}`, "a: word\nb: 1\nc: 0.5\nd: true\ne: null\nf: \"\"\n"},
		{"lists in objects in lists", `[{"a":[1,{"b":"c","d":[]}],"e":{}},{"f":[[2,3]]}]`, "- a:\n    - 1\n    - b: c\n      d: []\n  e: {}\n- f:\n    - - 2\n      - 3\n"},
		{"what could be something else", `["no","NULL","inf","2026-03-02","1e3","a: b","- x","on call","#5",".5","~"]`, "- \"no\"\n- \"NULL\"\n- \"inf\"\n- \"2026-03-02\"\n- \"1e3\"\n- \"a: b\"\n- \"- x\"\n- \"on call\"\n- \"#5\"\n- \".5\"\n- \"~\"\n"},
		{"what a terminal would obey", `["\u001b[31m","a\nb","x\u202ey","\"\\","\ud83d\ude00","\u2028"]`, "- \"\\e[31m\"\n- \"a\\nb\"\n- \"x\\U0000202ey\"\n- \"\\\"\\\\\"\n- \"\\U0001F600\"\n- \"\\L\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := writeYAML(&out, json.RawMessage(tt.document)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever JSON says, a reader of YAML reads the same from it.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{`{"a":[{"b":[]},[[]],{}],"c":"x: #"}`, `"\u0085\u00a0\ufeff"`, `[-1,1e400,"0x1F","1_000","=","<<","? a"]`, `{"":"","~":{"- ":"!t"}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		var want any
		in := json.NewDecoder(bytes.NewReader([]byte(document)))
		if in.Decode(&want) != nil || in.More() {
			return // no JSON
		}
		var out bytes.Buffer
		if err := writeYAML(&out, want); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("it has what does not print: %q", out.String())
		}
		var got any
		if err := yaml.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatalf("%v:\n%s", err, out.String())
		}
		read, err := json.Marshal(got)
		if err != nil {
			return // numbers that JSON has not
		}
		var again any
		if err := json.Unmarshal(read, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTheVersionIsSaidAsAsked(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"table": "dev\n", "csv": "dev\n", "yaml": "version: dev\n", "json": "{\n  \"version\": \"dev\"\n}\n"} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{"version", "-o", format}, nil, &out, &out); code != 0 || out.String() != want {
			t.Errorf("%s: exit %d, %q, want %q", format, code, out.String(), want)
		}
	}
}
