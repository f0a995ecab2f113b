package road

import (
	"encoding/binary"
	"net"
	"strings"
)

// parseWindowsList reads a list of proxies as Windows keeps it: one proxy for all, or
// "http=a:1;https=b:2". Of socks there is no use.
func parseWindowsList(list string) (proxies []string) {
	for entry := range strings.FieldsFuncSeq(list, func(c rune) bool { return c == ';' || c == ' ' }) {
		scheme, proxy, ok := strings.Cut(entry, "=")
		if !ok {
			scheme, proxy = "https", entry
		}
		if strings.EqualFold(scheme, "https") && proxy != "" {
			proxies = append(proxies, proxy)
		}
	}
	return proxies
}

// windowsSettings makes something of the values of Windows' Internet Settings.
func windowsSettings(from, list, bypass, pac string, enabled, detect bool) Found {
	found := Found{From: from}
	if enabled {
		for _, proxy := range parseWindowsList(list) {
			if _, _, err := net.SplitHostPort(proxy); err != nil && !strings.Contains(proxy, "://") {
				proxy = net.JoinHostPort(strings.Trim(proxy, "[]"), "80")
			}
			found.add(proxy, from)
		}
		for rule := range strings.FieldsFuncSeq(bypass, func(c rune) bool { return c == ';' || c == ' ' }) {
			if strings.EqualFold(rule, "<local>") {
				found.SpareSimple = true
				continue
			}
			found.Spared = append(found.Spared, rule)
		}
	}
	if pac != "" {
		found.Unused = append(found.Unused, script(from))
	}
	if detect && pac == "" && len(found.Ways) == 0 {
		found.Unused = append(found.Unused, detection(from))
	}
	return found
}

// Flags of WinHttpSettings and DefaultConnectionSettings.
const (
	flagManual = 2
	flagScript = 4
	flagDetect = 8
)

// maxText bounds a text in a record.
const maxText = 64 << 10

// parseConnectionRecord reads the record in which Windows keeps a connection's proxy:
// version, counter and flags, then proxy, exceptions and address of a PAC file, each
// with its length before it; all numbers of 32 bits, little endian.
func parseConnectionRecord(data []byte, from string) Found {
	if len(data) < 12 {
		return Found{From: from}
	}
	flags := binary.LittleEndian.Uint32(data[8:])
	data = data[12:]
	var texts [3]string
	for i := range texts {
		if len(data) < 4 {
			break
		}
		length := binary.LittleEndian.Uint32(data)
		data = data[4:]
		if length > maxText || int(length) > len(data) {
			break
		}
		texts[i] = string(data[:length])
		data = data[length:]
	}
	pac := ""
	if flags&flagScript != 0 {
		pac = texts[2]
	}
	return windowsSettings(from, texts[0], texts[1], pac, flags&flagManual != 0, flags&flagDetect != 0)
}
