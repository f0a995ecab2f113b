package lolrmm

import (
	"regexp"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog/source"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var (
	variables = strings.NewReplacer(
		"%programfiles(x86)%", `C:\Program Files (x86)`, "%programfiles%", `C:\Program Files`, "%programdata%", `C:\ProgramData`,
		"%allusersprofile%", `C:\ProgramData`, "%localappdata%", `~\AppData\Local`, "%appdata%", `~\AppData\Roaming`,
		"%userprofile%", `~`, "%windir%", `C:\Windows`, "%systemroot%", `C:\Windows`, "%systemdrive%", `C:`, "%temp%", `~\AppData\Local\Temp`,
	)
	percent  = regexp.MustCompile(`%[A-Za-z0-9_()]+%`)
	profiles = regexp.MustCompile(`(?i)^(?:C:\\Users\\[^\\]+|\*?Users\\[^\\]+|C:\\Windows\\ServiceProfiles\\[^\\]+|C:\\Windows\\System32\\config\\systemprofile)\\`)
	homes    = regexp.MustCompile(`^(?:/home/[^/]+|/Users/[^/]+|/root|\$HOME)/`)
	roots    = regexp.MustCompile(`(?i)^\*?\\?(Program Files( \(x86\))?|ProgramData|Windows)\\`)
)

// mapPath maps a path to what can be asked for: the program's name, the folder, and
// the job that starts it.
func (m *mapper) mapPath(v Value) {
	os := systemOf(v)
	text := strings.Trim(strings.ReplaceAll(v.Text, `\\`, `\`), `"' `)
	if isProse(text) {
		m.refuse(v, prose)
		return
	}
	if os == windows {
		m.windowsPath(v, strings.ReplaceAll(text, "/", `\`))
		return
	}
	m.unixPath(v, os, text)
}

func (m *mapper) windowsPath(v Value, text string) {
	text = percent.ReplaceAllStringFunc(text, func(name string) string { return variables.Replace(strings.ToLower(name)) })
	if !strings.Contains(text, `\`) {
		m.mapProgram(v, windows, text, process)
		return
	}
	text = profiles.ReplaceAllString(glob(text), `~\`)
	text = roots.ReplaceAllString(text, `C:\$1\`)
	folder := text[:strings.LastIndexByte(text, '\\')+1]
	name := text[len(folder):]
	mapped := false
	if strings.Contains(name, ".") && strings.Trim(name, "*.") != "" {
		if value, why := programOf(windows, name); why == "" {
			mapped = m.program(v, windows, value, process)
		}
	} else if name != "" && !strings.Contains(name, "*") {
		folder = text + `\`
	}
	m.folder(v, folder, mapped)
}

// folder maps a Windows folder, as far as its beginning leaves nothing open.
func (m *mapper) folder(v Value, folder string, mapped bool) {
	anywhere := strings.HasPrefix(folder, `*\`)
	folder = strings.TrimPrefix(folder, `*\`)
	if i := strings.IndexByte(folder, '*'); i >= 0 {
		folder = folder[:strings.LastIndexByte(folder[:i], '\\')+1]
	}
	var candidates []string
	switch steps := strings.FieldsFunc(folder, func(r rune) bool { return r == '\\' }); {
	case len(steps) == 0:
	case anywhere:
		candidates = []string{`C:\Program Files\` + folder, `C:\Program Files (x86)\` + folder}
	case steps[0] == "~" && len(steps) > 3:
		candidates = []string{strings.Join(steps[:4], `\`) + `\`}
	default:
		candidates = []string{folder}
	}
	if len(candidates) == 0 {
		if !mapped {
			m.refuse(v, pattern)
		}
		return
	}
	m.paths(v, windows, candidates, mapped)
}

// paths adds the first of the candidates that may be asked for, and the other where
// the list does not say under which root.
func (m *mapper) paths(v Value, os farmhoundv1.OperatingSystem, candidates []string, mapped bool) {
	why := outside
	for _, candidate := range candidates {
		steps := strings.FieldsFunc(candidate, func(r rune) bool { return r == '\\' || r == '/' })
		if len(steps) == 0 {
			continue
		}
		last := steps[len(steps)-1]
		switch f := (&farmhoundv1.Fact{Kind: path, Os: os, Value: candidate, Strength: supporting}); {
		case source.TooCommon(f) != "":
			why = sharedPath
		case len(last) < 3:
			why = tooShort
		case !holds(f):
		default:
			m.add(v, f)
			mapped = true
		}
	}
	if !mapped {
		m.refuse(v, why)
	}
}

func (m *mapper) unixPath(v Value, os farmhoundv1.OperatingSystem, text string) {
	if !strings.Contains(text, "/") {
		name := strings.TrimSuffix(text, ".app")
		m.mapProgram(v, os, name, process)
		return
	}
	text = homes.ReplaceAllString(glob(text), "~/")
	folder := text[:strings.LastIndexByte(text, '/')+1]
	name := strings.Trim(text[len(folder):], "*")
	mapped := m.job(v, os, text, name)
	if before, _, found := strings.Cut(text, ".app"); found && os == macOS && strings.HasPrefix(text, "/Applications/") && !strings.Contains(before, "*") {
		m.paths(v, os, []string{before + ".app/"}, mapped)
		return
	}
	if name != "" && !mapped && (!strings.Contains(name, ".") || strings.Contains(folder, "/bin/")) {
		if value, why := programOf(os, name); why == "" {
			mapped = m.program(v, os, value, process)
		}
	}
	if i := strings.IndexByte(folder, '*'); i >= 0 {
		folder = folder[:strings.LastIndexByte(folder[:i], '/')+1]
	}
	candidates := []string{folder}
	if name != "" && !strings.Contains(text, "*") {
		candidates = []string{text, folder}
	}
	if home, below := strings.CutPrefix(folder, "~/"); below {
		steps := strings.SplitN(home, "/", 3)
		if strings.HasPrefix(home, "Library/Application Support/") || len(steps) == 3 {
			candidates = []string{"~/" + steps[0] + "/" + steps[1] + "/"}
		}
	}
	m.paths(v, os, slices.Compact(candidates), mapped)
}

// job maps what starts a program.
func (m *mapper) job(v Value, os farmhoundv1.OperatingSystem, text, name string) bool {
	if label, found := strings.CutSuffix(name, ".plist"); found && strings.Contains(text, "/Launch") {
		return m.add(v, &farmhoundv1.Fact{Kind: launchd, Os: os, Value: trailing(label), Strength: supporting})
	}
	if unit, found := strings.CutSuffix(name, ".service"); found {
		return m.named(v, os, trailing(unit), service)
	}
	if strings.Contains(text, "/init.d/") && name != "" {
		return m.named(v, os, trailing(name), service)
	}
	return false
}

// trailing moves a wildcard to the end, where facts may have one.
func trailing(text string) string {
	if before, _, found := strings.Cut(text, "*"); found {
		return before + "*"
	}
	return text
}
