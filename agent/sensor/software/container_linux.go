package software

import (
	"strconv"

	"github.com/farmhound-security/farmhound/proto/catalog"
)

// maxMountinfo bounds what is read of one process's mounts, in bytes.
const maxMountinfo = 1 << 20

// contained reports whether a process is in a container that has nothing of the laptop's
// screen and input: processes, network and files of its own. One that was given a
// display or devices, or shares any of the three, is a program of the laptop like any
// other, and so is one whose surroundings are hidden.
func (y *system) contained(s *suspect) bool {
	pids, own := y.processes.Namespace(s.Process, "pid"), y.processes.Namespace(nil, "pid")
	if pids == "" || own == "" || pids == own {
		return false
	}
	network, own := y.processes.Namespace(s.Process, "net"), y.processes.Namespace(nil, "net")
	if network == "" || own == "" || network == own {
		return false
	}
	inside, laptop := y.mounts(strconv.Itoa(s.PID)), y.mounts("1")
	if laptop == nil {
		laptop = y.mounts("self")
	}
	root, laptopRoot := rootOf(inside), rootOf(laptop)
	if root.device == "" || laptopRoot.device == "" || root.device == laptopRoot.device && root.root == laptopRoot.root {
		return false
	}
	for _, device := range [...]string{"uinput", "input"} {
		// A device that was made there is no mount.
		if _, err := y.inventory.host.Stat("/proc/" + strconv.Itoa(s.PID) + "/root/dev/" + device); err == nil {
			return false
		}
	}
	return !reachesConsole(laptop, inside)
}

func (y *system) mounts(process string) []mount {
	text, err := y.inventory.host.ReadFile("/proc/"+process+"/mountinfo", maxMountinfo)
	if err != nil {
		return nil
	}
	return parseMounts(text)
}

// findContained adds the tools that run in containers only, by what they show of
// themselves: what the laptop has installed says nothing of them. They give no sessions.
func (n *scan) findContained(tools map[string]*tool) {
	for _, s := range n.suspects {
		if !s.contained {
			continue
		}
		facts := append([]catalog.Fact(nil), s.facts...)
		for _, row := range s.listens {
			facts = append(facts, catalog.Port(row.Local.Port()))
		}
		for _, m := range n.catalog.Match(linux, facts) {
			if t := tools[m.Entry.GetId()]; t == nil || t.contained {
				t = toolOf(tools, m.Entry)
				t.contained = true
				t.addSuspect(s, m)
				t.renamed, t.writable, t.credential, t.unattended = false, false, false, false
			}
		}
	}
}
