package source

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// SystemName returns a system as the readable form writes it.
func SystemName(os farmhoundv1.OperatingSystem) string { return wordOf(systems, int32(os)) }

// StrengthName returns a strength as the readable form writes it.
func StrengthName(s farmhoundv1.Strength) string { return wordOf(strengths, int32(s)) }

func wordOf(table map[string]int32, number int32) string {
	for word, n := range table {
		if n == number {
			return word
		}
	}
	return ""
}
