package heard

import "strings"

// Kind is what kind of thing announced itself.
type Kind uint8

// The kinds.
const (
	// Other is anything else.
	Other Kind = iota
	// Laptop is a laptop of a maker whose addresses telephones have too: a MacBook.
	Laptop
	// KVM is an IP-KVM: a remote console.
	KVM
)

// hostNames are the names that IP-KVMs have as they are delivered.
var hostNames = [...]string{"pikvm", "jetkvm", "nanokvm", "blikvm", "glkvm", "tinypilot"}

// kvmService is what PiKVM announces.
const kvmService = "_pikvm._tcp"

// hostKind returns the kind of thing that has a host name, without its domain.
func hostKind(name string) Kind {
	for _, known := range hostNames {
		if len(name) < len(known) || !strings.EqualFold(name[:len(known)], known) {
			continue
		}
		// A number or the device's id may follow, as it does where two have one name.
		if rest := name[len(known):]; rest == "" || rest[0] == '-' {
			return KVM
		}
	}
	// Sipeed's: kvm- and four digits of its address.
	if len(name) == 8 && strings.EqualFold(name[:4], "kvm-") && isHex(name[4:]) {
		return KVM
	}
	// As in Annas-MacBook-Air, which is the name that macOS makes up.
	for i := range max(len(name)-len(macBook)+1, 0) {
		if strings.EqualFold(name[i:i+len(macBook)], macBook) {
			return Laptop
		}
	}
	return Other
}

// macBook begins the models of Apple's laptops.
const macBook = "MacBook"

func hasSuffixFold(text, end string) bool {
	return len(text) >= len(end) && strings.EqualFold(text[len(text)-len(end):], end)
}

func isHex(text string) bool {
	for i := range len(text) {
		c := text[i] | 0x20 // lower case, and digits as they are
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// nameKind returns the kind of thing that has a name in the local domain, or provides a
// service of that name.
func nameKind(name string) Kind {
	name = strings.TrimSuffix(name, ".")
	if !hasSuffixFold(name, ".local") {
		return Other
	}
	name = name[:len(name)-len(".local")]
	if !strings.Contains(name, ".") {
		return hostKind(name)
	}
	if name == kvmService || hasSuffixFold(name, "."+kvmService) {
		return KVM
	}
	return Other
}
