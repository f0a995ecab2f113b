package lolrmm

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Short names for what every file of this package speaks of.
const (
	linux   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	windows = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS
	macOS   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

	identifying = farmhoundv1.Strength_STRENGTH_IDENTIFYING
	supporting  = farmhoundv1.Strength_STRENGTH_SUPPORTING
	weak        = farmhoundv1.Strength_STRENGTH_WEAK

	process   = farmhoundv1.FactKind_FACT_KIND_PROCESS
	path      = farmhoundv1.FactKind_FACT_KIND_PATH
	service   = farmhoundv1.FactKind_FACT_KIND_SERVICE
	launchd   = farmhoundv1.FactKind_FACT_KIND_LAUNCHD
	uninstall = farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY
	signer    = farmhoundv1.FactKind_FACT_KIND_SIGNER
	port      = farmhoundv1.FactKind_FACT_KIND_PORT
	domain    = farmhoundv1.FactKind_FACT_KIND_DOMAIN
	iface     = farmhoundv1.FactKind_FACT_KIND_INTERFACE
	product   = farmhoundv1.FactKind_FACT_KIND_PRODUCT_NAME
	original  = farmhoundv1.FactKind_FACT_KIND_ORIGINAL_FILENAME
)

// Reasons for which values are refused.
const (
	prose       = "prose, not a value"
	placeholder = "a placeholder for what the user sets"
	pattern     = "a pattern that no fact can hold"
	tooShort    = "too short to say anything"
	noProgram   = "no program that runs on a laptop"
	outside     = "outside the folders that a catalogue may ask for"
	sharedPath  = "a folder of many programs"
	address     = "an address, not a name"
	campaign    = "attackers' infrastructure, not the product's"
	sharedName  = "much more than this tool uses this domain"
	notVendor   = "the signer's name has nothing to do with the tool's"
)

var (
	bracketed = regexp.MustCompile(`<[^>]*>|\{\{[^}]*\}\}|\[[a-zA-Z ]+\]`)
	// classForm is a regular expression within a pattern, with what repeats it. A
	// backslash before one letter is the beginning of a folder's name.
	classForm = regexp.MustCompile(`\[[^\]]*\](\{\d+(,\d*)?\}|[*+?])?|(\\[dws]){2,}[*+?]?|\\[dws]([+]|\{\d+(,\d*)?\})|\.\*|\.\+|\([^)]*\|[^)]*\)`)
	stars     = regexp.MustCompile(`[*?%]+`)
	sentence  = regexp.MustCompile(`^[A-Za-z']+( [A-Za-z']+){3,}$`)
)

// isProse finds what was written for people in a place for values.
func isProse(text string) bool {
	return sentence.MatchString(text) && !strings.ContainsAny(text, `\/.`) || strings.Contains(text, "requires sign") ||
		strings.Contains(text, "can't find")
}

// glob brings the ways in which the list leaves something open to *.
func glob(text string) string {
	text = bracketed.ReplaceAllString(text, "*")
	text = classForm.ReplaceAllString(text, "*")
	return stars.ReplaceAllString(text, "*")
}

// programEndings are what runs and shows as a process.
var programEndings = []string{".exe", ".com", ".scr"}

// programOf maps a file name to a process fact's value, or says why there is none.
func programOf(os farmhoundv1.OperatingSystem, name string) (string, string) {
	name = strings.Trim(glob(name), `"' `)
	if strings.Trim(name, "*. ") == "" {
		return "", pattern
	}
	lower := strings.ToLower(name)
	if fixed, found := fixedEnding(lower); found {
		lower = fixed
	}
	if isProse(name) {
		return "", prose
	}
	stem, ending := lower, ""
	for _, known := range programEndings {
		if rest, found := strings.CutSuffix(lower, known); found {
			stem, ending = rest, known
		}
	}
	if os == windows && ending == "" {
		if strings.Contains(lower, ".") || strings.Contains(lower, "*") {
			return "", noProgram
		}
		ending = ".exe" // named without
	}
	if os != windows {
		if strings.ContainsAny(name[1:], ".") && !strings.HasSuffix(lower, ".exe") {
			return "", noProgram
		}
		stem, ending = name, ""
	}
	if first, rest, wild := strings.Cut(stem, "*"); wild {
		// The one wildcard of a process fact stands at the end of its stem.
		first = strings.TrimRight(first, "-_. (")
		if len(first) < 5 || strings.Trim(rest, "*-_. ()") != "" && len(first) < 7 {
			return "", pattern
		}
		stem = first + "*"
	}
	if len(strings.Trim(stem, "* ")) < 2 {
		return "", tooShort
	}
	return stem + ending, ""
}

// fixedEnding mends endings that the list misspells.
func fixedEnding(name string) (string, bool) {
	for _, wrong := range []string{".exee", ".ese", ".exe.", ".ex"} {
		if rest, found := strings.CutSuffix(name, wrong); found {
			return rest + ".exe", true
		}
	}
	return name, false
}

var (
	addressForm = regexp.MustCompile(`^[a-z]+://`)
	domainForm  = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$`)
)

// domainOf maps a domain to a fact's value, or says why there is none. What the list
// leaves open within a label covers every name below its parent.
func domainOf(text string) (string, string) {
	lower := strings.ToLower(strings.TrimSpace(text))
	switch {
	case strings.Contains(lower, "user_managed") || strings.ContainsAny(lower, "<>"):
		return "", placeholder
	case strings.Contains(lower, " "):
		return "", prose
	}
	lower = addressForm.ReplaceAllString(lower, "")
	lower, _, _ = strings.Cut(lower, "/")
	lower = glob(lower)
	if host, _, found := strings.Cut(lower, ":"); found {
		lower = host
	}
	lower = strings.Trim(lower, ".")
	if _, err := netip.ParseAddr(lower); err == nil {
		return "", address
	}
	if i := strings.LastIndexByte(lower, '*'); i >= 0 {
		_, parent, found := strings.Cut(lower[i:], ".")
		if !found || !strings.Contains(parent, ".") {
			return "", pattern
		}
		lower = "*." + parent
	}
	if !domainForm.MatchString(lower) {
		return "", pattern
	}
	return lower, ""
}

// portOf maps a port.
func portOf(text string) (string, string) {
	number, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || number == 0 {
		return "", "no single port"
	}
	return strconv.FormatUint(number, 10), ""
}

// systemOf says which system a value is of, by what the list says and by its form.
func systemOf(v Value) farmhoundv1.OperatingSystem {
	switch os := strings.ToLower(v.OS); {
	case strings.HasPrefix(os, "win"):
		return windows
	case strings.HasPrefix(os, "mac"):
		return macOS
	case strings.HasPrefix(os, "linux"):
		return linux
	}
	switch {
	case strings.HasPrefix(v.Text, "/Applications"), strings.HasPrefix(v.Text, "/Library"), strings.HasPrefix(v.Text, "~/Library"), strings.Contains(v.Text, ".app"):
		return macOS
	case strings.HasPrefix(v.Text, "/"), strings.HasPrefix(v.Text, "~/"):
		return linux
	}
	return windows
}

// holds reports whether a catalogue may hold the fact.
func holds(f *farmhoundv1.Fact) bool { return catalog.CheckFact(f) == nil }
