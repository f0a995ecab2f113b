package sockets

import (
	"net/netip"
	"strconv"
	"strings"
)

// columns are where a macOS netstat -v has what is of interest, by the names in the line
// above its rows. They differ by version: before macOS 13 there are no bytes, and before
// macOS 14 or so a process is told by its number alone.
type columns struct {
	received, sent int // from the left; negative where there is none
	pid            int // from the left, for a bare number
	named          int // from the right, for name:number, whose name may have blanks
	unit, control  int // from the right, of a kernel control
}

// columnsOf reads the line of names. The first of them are words of two.
func columnsOf(line string) (c columns, ok bool) {
	line = strings.NewReplacer("Local Address", "local", "Foreign Address", "foreign").Replace(line)
	names := strings.Fields(line)
	c = columns{received: -1, sent: -1, pid: -1, named: -1, unit: -1, control: -1}
	for i, name := range names {
		switch name {
		case "rxbytes":
			c.received = i
		case "txbytes":
			c.sent = i
		case "pid":
			c.pid = i
		case "process:pid":
			c.named = len(names) - i
		case "unit":
			c.unit = len(names) - i
		case "name":
			c.control = len(names) - i
		}
	}
	return c, c.pid >= 0 || c.named >= 0
}

// owner is the process of a row; zero where it has none.
func (c columns) owner(field []string) uint32 {
	text := ""
	switch {
	case c.pid >= 0 && c.pid < len(field):
		text = field[c.pid]
	case c.named > 0 && c.named <= len(field):
		text = field[len(field)-c.named]
		text = text[strings.LastIndexByte(text, ':')+1:]
	}
	pid, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return uint32(pid)
}

// number is a count from the left.
func number(field []string, at int) (uint64, bool) {
	if at < 0 || at >= len(field) {
		return 0, false
	}
	n, err := strconv.ParseUint(field[at], 10, 64)
	return n, err == nil
}

// AppendNetstat appends the connections and listeners of what macOS' netstat -anvW -p tcp
// printed. Rows in other states and those that are not understood are left out.
func AppendNetstat(dst []Owned, text string) []Owned {
	var c columns
	known := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "Proto") {
			c, known = columnsOf(line)
			continue
		}
		if !known || !strings.HasPrefix(line, "tcp") || len(dst) == MaxRows {
			continue
		}
		if row, ok := c.socket(strings.Fields(line)); ok {
			dst = append(dst, row)
		}
	}
	return dst
}

// socket reads a row: protocol, queues, both ends, state, and then what the columns say.
func (c columns) socket(field []string) (Owned, bool) {
	const state = 5
	if len(field) <= state {
		return Owned{}, false
	}
	// tcp46 is a socket for both families, and shows as the wider one.
	wide := field[0] != "tcp4"
	row := Owned{PID: c.owner(field)}
	var ok bool
	if row.Local, ok = netstatEnd(field[3], wide); !ok {
		return Owned{}, false
	}
	switch field[state] {
	case "LISTEN":
		row.State = Listen
	case "ESTABLISHED":
		row.State = Established
		if row.Remote, ok = netstatEnd(field[4], wide); !ok || row.Remote.Port() == 0 {
			return Owned{}, false
		}
	default:
		return Owned{}, false
	}
	received, known := number(field, c.received)
	sent, also := number(field, c.sent)
	if known && also {
		row.Measured, row.Received, row.Acked = true, received, sent
	}
	return row, true
}

// netstatEnd reads an end as netstat has it: an address and, behind a last dot, a port.
func netstatEnd(text string, wide bool) (netip.AddrPort, bool) {
	dot := strings.LastIndexByte(text, '.')
	if dot < 0 {
		return netip.AddrPort{}, false
	}
	host, service := text[:dot], text[dot+1:]
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil && service != "*" {
		return netip.AddrPort{}, false
	}
	if host == "*" {
		if wide {
			return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port)), true
		}
		return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)), true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, false // cut short, or a name
	}
	return netip.AddrPortFrom(addr.WithZone("").Unmap(), uint16(port)), true
}

// Control is a program's socket to a part of the kernel.
type Control struct {
	// Name is the part's, such as com.apple.net.utun_control.
	Name string
	// Unit is its number within the part: of the tunnel utun4 it is 5.
	Unit uint32
	// PID is the program.
	PID uint32
}

// Parts of the kernel that make tunnels: utun0 is the unit 1.
const (
	TunnelControl = "com.apple.net.utun_control"
	IPsecControl  = "com.apple.net.ipsec_control"
)

// maxControls bounds a listing.
const maxControls = 1024

// ParseControls returns the sockets to parts of the kernel that make tunnels, of what
// macOS' netstat -anv -f systm printed.
func ParseControls(text string) (list []Control) {
	var c columns
	known := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "Proto") {
			c, known = columnsOf(line)
			continue
		}
		field := strings.Fields(line)
		if !known || len(field) == 0 || field[0] != "kctl" || c.unit < 1 || c.control < 1 || c.unit > len(field) || len(list) == maxControls {
			continue
		}
		name := field[len(field)-c.control]
		unit, err := strconv.ParseUint(field[len(field)-c.unit], 10, 16)
		if pid := c.owner(field); err == nil && pid != 0 && (name == TunnelControl || name == IPsecControl) {
			list = append(list, Control{Name: name, Unit: uint32(unit), PID: pid})
		}
	}
	return list
}
