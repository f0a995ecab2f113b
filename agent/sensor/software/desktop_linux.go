package software

import (
	"path"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// maxEntries bounds the files of one folder of desktop entries.
	maxEntries = 2000
	// entriesInterval is how long a folder that looks unchanged is believed: a file in
	// it can change by itself.
	entriesInterval = 10 * time.Minute
	lingerFolder    = "/var/lib/systemd/linger"
)

// Folders of desktop entries. Those of the second kind start programs at logon.
var (
	menuFolders      = [...]string{"/usr/share/applications", "/usr/local/share/applications", "~/.local/share/applications"}
	autostartFolders = [...]string{"/etc/xdg/autostart", "~/.config/autostart"}
)

// userUnitFolders are where the units of users' own service managers are.
var userUnitFolders = [...]string{"/etc/systemd/user", "/usr/lib/systemd/user", "/usr/local/lib/systemd/user"}

// entryFolder is a folder of desktop entries as it was when it was last read.
type entryFolder struct {
	modified, read time.Time
	programs       []catalog.Fact // of the catalogue's
}

// readDesktops looks for the catalogue's programs in menus and among those that start at
// logon.
func (v *inventory) readDesktops(homes []string) {
	for _, folder := range menuFolders {
		v.readEntries(folder, homes)
	}
	for _, folder := range autostartFolders {
		v.readEntries(folder, homes)
	}
}

func (v *inventory) readEntries(folder string, homes []string) {
	below, inHomes := strings.CutPrefix(folder, "~")
	if !inHomes {
		homes, below = []string{""}, folder
	}
	for _, home := range homes {
		for _, fact := range v.entriesIn(home + below) {
			v.add(fact.Kind, fact.Value, func(i *installation, _ *farmhoundv1.Fact) {
				i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
				i.home, i.system = i.home || inHomes, i.system || !inHomes
			})
		}
	}
}

// entriesIn returns the catalogue's programs that a folder's entries start.
func (v *inventory) entriesIn(folder string) []catalog.Fact {
	info, err := v.host.Stat(folder)
	if err != nil {
		delete(v.entries, folder)
		return nil
	}
	now := v.host.Time()
	if known, ok := v.entries[folder]; ok && known.modified.Equal(info.ModTime()) && now.Sub(known.read).Abs() < entriesInterval {
		return known.programs
	}
	names, err := v.host.ReadNames(folder, maxEntries)
	if err != nil {
		return nil
	}
	found := entryFolder{modified: info.ModTime(), read: now}
	for _, name := range names {
		if !strings.HasSuffix(name, ".desktop") {
			continue
		}
		if info, err := v.host.Stat(folder + "/" + name); err != nil || !info.Mode().IsRegular() {
			continue
		}
		text, err := v.host.ReadFile(folder+"/"+name, maxEntryFile)
		if err != nil {
			continue
		}
		e := parseDesktopEntry(string(text))
		if f, ok := v.startedBy(e); ok {
			found.programs = append(found.programs, f)
		}
	}
	v.entries[folder] = found
	return found.programs
}

// startedBy returns what a desktop entry starts if the program is there, by its path
// where the catalogue knows it and by its name otherwise.
func (v *inventory) startedBy(e desktopEntry) (catalog.Fact, bool) {
	if e.program == "" || e.off {
		return catalog.Fact{}, false
	}
	if path.IsAbs(e.program) {
		if _, err := v.host.Stat(e.program); err != nil {
			return catalog.Fact{}, false // left over
		}
		if f := (catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PATH, Value: homeless(path.Clean(e.program))}); v.catalog.Knows(linux, f) {
			return f, true
		}
	} else if !v.inPath(e.program) {
		return catalog.Fact{}, false
	}
	f := catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: path.Base(e.program)}
	return f, v.catalog.Knows(linux, f)
}

// inPath reports whether a program is in one of the folders in which names are looked up.
func (v *inventory) inPath(name string) bool {
	if strings.Contains(name, "/") || !v.catalog.Knows(linux, catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: name}) {
		return false
	}
	for _, folder := range [...]string{"/usr/bin/", "/usr/local/bin/", "/usr/sbin/", "/bin/", "/snap/bin/", "/var/lib/flatpak/exports/bin/"} {
		if _, err := v.host.Stat(folder + name); err == nil {
			return true
		}
	}
	return false
}

// readUserUnits looks for the catalogue's services among those of users' own service
// managers. One gives unattended access where its user enabled it and the manager runs
// without the user.
func (v *inventory) readUserUnits(homes []string) {
	seen := map[string]bool{}
	for _, folder := range userUnitFolders {
		for name := range v.unitsIn(folder) {
			if !seen[name] {
				seen[name] = true
				v.addUnit(name, false)
			}
		}
	}
	for _, home := range homes {
		_, err := v.host.Stat(lingerFolder + "/" + path.Base(home))
		for name, enabled := range v.unitsIn(home + "/.config/systemd/user") {
			v.addUserUnit(name, enabled && err == nil)
		}
	}
}

// unitsIn returns the services in a folder of units, and whether links there enable them.
func (v *inventory) unitsIn(folder string) map[string]bool {
	names, err := v.host.ReadNames(folder, maxUnits)
	if err != nil {
		return nil
	}
	units := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, ".service") {
			if !units[name] { // a link may have enabled it already
				units[name] = false
			}
			continue
		}
		if !strings.HasSuffix(name, ".wants") {
			continue
		}
		wanted, err := v.host.ReadNames(folder+"/"+name, maxUnits)
		if err != nil {
			continue
		}
		for _, unit := range wanted {
			if strings.HasSuffix(unit, ".service") {
				units[unit] = true
			}
		}
	}
	return units
}

func (v *inventory) addUserUnit(name string, lingers bool) {
	v.add(farmhoundv1.FactKind_FACT_KIND_SERVICE, strings.TrimSuffix(name, ".service"), func(i *installation, f *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_SERVICE)
		i.home = true
		i.unattended = i.unattended || lingers && f.GetUnattended()
	})
}
