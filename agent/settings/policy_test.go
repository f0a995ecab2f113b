package settings

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPolicyLayer(t *testing.T) {
	t.Parallel()
	const where = `HKLM\SOFTWARE\Policies\Farmhound`
	tests := []struct {
		name    string
		values  map[string]string
		want    Layer
		problem string
	}{
		{"nothing", nil, Layer{}, ""},
		{"keys and words", map[string]string{"collector": "c.example.com:8443", "ScanInterval": "30s", "LOG_LEVEL": "debug"}, Layer{
			"collector":     {"c.example.com:8443", `policy ` + where + `\collector`},
			"scan_interval": {"30s", `policy ` + where + `\ScanInterval`},
			"log_level":     {"debug", `policy ` + where + `\LOG_LEVEL`},
		}, ""},
		{"empty is not set", map[string]string{"Collector": ""}, Layer{}, ""},
		{"of a later version", map[string]string{"AutomaticDoor": "open"}, Layer{}, ""},
		{"misspelt", map[string]string{"colector": "c.example.com:8443"}, Layer{}, `policy: unknown value ` + where + `\colector; did you mean "collector"?`},
		{"twice", map[string]string{"ca_pin": "00", "CaPin": "11"}, nil, "ca_pin is set twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := policyLayer(where, test.values)
			if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
				t.Fatalf("error %v, want %q", err, test.problem)
			}
			if diff := cmp.Diff(test.want, got); test.want != nil && diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestPolicyPrecedence takes each setting from the first source that has it.
func TestPolicyPrecedence(t *testing.T) {
	t.Parallel()
	policy, err := policyLayer("P", map[string]string{"Collector": "policy.example.com:1", "ScanInterval": "20s", "WindowInterval": "2m", "LogLevel": "warn"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(Sources{
		Flags:   Layer{"collector": {"flag.example.com:1", "--collector"}},
		Environ: []string{"FARMHOUND_COLLECTOR=environment.example.com:1", "FARMHOUND_SCAN_INTERVAL=40s"},
		Policy:  policy,
		File:    write(t, "agent.json", `{"collector": "file.example.com:1", "scan_interval": "50s", "window_interval": "3m", "state_dir": "/file"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Collector != "flag.example.com:1" || got.ScanInterval.Seconds() != 40 || got.WindowInterval.Minutes() != 2 || got.StateDir != "/file" || got.LogLevel.String() != "WARN" {
		t.Errorf("got %+v, want the flag, then the environment, then the policy, then the file", got)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("ScanInterval", "30s", "colector", "x")
	f.Fuzz(func(t *testing.T, a, textA, b, textB string) {
		layer, _ := policyLayer("P", map[string]string{a: textA, b: textB})
		for key := range layer {
			if !known(key) {
				t.Errorf("%q is no setting", key)
			}
		}
	})
}
