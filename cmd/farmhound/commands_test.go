package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sameAsGolden holds what a command prints in every format against what is kept of it.
func sameAsGolden(t *testing.T, ask func(...string) (int, string, string), name string, args []string) {
	t.Helper()
	for _, format := range []string{"table", "json", "csv"} {
		code, out, errOut := ask(append(args, "-o", format)...)
		if code != 0 {
			t.Errorf("%s as %s: exit %d, %s", name, format, code, errOut)
		}
		holds(t, name+" as "+format, format, out)
		golden := filepath.Join("testdata", "golden", name+"."+format)
		if *update {
			if err := os.WriteFile(golden, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out); diff != "" {
			t.Errorf("%s as %s:\n%s", name, format, diff)
		}
	}
	sameAsJSON(t, ask, name, args)
}

// sameAsJSON holds that what a command prints as YAML says what it prints as JSON.
func sameAsJSON(t *testing.T, ask func(...string) (int, string, string), name string, args []string) {
	t.Helper()
	_, document, _ := ask(append(args, "-o", "json")...)
	code, out, errOut := ask(append(args, "-o", "yaml")...)
	if code != 0 {
		t.Errorf("%s as yaml: exit %d, %s", name, code, errOut)
	}
	holds(t, name+" as yaml", "yaml", out)
	var want, got any
	if err := json.Unmarshal([]byte(document), &want); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%s as yaml: %v\n%s", name, err, out)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s as yaml (-want +got):\n%s", name, diff)
	}
}

// loggedIn returns how to run a command as somebody who logged in.
func loggedIn(t *testing.T) func(args ...string) (code int, out, errOut string) {
	t.Helper()
	address, ca := startCollector(t)
	config := filepath.Join(t.TempDir(), "sub", "config.json")
	ask := func(args ...string) (int, string, string) {
		var out, errOut bytes.Buffer
		code := run(t.Context(), append([]string{"--config", config}, args...), strings.NewReader(goodToken+"\n"), &out, &errOut)
		return code, out.String(), errOut.String()
	}
	code, out, errOut := ask("login", address, "--ca", ca)
	if code != 0 || !strings.HasSuffix(out, " as ann (analyst).\n") {
		t.Fatalf("login: exit %d, %s%s", code, out, errOut)
	}
	info, err := os.Stat(config)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may read the token: %v", mode)
	}
	return ask
}

// What every command prints in every format is kept in testdata; -update writes it.
func TestOutput(t *testing.T) {
	t.Parallel()
	ask := loggedIn(t)
	commands := map[string][]string{
		"whoami": {"whoami"}, "devices": {"devices"}, "none": {"devices", "nobody"}, "device": {"device", "show", "0011"},
		"timeline": {"timeline", "0011"}, "why": {"why", "0011"}, "alerts": {"alerts", "list"},
		"verdicts": {"verdicts", "0011", "--changes"}, "then": {"why", "0011", "--at", "2026-03-03"}, "forgotten": {"why", "0011", "--at", "2026-03-02T12:00:00Z"},
		"whatif": {"why", "0011", "--what-if"}, "supposed": {"why", "0011", "--with-approved", "anydesk", "--set", "day5.control_tools=a,b"},
		"ack":   {"alerts", "ack", "a1b2c3d4e5f60718"},
		"close": {"alerts", "close", "a1b2c3d4e5f60718", "--reason", "confirmed", "--note", "seen"},
	}
	for name, args := range commands {
		sameAsGolden(t, ask, name, args)
	}
}

// holds checks what must be true of any output.
func holds(t *testing.T, name, format, out string) {
	t.Helper()
	for _, r := range out {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%s: %U goes to the terminal", name, r)
		}
	}
	switch format {
	case "table":
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > pipeWidth {
				t.Errorf("%s: a line of %d characters", name, n)
			}
		}
	case "csv":
		records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, record := range records {
			for _, cell := range record {
				if strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "@") {
					t.Errorf("%s: a spreadsheet takes %q for a formula", name, cell)
				}
			}
		}
	case "json":
		if !json.Valid([]byte(out)) {
			t.Errorf("%s: not JSON", name)
		}
	}
}

func TestFailuresAreSaidPlainly(t *testing.T) {
	t.Parallel()
	ask := loggedIn(t)
	address, ca := startCollector(t)
	_, anotherCA := startCollector(t)
	badToken := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(badToken, []byte("fh-token-bad"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"no such device", []string{"why", "x"}, `farmhound: device "x": not found`},
		{"what if of the past", []string{"why", "0011", "--what-if", "--at", "2026-03-03"}, "farmhound: what if is asked of now: leave --at out"},
		{"what if of a tool that there is not", []string{"why", "0011", "--with-approved", "x"}, `farmhound: the catalogue has no tool "x"; on this laptop are anydesk`},
		{"no such alert", []string{"alerts", "ack", "x"}, `farmhound: alert "x": not found`},
		{"wrong token", []string{"login", address, "--ca", ca, "--token-file", badToken}, "farmhound: there is no such API token; log in with a token that is valid"},
		{"another CA", []string{"login", address, "--ca", anotherCA}, "farmhound: " + address + " is not the collector whose CA was given at login: "},
		{"nobody there", []string{"login", "127.0.0.1:1", "--ca", ca}, "farmhound: the collector at 127.0.0.1:1 cannot be reached: dial tcp 127.0.0.1:1: "},
		{"no port", []string{"login", "localhost", "--ca", ca}, `farmhound: the collector's address "localhost" is not host:port`},
		{"no CA", []string{"login", address, "--ca", badToken}, "farmhound: the CA file holds no PEM certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := ask(tt.args...)
			if code != 1 || out != "" {
				t.Errorf("exit %d and output %q", code, out)
			}
			if !strings.HasPrefix(errOut, tt.says) || strings.Contains(errOut, "rpc error") {
				t.Errorf("says %q, want %q", errOut, tt.says)
			}
		})
	}
}

// A variable that is set to nothing, as scripts and unit files do, is as good as unset.
func TestAnEmptyConfigurationIsNone(t *testing.T) {
	t.Setenv("FARMHOUND_CONFIG", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"devices"}, strings.NewReader(""), &out, &errOut); code != 1 || !strings.Contains(errOut.String(), "farmhound login") {
		t.Errorf("exit %d, %s", code, errOut.String())
	}
}
