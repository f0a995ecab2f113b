package source

import (
	"path"
	"regexp"
	"slices"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// genericWords name a role, not a product. On their own they identify nothing.
var genericWords = []string{
	"agent", "app", "assist", "assistant", "client", "connect", "connector", "control", "daemon", "desktop", "display",
	"helper", "host", "install", "installer", "launcher", "manager", "monitor", "remote", "server", "service", "session",
	"setup", "streamer", "support", "tray", "tunnel", "update", "updater", "viewer", "vnc", "vpn",
}

// sharedInterfaces are names the kernel and many programs hand out.
var sharedInterfaces = []string{"eth", "en", "wl", "ww", "lo", "br", "docker", "veth", "virbr", "tun", "tap", "ppp", "utun", "wg"}

// soleProducts are products of shared vendor ids that are one thing and nothing else,
// and mostly have no words of their own.
var soleProducts = map[[2]uint32]bool{
	{0x1a86, 0xe129}: true, // CH9329, plays keyboard and pointer
	{0x1a86, 0xfe0c}: true, // CH32V208 with Openterface's firmware for the same
}

// sharedVendors are USB vendor ids that many makers build on, or that devices
// posing as others borrow.
var sharedVendors = []uint32{0x03eb, 0x045e, 0x046d, 0x1209, 0x16c0, 0x16d0, 0x1a86, 0x1d50, 0x1d6b, 0x2341, 0x2e8a, 0x303a, 0x413c}

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// linter judges entries that have been read, against each other and against
// what ordinary computers carry.
type linter struct {
	common      *commonList
	ids         map[string]position
	identifying map[string]owner
	problems    []error
}

// owner is who has an identifying fact, and where it says so.
type owner struct {
	id string
	at position
}

func lint(documents []*document) []error {
	l := &linter{common: commonOnce(), ids: map[string]position{}, identifying: map[string]owner{}}
	for _, d := range documents {
		l.lintEntry(d)
		for i, f := range d.entry.GetFacts() {
			l.lintFact(d, f, d.facts[i])
		}
	}
	return l.problems
}

func (l *linter) fail(at position, format string, args ...any) {
	l.problems = append(l.problems, at.problem(format, args...))
}

func (l *linter) lintEntry(d *document) {
	id := d.entry.GetId()
	if !idForm.MatchString(id) {
		l.fail(d.id, "the id must be lower-case words of letters and digits, joined by hyphens")
	}
	if want := id + ".yaml"; d.alone && d.origin == "" && path.Base(d.at.file) != want {
		l.fail(d.id, "the id must be the file's name; expected the file %s", want)
	}
	if first, repeated := l.ids[id]; repeated {
		l.fail(d.id, "the id is already taken by %s", first.file)
	}
	l.ids[id] = d.id
	// An imported entry may only be seen by those who look facts up.
	if !letsNobodyIn(d.entry.GetCategory()) && d.origin == "" && !canMatch(d.entry) {
		l.fail(d.id, "the entry can never match: it needs an identifying fact, or supporting facts of two kinds on one system")
	}
	if letsNobodyIn(d.entry.GetCategory()) && (d.entry.GetSession() != 0 || d.entry.GetUnattended()) {
		l.fail(d.at, "what lets nobody in gives no session and is not unattended")
	}
	for _, reference := range d.entry.GetReferences() {
		if !strings.HasPrefix(reference, "https://") {
			l.fail(d.at, "reference %q must be an https address", reference)
		}
	}
	if len(d.entry.GetReferences()) == 0 {
		l.fail(d.at, "needs references: where the facts come from")
	}
}

// letsNobodyIn says of a category that no tool in it is inbound control.
func letsNobodyIn(c farmhoundv1.Category) bool {
	return c == farmhoundv1.Category_CATEGORY_OPERATOR_CLIENT || c == farmhoundv1.Category_CATEGORY_FILE_TRANSFER ||
		c == farmhoundv1.Category_CATEGORY_UTILITY
}

// canMatch reports whether some system has facts enough.
func canMatch(e *farmhoundv1.Entry) bool {
	supporting := map[farmhoundv1.OperatingSystem]map[farmhoundv1.FactKind]bool{}
	uncommon := map[farmhoundv1.OperatingSystem]bool{}
	for _, f := range e.GetFacts() {
		if f.GetStrength() == farmhoundv1.Strength_STRENGTH_IDENTIFYING {
			return true
		}
		if f.GetStrength() != farmhoundv1.Strength_STRENGTH_SUPPORTING {
			continue
		}
		for os := range farmhoundv1.OperatingSystem_name {
			if system := farmhoundv1.OperatingSystem(os); f.GetOs() == 0 || f.GetOs() == system {
				if supporting[system] == nil {
					supporting[system] = map[farmhoundv1.FactKind]bool{}
				}
				supporting[system][f.GetKind()] = true
				uncommon[system] = uncommon[system] || !f.GetCommon()
			}
		}
	}
	for system, kinds := range supporting {
		if len(kinds) > 1 && uncommon[system] {
			return true
		}
	}
	return false
}

func (l *linter) lintFact(d *document, f *farmhoundv1.Fact, at position) {
	for i, earlier := range d.entry.GetFacts() {
		if d.facts[i] == at {
			break
		}
		if factKey(earlier) == factKey(f) && (earlier.GetOs() == f.GetOs() || earlier.GetOs() == 0 || f.GetOs() == 0) {
			l.fail(at, "the fact is already given in line %d", d.facts[i].line)
			break
		}
	}
	if f.GetCommon() && f.GetStrength() != farmhoundv1.Strength_STRENGTH_SUPPORTING {
		l.fail(at, "only a supporting fact can be common")
	}
	if f.GetStrength() == farmhoundv1.Strength_STRENGTH_WEAK {
		return
	}
	if problem := tooCommon(f, l.common); problem != "" && !f.GetCommon() {
		l.fail(at, "%s; make it weak or, beside facts that they have not, supporting and common", problem)
	}
	if f.GetStrength() != farmhoundv1.Strength_STRENGTH_IDENTIFYING {
		return
	}
	if problem := notIdentifying(f); problem != "" {
		l.fail(at, "%s; make it supporting or weak", problem)
	}
	l.lintUnique(d.entry.GetId(), f, at)
}

// lintUnique finds one identifying fact in two entries. Report descriptors may
// be shared, since makers share firmware and a match names them all.
func (l *linter) lintUnique(id string, f *farmhoundv1.Fact, at position) {
	if f.GetKind() == farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR {
		return
	}
	key := f.GetOs().String() + " " + factKey(f)
	if first, taken := l.identifying[key]; taken && first.id != id {
		l.fail(at, "the fact identifies %s already; two entries cannot share it", first.at.file)
		return
	}
	l.identifying[key] = owner{id, at}
}

func factKey(f *farmhoundv1.Fact) string {
	return f.GetKind().String() + " " + f.GetValue() + " " + f.GetUsb().String() + " " + f.GetEdid().String()
}

// programRoots hold one folder per maker or program, in lower case.
var programRoots = []string{
	`c:\program files\`, `c:\program files (x86)\`, `c:\programdata\`, `c:\windows\`, `~\appdata\local\`, `~\appdata\roaming\`,
	"/opt/", "/usr/lib/", "/usr/share/", "/usr/local/", "~/.config/", "~/.local/share/",
	"/applications/", "/library/", "/library/application support/", "~/library/application support/",
}

// commonKinds are the words of common.txt and what ordinary computers do with a name.
var commonKinds = map[farmhoundv1.FactKind]struct{ word, reason string }{
	farmhoundv1.FactKind_FACT_KIND_PROCESS:           {"process", "ordinary computers run a program of this name"},
	farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS:   {"process", "ordinary computers run a program of this name"},
	farmhoundv1.FactKind_FACT_KIND_ORIGINAL_FILENAME: {"original_filename", "programs of many makers were built under this name"},
	farmhoundv1.FactKind_FACT_KIND_SERVICE:           {"service", "ordinary computers run a service of this name"},
	farmhoundv1.FactKind_FACT_KIND_LAUNCHD:           {"launchd", "ordinary computers run a job of this name"},
	farmhoundv1.FactKind_FACT_KIND_PACKAGE:           {"package", "ordinary computers have a package of this name"},
	farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID:         {"bundle_id", "ordinary computers have this application"},
	farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY:     {"uninstall_key", "ordinary computers have this product"},
	farmhoundv1.FactKind_FACT_KIND_PRODUCT_NAME:      {"product_name", "much more than this tool is called so"},
	farmhoundv1.FactKind_FACT_KIND_SIGNER:            {"signer", "it signs much more than this tool"},
	farmhoundv1.FactKind_FACT_KIND_PORT:              {"port", "everyday services use this port"},
	farmhoundv1.FactKind_FACT_KIND_DOMAIN:            {"domain", "much more than this tool uses this domain"},
	farmhoundv1.FactKind_FACT_KIND_PATH:              {"folder", "many programs share this folder"},
}

// tooCommon says why a fact would match ordinary computers, empty if it would not.
func tooCommon(f *farmhoundv1.Fact, common *commonList) string {
	kind, known := commonKinds[f.GetKind()]
	value := plainValue(f)
	switch {
	case f.GetKind() == farmhoundv1.FactKind_FACT_KIND_INTERFACE:
		stem := strings.TrimRight(value, "*0123456789")
		if stem == "" || slices.Contains(sharedInterfaces, stem) && stem != "wg" {
			return "many programs name interfaces so"
		}
	case known && common.holds(kind.word, value):
		return kind.reason
	case kind.word == "process" || f.GetKind() == farmhoundv1.FactKind_FACT_KIND_ORIGINAL_FILENAME || kind.word == "service":
		return roleOnly(f, strings.TrimRight(value, "*@"))
	}
	return ""
}

// roleOnly says why a name is anybody's.
func roleOnly(f *farmhoundv1.Fact, stem string) string {
	const shortest = 3
	if len(stem) < shortest {
		return "a name so short is many programs'"
	}
	if slices.Contains(genericWords, stem) {
		return "the name says a role, not a product"
	}
	return ""
}

// plainValue is a fact's value as common.txt writes it.
func plainValue(f *farmhoundv1.Fact) string {
	value := strings.ToLower(f.GetValue())
	switch f.GetKind() {
	case farmhoundv1.FactKind_FACT_KIND_PROCESS, farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS:
		return strings.TrimSuffix(value, ".exe")
	case farmhoundv1.FactKind_FACT_KIND_SERVICE:
		return strings.TrimSuffix(value, ".service")
	case farmhoundv1.FactKind_FACT_KIND_DOMAIN:
		return strings.TrimPrefix(value, "*.")
	case farmhoundv1.FactKind_FACT_KIND_PATH:
		return firstFolder(value)
	}
	return value
}

// firstFolder returns the folder that a path asks for directly below a program root,
// empty where it asks for something within it.
func firstFolder(value string) string {
	for _, root := range programRoots {
		folder, below := strings.CutPrefix(value, root)
		if below && strings.HasSuffix(folder, root[len(root)-1:]) && strings.Count(folder, root[len(root)-1:]) == 1 {
			return folder[:len(folder)-1]
		}
	}
	return ""
}

// notIdentifying says why a fact may support but cannot identify.
func notIdentifying(f *farmhoundv1.Fact) string {
	value := strings.ToLower(f.GetValue())
	switch f.GetKind() {
	case farmhoundv1.FactKind_FACT_KIND_PORT:
		return "any program may listen on a port"
	case farmhoundv1.FactKind_FACT_KIND_PROCESS, farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS, farmhoundv1.FactKind_FACT_KIND_SERVICE:
		stem := strings.TrimSuffix(strings.TrimRight(value, "*@"), ".exe")
		if len(stem) < 4 {
			return "a name of fewer than four letters identifies nothing"
		}
	case farmhoundv1.FactKind_FACT_KIND_INTERFACE:
		if len(strings.TrimSuffix(value, "*")) < 4 {
			return "a name of fewer than four letters identifies nothing"
		}
	case farmhoundv1.FactKind_FACT_KIND_USB:
		u := f.GetUsb()
		named := u.GetManufacturer() != "" || u.GetProduct() != "" || u.GetStorageName() != ""
		if !named && (u.ProductId == nil || slices.Contains(sharedVendors, u.GetVendorId()) && !soleProducts[[2]uint32{u.GetVendorId(), u.GetProductId()}]) {
			return "many makers build on this vendor id, so that the device's own words are needed"
		}
	case farmhoundv1.FactKind_FACT_KIND_EDID:
		e := f.GetEdid()
		if e.GetMaker() == "" || e.ProductCode == nil || e.GetName() == "" {
			return "a display is identified by maker, product code and name together"
		}
	}
	return ""
}
