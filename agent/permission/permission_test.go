package permission

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       Rights
		fails      bool
	}{
		{"the service", "Name:\tx\nUid:\t0\t0\t0\t0\nCapEff:\t0000000000080004\n", Rights{true, true, 1<<capSysPtrace | 1<<capDACReadSearch}, false},
		{"a user", "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n", Rights{Known: true}, false},
		{"set-user-id", "Uid:\t1000\t0\t0\t0\nCapEff:\t0\n", Rights{Known: true, Administrator: true}, false},
		{"cut off", "Uid:\t0\t0\t0\t0\n", Rights{Administrator: true}, false},
		{"not a number", "Uid:\t0\t0\t0\t0\nCapEff:\tfoo\n", Rights{}, true},
		{"nothing", "", Rights{}, false},
	} {
		got, err := parseStatus(tt.text)
		if got != tt.want || (err != nil) != tt.fails {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}

// An unknown right is never a missing one.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, need := range needs {
		if got := need.Of(Rights{Administrator: true, Capabilities: ^uint64(0)}); got != Unknown {
			t.Errorf("%s %s: %s where nothing is known", need.System, need.Right, got)
		}
		all, none := need.Of(Rights{Known: true, Administrator: true, Capabilities: ^uint64(0)}), need.Of(Rights{Known: true})
		if all == Missing || none == Held || (all == Held) != (none == Missing) {
			t.Errorf("%s %s: %s with everything, %s with nothing", need.System, need.Right, all, none)
		}
	}
}

func TestOwnRights(t *testing.T) {
	t.Parallel()
	rights, err := RightsOf(os.Getpid())
	if err != nil || !rights.Known {
		t.Fatalf("%+v, %v", rights, err)
	}
	if rights.Administrator != (os.Geteuid() == 0) {
		t.Errorf("user %d counts as administrator: %v", os.Geteuid(), rights.Administrator)
	}
}

// The README shows the table as it is, and the service has what the table wants.
func TestTableIsShown(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	unit, err := os.ReadFile(filepath.Join("..", "..", "packaging", "linux", "farmhound-agent.service"))
	if err != nil {
		t.Fatal(err)
	}
	bounds := ""
	for line := range strings.Lines(string(unit)) {
		if capabilities, ok := strings.CutPrefix(line, "CapabilityBoundingSet="); ok {
			bounds = capabilities
		}
	}
	for _, need := range needs {
		row := "| " + need.System + " | " + strings.Join(need.Senses, ", ") + " | " + need.Right + " | " + need.Lost + " |"
		if !strings.Contains(string(readme), row) {
			t.Errorf("agent/README.md lacks the row\n%s", row)
		}
		if strings.HasPrefix(need.Right, "CAP_") && !strings.Contains(bounds, need.Right) {
			t.Errorf("the unit does not give %s", need.Right)
		}
	}
}
