package winetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const policyKey = `[HKEY_LOCAL_MACHINE\Software\Policies\Farmhound]` + "\n"

// policyIsRead sets values as Group Policy does and looks at which collector scan says
// that it would deliver to.
func policyIsRead(t *testing.T, w *wine) {
	file := w.inside(`C:\ProgramData\Farmhound\agent.json`)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"collector": "file.example.com:8443"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.RemoveAll(filepath.Dir(file)); err != nil {
			t.Error(err)
		}
		w.register(t, strings.Replace(policyKey, "[", "[-", 1))
	}()
	w.register(t, policyKey+`"Collector"="policy.example.com:8443"`+"\n"+`"LogLevel"="error"`+"\n")
	for _, test := range []struct {
		name    string
		environ []string
		args    []string
		want    string
	}{
		{"before the file", nil, nil, "policy.example.com:8443"},
		{"after the environment", []string{"FARMHOUND_COLLECTOR=environment.example.com:8443"}, nil, "environment.example.com:8443"},
		{"after flags", []string{"FARMHOUND_COLLECTOR=environment.example.com:8443"}, []string{"--collector", "flag.example.com:8443"}, "flag.example.com:8443"},
	} {
		out, errs, code := w.runAgent(t, test.environ, append([]string{"scan"}, test.args...)...)
		if code != 0 || !strings.Contains(out, "It would go to "+test.want+".") {
			t.Errorf("%s: scan ended with %d and does not say that it would go to %s:\n%s\n%.300s", test.name, code, test.want, errs, out)
		}
	}
	w.register(t, policyKey+`"ScanInterval"=dword:0000000f`+"\n")
	const usage = 2
	_, errs, code := w.runAgent(t, nil, "scan")
	if code != usage || !strings.Contains(errs, `policy HKLM\SOFTWARE\Policies\Farmhound\ScanInterval: scan_interval must be a duration`) {
		t.Errorf("with a number for an interval scan ended with %d, want %d and the place of the value:\n%s", code, usage, errs)
	}
	many := policyKey + `"ScanInterval"="20s"` + "\n"
	for i := range 256 {
		many += fmt.Sprintf("\"Value%d\"=\"x\"\n", i)
	}
	w.register(t, many)
	_, errs, code = w.runAgent(t, nil, "scan")
	if code != usage || !strings.Contains(errs, `policy HKLM\SOFTWARE\Policies\Farmhound: it has more than 256 values`) {
		t.Errorf("with 257 values scan ended with %d, want %d and the place of the values:\n%s", code, usage, errs)
	}
}
