package service

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

var update = flag.Bool("update", false, "write the packaged unit anew")

const packaged = "../../packaging/linux/farmhound-agent.service"

// render fills in the template the way kardianos/service does on installing, for
// what the unit uses of it.
func render(path string, arguments ...string) string {
	var line strings.Builder
	for _, argument := range arguments {
		line.WriteString(" " + argument)
	}
	return strings.NewReplacer(
		"{{Description}}", description,
		"{{Path | cmdEscape}}", path,
		"{{range Arguments}} {{. | cmd}}{{end}}", line.String(),
	).Replace(unit)
}

func TestPackagedUnitIsTheInstalledOne(t *testing.T) {
	t.Parallel()
	want := render("/usr/bin/farmhound-agent", "run")
	if strings.Contains(want, "{{") {
		t.Fatalf("the unit's template has more than this test fills in:\n%s", want)
	}
	if *update {
		if err := os.WriteFile(packaged, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(packaged)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from the template; run go test ./agent/service -update", packaged)
	}
}

func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=read-only", "MemoryDenyWriteExecute=yes",
		"CapabilityBoundingSet=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH", "StateDirectory=farmhound-agent", "SystemCallFilter=@system-service",
		"RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX", "MemoryMax=128M", "CPUQuota=20%",
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
}

func TestSystemdAcceptsTheUnit(t *testing.T) {
	t.Parallel()
	analyze := farpath.Require(t, "systemd-analyze")[0]
	path := filepath.Join(t.TempDir(), Name+".service")
	if err := os.WriteFile(path, []byte(render("/bin/true", "run")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), Name) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestWithoutSystemdTheErrorSaysSo(t *testing.T) {
	t.Parallel()
	_, err := New("run")
	if _, statErr := os.Stat("/run/systemd/system"); statErr == nil {
		t.Skip("this machine is run by systemd")
	}
	if err == nil || !strings.Contains(err.Error(), "not run by systemd") || !strings.Contains(err.Error(), "farmhound-agent run") {
		t.Errorf("error %v does not say what is wrong and what to do", err)
	}
}
