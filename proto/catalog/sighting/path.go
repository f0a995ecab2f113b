package sighting

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// variables are the folders that Windows keeps in the environment.
var variables = map[string]string{
	"programfiles": `C:\Program Files`, "programfiles(x86)": `C:\Program Files (x86)`, "programw6432": `C:\Program Files`,
	"commonprogramfiles": `C:\Program Files\Common Files`, "commonprogramfiles(x86)": `C:\Program Files (x86)\Common Files`,
	"programdata": `C:\ProgramData`, "allusersprofile": `C:\ProgramData`, "systemdrive": `C:`, "systemroot": `C:\Windows`, "windir": `C:\Windows`,
	"userprofile": `~`, "homepath": `~`, "appdata": `~\AppData\Roaming`, "localappdata": `~\AppData\Local`,
	"temp": `~\AppData\Local\Temp`, "tmp": `~\AppData\Local\Temp`, "public": `C:\Users\Public`,
}

var (
	variable   = regexp.MustCompile(`(?i)^(?:%([a-z0-9_()]+)%|\$\{?env:([a-z0-9_()]+)\}?)`)
	device     = regexp.MustCompile(`(?i)^(?:\\\\[?.]\\|\\\?\?\\|\\Device\\HarddiskVolume\d+\\|[D-Z]:\\)`)
	profile    = regexp.MustCompile(`(?i)^C:\\(?:Users\\[^\\]+|Documents and Settings\\[^\\]+|Windows\\System32\\config\\systemprofile|Windows\\SysWOW64\\config\\systemprofile|Windows\\ServiceProfiles\\[^\\]+)(\\|$)`)
	driverFile = regexp.MustCompile(`(?i)\.(inf|sys|cat)$`)
	oldData    = regexp.MustCompile(`(?i)^~\\(?:Local Settings\\)?Application Data\\`)
	unixHome   = regexp.MustCompile(`^(?:/home/[^/]+|/Users/[^/]+|/root|/var/root|\$HOME|\$\{HOME\}|~[a-z][^/]*)(/|$)`)
)

// windowsRoots are where an application has a folder of its own. What is installed
// below one of them for one user is below another for all.
var windowsRoots = []string{
	`C:\Program Files\`, `C:\Program Files (x86)\`, `C:\ProgramData\`, `~\AppData\Local\`, `~\AppData\Roaming\`, `~\AppData\Local\Programs\`, `C:\Windows\`, `C:\`,
}

// path takes a full path in any case, with somebody's name, a drive, variables of the
// environment or wildcards in it, of a program or a folder.
func (t *touches) path(value string) error {
	value = strings.Trim(value, `"' `)
	if value == "" {
		return errors.New("the path is empty")
	}
	if t.os == windows {
		t.windowsPath(value)
	} else {
		t.unixPath(value)
	}
	return nil
}

func (t *touches) windowsPath(value string) {
	value = strings.ReplaceAll(value, "/", `\`)
	if m := command.FindStringSubmatch(value); m != nil {
		value = strings.Trim(m[1], `"'`)
	}
	value = windowsPlain(value)
	folder := value[:strings.LastIndexByte(value, '\\')+1]
	if name := value[len(folder):]; name != "" && strings.Trim(name, "*") != "" {
		if strings.Contains(name, ".") {
			t.program(name)
			t.derived(driver, driverFile.ReplaceAllString(name, ""))
		} else {
			folder = value + `\` // a folder, named without its separator
		}
	}
	for _, form := range []string{value, folder} {
		t.seen(path, form)
		t.seen(path, otherProgramFiles(form))
	}
	t.windowsFolders(folder)
}

// windowsFolders looks every folder of a path up as one below each root, and as what
// an installer calls its product.
func (t *touches) windowsFolders(folder string) {
	const most = 12
	steps := strings.FieldsFunc(folder, func(r rune) bool { return r == '\\' })
	for i, step := range steps {
		if i >= most || strings.HasSuffix(step, ":") || step == "~" {
			continue
		}
		rest := strings.Join(steps[i:], `\`) + `\`
		for _, root := range windowsRoots {
			t.derived(path, root+rest)
		}
		if len(step) >= 5 && !slices.Contains(everyday, strings.ToLower(step)) {
			t.derived(uninstall, step)
		}
	}
}

// everyday folders are nobody's product.
var everyday = []string{
	"users", "public", "windows", "system32", "syswow64", "program files", "program files (x86)", "programdata", "appdata", "local", "roaming",
	"programs", "downloads", "desktop", "documents", "microsoft", "google", "application", "common files",
}

// windowsPlain brings a path to drive C, with ~ for whoever's folder.
func windowsPlain(value string) string {
	for device.MatchString(value) {
		value = `C:\` + device.ReplaceAllString(value, "")
		if rest, doubled := strings.CutPrefix(value, `C:\C:\`); doubled {
			value = `C:\` + rest
		}
	}
	for strings.Contains(value[min(1, len(value)):], `\\`) {
		value = value[:1] + strings.ReplaceAll(value[1:], `\\`, `\`)
	}
	if m := variable.FindStringSubmatch(value); m != nil {
		if folder, known := variables[strings.ToLower(m[1]+m[2])]; known {
			value = folder + value[len(m[0]):]
		}
	}
	value = strings.TrimSuffix(value, "*")
	value = strings.NewReplacer(`PROGRA~1\`, `Program Files\`, `PROGRA~2\`, `Program Files (x86)\`, `PROGRA~3\`, `ProgramData\`).Replace(value)
	value = profile.ReplaceAllString(value, `~$1`)
	switch {
	case strings.HasPrefix(strings.ToLower(value), `~\local settings\`):
		value = oldData.ReplaceAllString(value, `~\AppData\Local\`)
	default:
		value = oldData.ReplaceAllString(value, `~\AppData\Roaming\`)
	}
	// A hunter's pattern that begins anywhere.
	if rest, anywhere := strings.CutPrefix(value, `*\`); anywhere {
		value = `C:\` + rest
	}
	return value
}

func otherProgramFiles(value string) string {
	const long, short = `c:\program files (x86)\`, `c:\program files\`
	lower := strings.ToLower(value)
	switch {
	case strings.HasPrefix(lower, long):
		return `C:\Program Files\` + value[len(long):]
	case strings.HasPrefix(lower, short):
		return `C:\Program Files (x86)\` + value[len(short):]
	}
	return ""
}

func (t *touches) unixPath(value string) {
	value = strings.TrimSuffix(strings.TrimPrefix(value, "file://"), "*")
	if program, _, arguments := strings.Cut(value, " --"); arguments {
		value = program
	}
	value = unixHome.ReplaceAllString(value, "~$1")
	t.seen(path, value)
	t.seen(path, value+"/")
	steps := strings.FieldsFunc(value, func(r rune) bool { return r == '/' })
	if len(steps) == 0 {
		return
	}
	name := steps[len(steps)-1]
	folder := strings.HasSuffix(value, "/")
	t.jobFile(value, name)
	if i := slices.IndexFunc(steps, func(s string) bool { return strings.HasSuffix(s, ".app") }); i >= 0 {
		t.application(steps[i])
	}
	if !folder {
		t.program(name)
	}
	t.ownFolder(value, steps)
}

// jobFile reads what starts a program as the name of its job.
func (t *touches) jobFile(value, name string) {
	if label, found := strings.CutSuffix(name, ".plist"); found && strings.Contains(value, "/Launch") {
		t.seen(launchd, label)
	}
	if strings.HasSuffix(name, ".service") || strings.Contains(value, "/init.d/") {
		t.seen(service, name)
	}
}

// application reads a macOS bundle wherever it lies.
func (t *touches) application(bundle string) {
	t.seen(path, "/Applications/"+bundle+"/")
	t.derived(process, strings.TrimSuffix(bundle, ".app"))
}

// unixRoots hold folders of applications; a path below one of them is looked up
// below the others, and its name as that of a package.
var unixRoots = []string{
	"/opt/", "/usr/local/bin/", "/usr/local/sbin/", "/usr/local/", "/usr/share/", "/usr/lib/", "/usr/libexec/", "/usr/bin/", "/usr/sbin/", "/etc/", "/var/lib/", "/var/log/", "/var/opt/",
	"~/.config/", "~/.local/share/", "~/.cache/", "~/.", "/Library/Application Support/", "~/Library/Application Support/", "~/Library/Logs/", "/Library/", "/Applications/", "~/Applications/",
}

func (t *touches) ownFolder(value string, steps []string) {
	if len(steps) < 2 {
		return
	}
	for _, root := range unixRoots {
		rest, below := strings.CutPrefix(value, root)
		if !below || rest == "" {
			continue
		}
		own, _, _ := strings.Cut(rest, "/")
		t.derived(pkg, own)
		if t.os == macOS {
			t.take(t.reader.applications[lettersOf(own)], true)
		}
		for _, other := range unixRoots {
			t.derived(path, other+rest)
			t.derived(path, other+own+"/")
		}
		return
	}
}
