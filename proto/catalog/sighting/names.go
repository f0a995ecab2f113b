package sighting

import (
	"regexp"
	"strings"
)

// linuxComm is how much of a process name the Linux kernel keeps.
const linuxComm = 15

var (
	// command is a Windows program with its arguments.
	command = regexp.MustCompile(`(?i)^(.*?\.(?:exe|com|scr|bat|cmd|ps1|msi|jar))(?:["' ].*)?$`)
	// copied is what browsers add to a file that is there already.
	copied = regexp.MustCompile(`[ _]?\(\d{1,3}\)$|[ _]- Copy$`)
	// numbered is a version at the end of a file's name, after a separator.
	numbered = regexp.MustCompile(`(?i)[-_. ]v?\d+([._]\d+)+([-_.].*)?$`)
	// platform is what a program built for several systems has behind its name.
	platform = regexp.MustCompile(`(?i)[-_.](linux|windows|darwin|macos|win(32|64)?|x64|x86|x86_64|amd64|arm64|aarch64)([-_.].*)?$`)
	// title is what a Unix program writes behind its name: "sshd: alice [priv]".
	title = regexp.MustCompile(`^([A-Za-z0-9_.+-]+): `)
)

// process takes a file name, with or without .exe and folder, a command line, and a
// name that Linux cut to 15 bytes.
func (t *touches) process(value string) error {
	value = strings.Trim(value, `"' `)
	if i := strings.LastIndexAny(value, `/\`); i >= 0 {
		if name := value[i+1:]; t.os == windows && !strings.Contains(name, ".") {
			t.program(name) // what a path alone would take for a folder
		}
		return t.path(value)
	}
	t.program(value)
	return nil
}

// program looks a file name without folder up.
func (t *touches) program(name string) {
	if t.os == windows {
		if m := command.FindStringSubmatch(name); m != nil {
			name = m[1]
		}
		t.windowsProgram(name)
		return
	}
	t.seen(process, name)
	if m := title.FindStringSubmatch(name); m != nil {
		t.seen(process, m[1])
	}
	if first, _, more := strings.Cut(name, " -"); more {
		t.seen(process, first)
	}
	if t.os == linux && len(name) > linuxComm {
		t.seen(process, name[:linuxComm])
	}
	if bare := bareName(name); bare != name && len(bare) >= 4 {
		t.derived(process, bare)
	}
}

// bareName takes version and platform from the end of a file's name.
func bareName(name string) string {
	return platform.ReplaceAllString(numbered.ReplaceAllString(name, ""), "")
}

// noProgram are endings of files that do not run, so that .exe was not left off.
var noProgram = regexp.MustCompile(`\.(txt|log|dll|msi|zip|lnk|ini|dat|db|xml|json|ps1|cmd|bat|sys|inf|cat|tmp)$`)

func (t *touches) windowsProgram(name string) {
	lower := strings.ToLower(name)
	if noProgram.MatchString(lower) {
		t.seen(process, lower)
		return
	}
	stem := strings.TrimSuffix(lower, ".exe")
	t.seen(process, lower)
	t.seen(process, stem)
	t.seen(process, stem+".exe")
	bare := bareName(copied.ReplaceAllString(stem, ""))
	if bare != stem && len(bare) >= 4 {
		t.derived(process, bare+".exe")
	}
}

// service takes a name or a display name, with .service, instance or trade marks.
func (t *touches) service(value string) error {
	value = unmarked(value)
	if strings.HasSuffix(value, ".plist") || t.os == macOS {
		return t.launchd(value)
	}
	if i := strings.LastIndexAny(value, `/\`); i >= 0 {
		value = value[i+1:]
	}
	t.seen(service, value)
	if t.os == windows {
		for _, form := range versionless(value) {
			t.derived(service, form)
		}
	}
	return nil
}

// launchd takes a label, also of a property list's path, of launchctl's domains, or
// of a running application.
func (t *touches) launchd(value string) error {
	if i := strings.LastIndexByte(value, '/'); i >= 0 {
		value = value[i+1:]
	}
	value = strings.TrimSuffix(value, ".plist")
	if rest, running := strings.CutPrefix(value, "application."); running {
		value = instanceNumbers.ReplaceAllString(rest, "")
	}
	t.seen(launchd, value)
	t.derived(bundleID, value)
	for _, parent := range parents(value) {
		t.derived(launchd, parent)
		t.derived(bundleID, parent)
	}
	return nil
}

var instanceNumbers = regexp.MustCompile(`(\.\d+)+$`)

// parents returns a dotted name without its last parts, as long as maker and
// product are left: com.maker.product for com.maker.product.helper.
func parents(dotted string) []string {
	var found []string
	for {
		i := strings.LastIndexByte(dotted, '.')
		if i < 0 || strings.Count(dotted[:i], ".") < 2 {
			return found
		}
		dotted = dotted[:i]
		found = append(found, dotted)
	}
}

// bundleID takes an identifier, also one of a helper below it, or one with a team's
// prefix.
func (t *touches) bundleID(value string) error {
	t.seen(bundleID, value) // some end in .app
	value = strings.TrimSuffix(value, ".app")
	if rest := teamPrefix.ReplaceAllString(value, ""); rest != value {
		t.seen(bundleID, rest)
	}
	t.seen(bundleID, value)
	t.derived(pkg, value)
	t.derived(launchd, value)
	for _, parent := range parents(value) {
		t.derived(bundleID, parent)
	}
	return nil
}

var teamPrefix = regexp.MustCompile(`^[A-Z0-9]{10}\.`)

var (
	// edition is what installers write behind a product's name.
	edition  = regexp.MustCompile(`(?i)[\s,_-]+(\(?(x64|x86|64[- ]?bit|32[- ]?bit|amd64|arm64|en-us|machine|user|remove only)\)?|\(?v?(er(sion|\.)?)?\s*\d+(\.\d+)*([a-z]\d*)?(\s+(build|beta|rc|release)\s*\d*.*)?\)?|release|version)$`)
	registry = regexp.MustCompile(`(?i)^.*\\Uninstall\\`)
)

// versionless returns a name with what tells its editions apart taken from its end,
// step by step.
func versionless(name string) []string {
	var found []string
	for range 4 {
		shorter := strings.TrimSpace(edition.ReplaceAllString(name, ""))
		if shorter == name || len(shorter) < 3 {
			break
		}
		name = shorter
		found = append(found, name)
	}
	return found
}

// unmarked takes trade marks out of a name.
func unmarked(name string) string {
	return strings.TrimSpace(strings.NewReplacer("®", "", "™", "", "(R)", "", "(TM)", "").Replace(name))
}

// uninstallKey takes a key below Uninstall, with or without the registry path, or a
// display name with its version.
func (t *touches) uninstallKey(value string) error {
	value = unmarked(registry.ReplaceAllString(value, ""))
	value, _, _ = strings.Cut(value, `\`)
	for _, form := range append(versionless(value), value, strings.TrimSuffix(value, "_is1")) {
		t.seen(uninstall, form)
		t.derived(product, form)
	}
	return nil
}

// productName takes the ProductName of a version resource.
func (t *touches) productName(value string) error {
	value = unmarked(value)
	t.seen(product, value)
	t.derived(uninstall, value)
	for _, form := range versionless(value) {
		t.seen(product, form)
		t.derived(uninstall, form)
	}
	return nil
}

// originalFilename takes the OriginalFilename of a version resource, by which a
// renamed program is known: it is looked up among the names of programs, too.
func (t *touches) originalFilename(value string) error {
	if i := strings.LastIndexAny(value, `/\`); i >= 0 {
		value = value[i+1:]
	}
	value = strings.TrimSuffix(strings.ToLower(strings.Trim(value, `"' `)), ".mui")
	stem := strings.TrimSuffix(value, ".exe")
	t.seen(original, value)
	t.seen(original, stem)
	t.seen(original, stem+".exe")
	t.windowsProgram(value)
	return nil
}

var (
	// attribute is one part of a distinguished name; a value in quotes may hold commas.
	attribute = regexp.MustCompile(`(?i)(?:^|[,;/+]\s*)(CN|O|OU)\s*=\s*("[^"]*"|(?:\\.|[^,;/+\\])*)`)
	developer = regexp.MustCompile(`(?i)^(?:Authority=)?(?:Developer ID (?:Application|Installer)|Apple Development|3rd Party Mac Developer Application): `)
	team      = regexp.MustCompile(`\s*\(([A-Z0-9]{10})\)$`)
	// legalForm is a company's legal form, which certificates spell in several ways.
	legalForm = regexp.MustCompile(`(?i)[\s,.]+(inc|incorporated|llc|ltd|limited|gmbh|corp|corporation|co|company|ag|sa|srl|s\.r\.l|bv|b\.v|pty|pte|plc|oy|ab|s\.a|kft|sp\. ?z ?o\.?o)\.?$`)
)

// signer takes a name, a distinguished name, or Apple's form with a team id.
func (t *touches) signer(value string) error {
	names := []string{value}
	for _, m := range attribute.FindAllStringSubmatch(value, -1) {
		names = append(names, strings.ReplaceAll(strings.Trim(strings.TrimSpace(m[2]), `"`), `\,`, ","))
	}
	for _, name := range names {
		name = developer.ReplaceAllString(name, "")
		if m := team.FindStringSubmatch(name); m != nil {
			t.seen(signer, m[1])
			name = team.ReplaceAllString(name, "")
		}
		t.seen(signer, name)
	}
	return nil
}
