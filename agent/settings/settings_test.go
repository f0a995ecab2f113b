package settings

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFirstSourceWins(t *testing.T) {
	t.Parallel()
	file := write(t, "agent.json", `{
		// Which collector.
		"collector": "file.example:1", # the company's
		"scan_interval": "11s",
		"window_interval": "2m",
		"log_level": "error", "state_dir": "/file//dir/"
	}`)
	policy := Layer{
		"collector":     {Text: "policy.example:2", Where: "policy"},
		"scan_interval": {Text: "22s", Where: "policy"}, "log_level": {Text: "warn", Where: "policy"},
	}
	environ := []string{"HOME=/x", "FARMHOUND_COLLECTOR=env.example:3", "FARMHOUND_SCAN_INTERVAL=33s", "FARMHOUND_CA_FILE=", "FARMHOUND_TOKEN=of another program"}
	flags := Layer{"collector": {Text: "[2001:db8::1]:4", Where: "--collector"}}
	got, err := Load(Sources{Flags: flags, Environ: environ, Policy: policy, File: file})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Collector: "[2001:db8::1]:4", ScanInterval: 33 * time.Second, WindowInterval: 2 * time.Minute,
		LogLevel: slog.LevelWarn, StateDir: "/file/dir", Proxies: []string{"system", "direct"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{})); diff != "" {
		t.Error(diff)
	}
}

func TestWrongFileNamesPlace(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, want string }{
		{"unknown key", "{\n  \"colector\": \"a:1\"\n}", `FILE:2:3: unknown setting "colector"; did you mean "collector"?`},
		{"nothing near", `{"zzzzzz": "a"}`, `FILE:1:2: unknown setting "zzzzzz"`},
		{"number", "{\n  // a comment with \"quotes\"\n\t\"scan_interval\": 15}", "FILE:3:19: scan_interval must be a text in quotes, not a number"},
		{"list", `{"collector":["a"]}`, "FILE:1:14: collector must be a text in quotes, not a list"},
		{"twice", "{\"collector\": \"a:1\",\n\"collector\": \"b:1\"}", "FILE:2:1: collector is set twice, before at FILE:1:15"},
		{"missing comma", "{\"collector\": \"a:1\"\n \"ca_file\": \"b\"}", "FILE:2:2: invalid character '\"' after object key:value pair"},
		{"missing brace", "{\"collector\": \"a:1\"\n", "FILE:1:20: the file ends too early, a closing brace or quote is missing"},
		{"no object", `["a"]`, "FILE:1:1: settings must be one object in braces"},
		{"trailing", "{}\n{}", "FILE:2:1: something follows the closing brace"},
		{"bad interval", `{"scan_interval": "15"}`, `FILE:1:19: scan_interval must be a duration such as "15s" or "5m", not "15"`},
		{"interval too short", `{"scan_interval": "1s"}`, "FILE:1:19: scan_interval is 1s, must be from 5s to 1h0m0s"},
		{"no port", `{"collector": "example.com"}`, `FILE:1:15: collector must be host:port, for example "collector.example.com:8443"`},
		{"bad port", `{"collector": "example.com:99999"}`, `FILE:1:15: collector port "99999" must be a number from 1 to 65535`},
		{"bad pin", `{"ca_pin": "abc"}`, "FILE:1:12: ca_pin must be 64 hexadecimal digits, the SHA-256 of the CA certificate"},
		{"bad level", `{"log_level": "loud"}`, `FILE:1:15: log_level is "loud", must be debug, info, warn or error`},
		{"characters, not bytes", `{"log_level": "ö", "x": "y"}`, `FILE:1:20: unknown setting "x"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := write(t, "agent.json", c.text)
			_, err := Load(Sources{File: file})
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), file, "FILE"); strings.TrimPrefix(got, "settings file cannot be used: ") != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAllProblemsTogether(t *testing.T) {
	t.Parallel()
	file := write(t, "agent.json", `{"collector": "x", "log_level": "y", "scan_interval": "z"}`)
	_, err := Load(Sources{File: file, Flags: Layer{"log_level": {Text: "loud", Where: "--log-level"}}})
	for _, want := range []string{":1:15: collector ", "--log-level: log_level ", ":1:55: scan_interval "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	_, err = Load(Sources{Environ: []string{"FARMHOUND_COLECTOR=a:1"}})
	if want := `environment: unknown variable FARMHOUND_COLECTOR; did you mean "collector"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Load(Sources{File: filepath.Join(t.TempDir(), "none.json")}); err == nil {
		t.Error("a named file that is missing is no error")
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	file := write(t, "secret", "  fh-secret-quokka \n")
	for name, s := range map[string]Settings{
		"as set":    {EnrollSecret: NewSecret("fh-secret-quokka")},
		"from file": {EnrollSecretFile: file},
	} {
		secret, err := s.SecretToEnroll()
		if err != nil || secret.Reveal() != "fh-secret-quokka" {
			t.Fatalf("%s: %v, %v", name, secret, err)
		}
		s.EnrollSecret = secret
		asJSON, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("settings", "secret", secret, "all", s)
		for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %s %q", s, s, secret, secret), string(asJSON), logged.String()} {
			if strings.Contains(shown, "quokka") {
				t.Errorf("%s: secret is shown: %s", name, shown)
			}
		}
	}
	if secret, err := (&Settings{StateDir: t.TempDir()}).SecretToEnroll(); err != nil || secret.Reveal() != "" {
		t.Errorf("without a secret: %v, %v", secret, err)
	}
	empty := Settings{EnrollSecretFile: write(t, "empty", "\n")}
	if _, err := empty.SecretToEnroll(); err == nil {
		t.Error("an empty secret file is no error")
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	for _, setting := range All() {
		if setting.Help == "" || setting.Flag() == "" || !strings.HasPrefix(setting.Variable(), "FARMHOUND_") {
			t.Errorf("%+v is not documented", setting)
		}
		if setting.Default == "" {
			continue
		}
		got := Defaults()
		if err := setting.set(&got, setting.Default); err != nil {
			t.Errorf("default of %s: %v", setting.Key, err)
		}
		if diff := cmp.Diff(Defaults(), got, cmp.AllowUnexported(Secret{})); diff != "" {
			t.Errorf("documented default of %s is not the real one: %s", setting.Key, diff)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte("{\"collector\": \"a:1\" // c\n}"))
	f.Add([]byte("{\"a\\\"#b\": [1, {\"x\": null}]}"))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		layer, err := parseFile("f", data)
		if err != nil {
			if !strings.Contains(err.Error(), "f:") {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		for key := range layer {
			if !known(key) {
				t.Errorf("unknown key %q was taken", key)
			}
		}
	})
}
