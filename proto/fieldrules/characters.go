package fieldrules

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// tokenMarks are the marks that identifiers, versions and zone names use.
const tokenMarks = "._-:/+@~"

func knownClass(class farmhoundv1.CharacterClass) bool {
	_, ok := farmhoundv1.CharacterClass_name[int32(class)]
	return ok
}

// Holds reports whether every character of text is of the class. Text must be
// valid UTF-8. The unspecified class holds everything; the address class holds
// only a whole address, or nothing at all.
func Holds(class farmhoundv1.CharacterClass, text string) bool {
	if class == farmhoundv1.CharacterClass_CHARACTER_CLASS_IP_ADDRESS {
		return text == "" || isAddress(text)
	}
	allowed := allows(class)
	if allowed == nil {
		return true
	}
	for _, r := range text {
		if !allowed(r) {
			return false
		}
	}
	return true
}

// Clean returns what a field of the class and length can carry of an untrusted
// text: characters outside the class and broken UTF-8 are dropped, surrounding
// spaces removed, and the rest cut at a character boundary to at most maxLength
// bytes. Text that is no address becomes empty in the address class.
func Clean(class farmhoundv1.CharacterClass, text string, maxLength int) string {
	if class == farmhoundv1.CharacterClass_CHARACTER_CLASS_IP_ADDRESS {
		if len(text) > maxLength || !isAddress(text) {
			return ""
		}
		return text
	}
	allowed := allows(class)
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || allowed != nil && !allowed(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.TrimSpace(text)
	if len(text) <= maxLength {
		return text
	}
	cut := max(maxLength, 0)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.TrimSpace(text[:cut])
}

// allows returns the test of one character, nil where any will do.
func allows(class farmhoundv1.CharacterClass) func(rune) bool {
	switch class {
	case farmhoundv1.CharacterClass_CHARACTER_CLASS_TOKEN:
		return isToken
	case farmhoundv1.CharacterClass_CHARACTER_CLASS_HEX:
		return isHex
	case farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE:
		return isPrintable
	default:
		return nil
	}
}

func classProblem(class farmhoundv1.CharacterClass) string {
	switch class {
	case farmhoundv1.CharacterClass_CHARACTER_CLASS_TOKEN:
		return "holds more than letters, digits and " + tokenMarks
	case farmhoundv1.CharacterClass_CHARACTER_CLASS_HEX:
		return "holds more than lower-case hexadecimal digits"
	case farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE:
		return "holds characters that do not print"
	default:
		return "is not an IP address without port and zone"
	}
}

func isToken(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		r < utf8.RuneSelf && strings.IndexByte(tokenMarks, byte(r)) >= 0
}

func isHex(r rune) bool { return '0' <= r && r <= '9' || 'a' <= r && r <= 'f' }

// isPrintable leaves out control, format (bidirectional overrides among them),
// private-use and line or paragraph separator characters.
func isPrintable(r rune) bool { return unicode.IsGraphic(r) }

func isAddress(text string) bool {
	address, err := netip.ParseAddr(text)
	return err == nil && address.Zone() == ""
}
