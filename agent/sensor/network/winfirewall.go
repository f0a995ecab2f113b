package network

import (
	"strconv"
	"strings"
)

// announced are the ports of what is announced on a local network.
var announced = [...]uint16{5353, 1900, 5355}

// openings are the ports of announcements that rules of Windows' firewall open for the
// agent's program.
type openings struct {
	program string // its file
	expand  func(string) string
	open    [len(announced)]bool
}

// rule takes in one rule, as "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=5353|
// App=%ProgramFiles%\Example\example.exe|". For which networks and neighbours it is, is
// not looked at: only where no rule opens a port is it known that nothing comes in.
func (o *openings) rule(text string) {
	const udp = "17"
	version, rest, _ := strings.Cut(text, "|")
	if !strings.HasPrefix(version, "v") {
		return
	}
	ours, anyPort := true, true
	active, inbound, allows := false, false, false
	var open [len(announced)]bool
	for field := range strings.SplitSeq(rest, "|") {
		name, value, _ := strings.Cut(field, "=")
		switch {
		case name == "Action":
			allows = value == "Allow" || value == "ByPass"
		case name == "Active":
			active = value == "TRUE"
		case name == "Dir":
			inbound = value == "In"
		case name == "Protocol":
			ours = ours && value == udp
		case name == "App":
			ours = ours && strings.EqualFold(o.expand(value), o.program)
		case name == "LPort" || strings.HasPrefix(name, "LPort2_"):
			anyPort = false
			for i, port := range announced {
				open[i] = open[i] || holds(value, port)
			}
		}
	}
	if !active || !inbound || !allows || !ours {
		return
	}
	for i := range o.open {
		o.open[i] = o.open[i] || anyPort || open[i]
	}
}

// holds reports whether a port is the one that is written, or in the range.
func holds(value string, port uint16) bool {
	from, to, isRange := strings.Cut(value, "-")
	if !isRange {
		to = from
	}
	least, err := strconv.ParseUint(from, 10, 16)
	most, err2 := strconv.ParseUint(to, 10, 16)
	return err == nil && err2 == nil && uint64(port) >= least && uint64(port) <= most
}

// all reports whether every port is open.
func (o *openings) all() bool { return o.open == [len(announced)]bool{true, true, true} }
