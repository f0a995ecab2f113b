// Package permission is what each sense needs of the system to see all it could, and
// whether a running agent has it.
//
// The table is the one place where that is written; agent/README.md shows it and a test
// compares the two. The package may import nothing of this module.
package permission

import (
	"fmt"
	"strconv"
	"strings"
)

// Need is one right, and what is not seen without it.
type Need struct {
	// System is linux, windows or macos.
	System string
	// Senses are the names of the senses that need it.
	Senses []string
	// Right is what is needed, in the system's own words.
	Right string
	// Lost is what stays unseen without it.
	Lost string
	// Do is how it is given.
	Do string

	held func(Rights) Answer
}

// Answer is whether a right is held.
type Answer uint8

// Answers.
const (
	// Unknown: this system does not tell, or not this user.
	Unknown Answer = iota
	Held
	Missing
)

// String returns the answer as a word.
func (a Answer) String() string {
	return [...]string{"unknown", "held", "missing"}[min(a, Missing)]
}

// Rights are those of a process.
type Rights struct {
	// Known is whether they could be read.
	Known bool
	// Administrator is root, or LocalSystem on Windows.
	Administrator bool
	// Capabilities are Linux' effective ones, a bit each.
	Capabilities uint64
}

// Linux' numbers of capabilities.
const (
	capDACReadSearch = 2
	capSysPtrace     = 19
)

func capability(number uint) func(Rights) Answer {
	return func(r Rights) Answer { return answer(r, r.Capabilities&(1<<number) != 0) }
}

func administrator(r Rights) Answer { return answer(r, r.Administrator) }

// untold is for what a system tells only the process itself, or nobody.
func untold(Rights) Answer { return Unknown }

func answer(r Rights, held bool) Answer {
	switch {
	case !r.Known:
		return Unknown
	case held:
		return Held
	default:
		return Missing
	}
}

const asService = "run the agent as the service that farmhound-agent install makes"

// needs is the table.
var needs = [...]Need{
	{"linux", []string{"software", "hands"}, "CAP_SYS_PTRACE", "which program a process of another user is, its connections, and who holds a camera or microphone open", asService, capability(capSysPtrace)},
	{"linux", []string{"software", "hands", "network"}, "CAP_DAC_READ_SEARCH", "failed logons, logs of remote-control tools, users' applications and X servers", asService, capability(capDACReadSearch)},
	{"linux", []string{"hands", "hardware"}, "root", "input by device (for which group input is enough), and the machine's serial number", asService + "; the unit allows char-input for reading", administrator},
	{"windows", []string{"software", "hands", "session"}, "LocalSystem", "programs and sessions of other users, and input: helpers in the sessions can be started by LocalSystem only, not by LocalService or an administrator", asService, administrator},
	{"windows", []string{"network"}, "an inbound rule of Windows' firewall", "announcements of others on the local network", "allow UDP to the ports 1900, 5353 and 5355 from LocalSubnet for the agent's program (New-NetFirewallRule, or by the device management)", untold},
	{"macos", []string{"software", "hardware"}, "root", "processes and applications of other users", asService, administrator},
	{"macos", []string{"software"}, "Full Disk Access", "logs and settings of remote-control tools in users' folders", "allow it for farmhound-agent by a PPPC profile of the device management (SystemPolicyAllFiles)", untold},
	{"macos", []string{"network"}, "Wi-Fi details shown to all (ipconfig sethidewifiinfo 0)", "the access point", "have the administrator decide whether every program may see it; the agent works without", untold},
}

// Needs returns what the senses need on a system: linux, windows or macos.
func Needs(system string) []Need {
	var of []Need
	for _, need := range needs {
		if need.System == system {
			of = append(of, need)
		}
	}
	return of
}

// Of returns whether somebody with these rights has what a need names.
func (n Need) Of(r Rights) Answer { return n.held(r) }

// Here returns what the senses need on this system.
func Here() []Need { return Needs(system) }

// parseStatus reads the rights from a process' status as Linux writes it.
func parseStatus(text string) (Rights, error) {
	var r Rights
	var seen int
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		switch fields := strings.Fields(value); {
		case name == "Uid" && len(fields) >= 2:
			r.Administrator = fields[1] == "0" // the effective one
			seen++
		case name == "CapEff" && len(fields) == 1:
			bits, err := strconv.ParseUint(fields[0], 16, 64)
			if err != nil {
				return Rights{}, fmt.Errorf("read capabilities: %w", err)
			}
			r.Capabilities = bits
			seen++
		}
	}
	r.Known = seen == 2
	return r, nil
}
