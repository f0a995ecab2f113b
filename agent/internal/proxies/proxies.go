// Package proxies reads how systems write down their proxies, for the way out, which is
// to use them, and the network sense, which is to say whether there are any. What follows
// from what stands there is theirs to decide.
//
// What is read is anybody's who may set a proxy here: a length that leads out of the
// bytes ends the reading. The package imports golang.org/x/sys only.
package proxies

import (
	"encoding/binary"
	"strings"
)

// Assignment reads a line NAME=value, as of an environment or of /etc/environment: with
// export before it or without, in quotes or without. It is not ok for a comment and for
// what is no assignment.
func Assignment(line string) (name, value string, ok bool) {
	line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
	name, value, ok = strings.Cut(line, "=")
	if !ok || strings.HasPrefix(line, "#") {
		return "", "", false
	}
	return strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"'`), true
}

// Dictionary is what scutil --proxy prints of the proxies in force, without those of
// single interfaces.
type Dictionary struct {
	// Values are the values by their names, as in HTTPSProxy.
	Values map[string]string
	// Exceptions are the hosts that are reached without.
	Exceptions []string
}

// On reports whether a value is a switch that is on.
func (d *Dictionary) On(name string) bool { return d.Values[name] == "1" }

// ParseScutil reads what scutil --proxy prints: lines "Name : value", of which the list
// of exceptions is the only nested one that counts. It is not ok where no dictionary is
// printed.
func ParseScutil(text string) (d Dictionary, ok bool) {
	d.Values = map[string]string{}
	depth, list := 0, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, pair := strings.Cut(line, " : ")
		switch {
		case strings.HasSuffix(line, "{"):
			depth++
			ok = ok || depth == 1 && strings.HasPrefix(line, "<dictionary>")
			if pair && depth == 2 {
				list = name
			}
		case line == "}":
			depth, list = max(depth-1, 0), ""
		case !pair:
		case depth == 1:
			d.Values[name] = value
		case depth == 2 && list == "ExceptionsList":
			d.Exceptions = append(d.Exceptions, value)
		}
	}
	return d, ok
}

// Flags of a Record.
const (
	Direct = 1
	Manual = 2
	Script = 4
	Detect = 8
)

// Record is how Windows keeps the proxy of a connection: that of services, which
// netsh winhttp sets, in WinHttpSettings, and a person's in DefaultConnectionSettings.
type Record struct {
	Flags uint32
	// Servers, Exceptions and Script are empty where they are not set or torn; Script is
	// the address of a PAC file.
	Servers, Exceptions, Script string
}

// maxText bounds a text in a record.
const maxText = 64 << 10

// ParseRecord reads a record: version, counter and flags, then proxy, exceptions and
// address of a PAC file, each with its length before it; all numbers of 32 bits, little
// endian. It is not ok where there are no flags.
func ParseRecord(data []byte) (r Record, ok bool) {
	if len(data) < 12 {
		return r, false
	}
	r.Flags = binary.LittleEndian.Uint32(data[8:])
	data = data[12:]
	for _, text := range []*string{&r.Servers, &r.Exceptions, &r.Script} {
		if len(data) < 4 {
			break
		}
		length := binary.LittleEndian.Uint32(data)
		data = data[4:]
		if length > maxText || int(length) > len(data) {
			break
		}
		*text = string(data[:length])
		data = data[length:]
	}
	return r, true
}

// Settings are Windows' Internet Settings of the machine, of a policy or of a person.
type Settings struct {
	// Enabled is whether Servers are used.
	Enabled bool
	// Servers, Exceptions and Script are empty where they are not set.
	Servers, Exceptions, Script string
}
