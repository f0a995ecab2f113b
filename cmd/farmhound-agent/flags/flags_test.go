package flags_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/cmd/farmhound-agent/flags"
)

type shared struct {
	StateDir *string `placeholder:"DIR" help:"${dir} ($PLACE)."`
}

type look struct {
	Output   string        `short:"o" enum:"text,json" default:"text" help:"How."`
	Watch    bool          `help:"Go on."`
	Interval time.Duration `default:"5s" help:"A pause that needs more words than there is room for in one line of the help."`
	Root     string        `type:"existingdir" placeholder:"DIR" help:"Where."`
}

func (look) Help() string { return "It looks." }

type line struct {
	Config string   `placeholder:"FILE" help:"A file."`
	Shared shared   `embed:""`
	Look   look     `cmd:"" help:"Look."`
	Rest   struct{} `cmd:"" help:"Rest."`
	Secret struct{} `cmd:"" hidden:"" help:"For the program itself."`
}

func newParser() (*line, *flags.Parser) {
	into := new(line)
	return into, flags.New("see", "Sees.", into, map[string]string{"dir": "A folder"})
}

func TestParse(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	standard := look{Output: "text", Interval: 5 * time.Second}
	for _, tt := range []struct {
		name, args string
		want       line
		command    string
		err        string
	}{
		{name: "nothing given", args: "look", command: "look", want: line{Look: standard}},
		{
			name: "every form", args: "--config a look --state-dir=b=c -o json --watch --interval 3m --root .", command: "look",
			want: line{Config: "a", Shared: shared{text("b=c")}, Look: look{"json", true, 3 * time.Minute, "."}},
		},
		{name: "short and joined", args: "look -ojson --watch=false", command: "look", want: line{Look: look{"json", false, 5 * time.Second, ""}}},
		{name: "empty value", args: "rest --state-dir=", command: "rest", want: line{Shared: shared{text("")}, Look: standard}},
		{name: "a flag of everything after the command", args: "rest --config x", command: "rest", want: line{Config: "x", Look: standard}},
		{name: "no command", args: "--config x", err: "a command is missing"},
		{name: "unknown command", args: "leap", err: "unexpected argument leap"},
		{name: "too many words", args: "rest well", err: "unexpected argument well"},
		{name: "unknown flag", args: "look --leap=1", err: "unknown flag --leap"},
		{name: "flag of another command", args: "rest --watch", err: "unknown flag --watch"},
		{name: "flag before its command", args: "--watch look", err: "unknown flag --watch"},
		{name: "value missing", args: "look --interval", err: "--interval needs a value"},
		{name: "not a duration", args: "look --interval 3", err: `--interval must be a duration such as 30s or 5m but is "3"`},
		{name: "not one of them", args: "look -o xml", err: `--output must be one of text, json but is "xml"`},
		{name: "neither true nor false", args: "look --watch=perhaps", err: `--watch must be true or false but is "perhaps"`},
		{name: "no folder", args: "look --root flags.go", err: `--root: "flags.go" is no folder that can be read`},
		{name: "a lone dash", args: "look -", err: "unexpected argument -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			into, parser := newParser()
			_, name, err := parser.Parse(strings.Fields(tt.args))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, *into); diff != "" || name != tt.command || err != nil {
				t.Errorf("command %q, error %v, (-want +got):\n%s", name, err, diff)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{"--help": "", "look -h": "look", "--help look": "look", "look --watch --help": "look"} {
		_, parser := newParser()
		if _, name, err := parser.Parse(strings.Fields(args)); name != want || !errors.Is(err, flags.ErrHelp) {
			t.Errorf("%s: command %q, error %v", args, name, err)
		}
	}
	for name, want := range map[string]string{"": `Usage: see <command> [flags]

Sees.

Flags:
  -h, --help                       Show this help.
      --config=FILE                A file.
      --state-dir=DIR              A folder ($PLACE).

Commands:
  look    Look.
  rest    Rest.

Run "see <command> --help" for more information on a command.
`, "look": `Usage: see look [flags]

Look.

It looks.

Flags:
  -h, --help                       Show this help.
      --config=FILE                A file.
      --state-dir=DIR              A folder ($PLACE).

  -o, --output=text                How.
      --watch                      Go on.
      --interval=5s                A pause that needs more words than there is
                                   room for in one line of the help.
      --root=DIR                   Where.
`} {
		_, parser := newParser()
		var got strings.Builder
		if err := parser.Help(&got, name); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}
