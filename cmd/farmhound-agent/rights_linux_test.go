package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/doctor"
	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// Rights that were really taken away are missed, by name, and those of the service's unit
// are enough.
func TestDoctorMissesRights(t *testing.T) {
	t.Parallel()
	setpriv := farpath.Require(t, "setpriv")[0]
	if os.Geteuid() != 0 {
		farpath.Missing(t, "root, to take rights away")
	}
	for _, tt := range []struct {
		bounds  string
		missing []string
	}{
		{"-all,+sys_ptrace,+dac_read_search", nil},
		{"-all,+sys_ptrace", []string{"CAP_DAC_READ_SEARCH"}},
		{"-all", []string{"CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"}},
	} {
		t.Run(tt.bounds, func(t *testing.T) {
			t.Parallel()
			// It fails, for it knows no collector.
			out, _ := exec.CommandContext(t.Context(), setpriv, "--bounding-set="+tt.bounds, "farmhound-agent", "doctor", "-o", "json", "--state-dir", t.TempDir()).Output()
			var said struct{ Checks []doctor.Check }
			if err := json.Unmarshal(out, &said); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, c := range said.Checks {
				if c.Step != "permissions" {
					continue
				}
				details := strings.Join(c.Details, "\n")
				if (c.State == doctor.OK) != (tt.missing == nil) || strings.Count(details, ": missing;") != len(tt.missing) {
					t.Errorf("%+v, want %v missing", c, tt.missing)
				}
				for _, right := range tt.missing {
					if !strings.Contains(details, right) {
						t.Errorf("%s is not missed: %s", right, details)
					}
				}
				return
			}
			t.Errorf("nothing is said of rights: %s", out)
		})
	}
}
