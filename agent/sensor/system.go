package sensor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// longestWord is what a report may hold of each of a system's words, in bytes.
const longestWord = 64

// placeholders stand in the firmware of laptops whose maker left them there.
var placeholders = []string{
	"to be filled by o.e.m.", "system serial number", "system manufacturer", "system product name",
	"default string", "not specified", "not applicable", "none", "n/a", "unknown", "invalid", "oem", "o.e.m.", "serial",
}

// virtualWords stand in the maker or model of virtual machines.
var virtualWords = []string{
	"qemu", "kvm", "vmware", "virtualbox", "innotek", "xen", "bochs", "parallels", "virtual machine",
	"firecracker", "bhyve", "amazon ec2", "google compute engine", "openstack", "utm", "apple virtualization",
}

// Chassis types of the SMBIOS specification, section 7.4.1.
var (
	laptopTypes  = []byte{8, 9, 10, 11, 14, 30, 31, 32}
	desktopTypes = []byte{3, 4, 5, 6, 7, 13, 15, 16, 24, 34, 35, 36}
)

// ReadSystem returns what the host is, as its asset register knows it. What cannot
// be read, for instance the serial number by an ordinary user, is left empty.
func ReadSystem(h Host) *farmhoundv1.System {
	s := readSystem(h)
	for _, word := range []*string{&s.Serial, &s.Manufacturer, &s.Model, &s.OsVersion, &s.Hostname} {
		*word = cleanWord(*word)
	}
	return s
}

// cleanWord makes a word from firmware or a file fit for a report: on one line,
// printable, at most 64 bytes, and empty where it is only a placeholder.
func cleanWord(word string) string {
	word = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, word)
	word = strings.TrimSpace(word)
	if len(word) > longestWord {
		cut := longestWord
		for !utf8.RuneStart(word[cut]) {
			cut--
		}
		word = strings.TrimSpace(word[:cut])
	}
	for _, p := range placeholders {
		if strings.EqualFold(word, p) {
			return ""
		}
	}
	if strings.Trim(word, "0 .-") == "" {
		return ""
	}
	return word
}

// chassisOf tells the kind of computer from its SMBIOS words and chassis type.
func chassisOf(manufacturer, model string, kind byte) farmhoundv1.Chassis {
	words := strings.ToLower(manufacturer + " " + model)
	for _, w := range virtualWords {
		if strings.Contains(words, w) {
			return farmhoundv1.Chassis_CHASSIS_VIRTUAL
		}
	}
	switch {
	case strings.IndexByte(string(laptopTypes), kind) >= 0:
		return farmhoundv1.Chassis_CHASSIS_LAPTOP
	case strings.IndexByte(string(desktopTypes), kind) >= 0:
		return farmhoundv1.Chassis_CHASSIS_DESKTOP
	case kind == 0:
		return farmhoundv1.Chassis_CHASSIS_UNSPECIFIED
	}
	return farmhoundv1.Chassis_CHASSIS_OTHER
}
