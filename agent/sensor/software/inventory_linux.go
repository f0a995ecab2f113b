package software

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// linux is the system whose facts this file looks for.
const linux = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX

const (
	// inventoryInterval is how often what is installed is looked at again.
	inventoryInterval = time.Minute
	maxPaths          = 2000
	maxHomes          = 64
	maxUnits          = 10_000
)

// Fixed details of what the inventory could not see.
const (
	detailHomes = "other users' home folders are hidden without root"
)

// unitFolders are where systemd looks for units that packages and administrators
// install, the latter first.
var unitFolders = [...]string{"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// inventory is what is installed, looked at once a minute.
type inventory struct {
	findings
	host  host.Host
	at    time.Time
	paths values

	packages []packageFile
	entries  map[string]entryFolder // of desktop entries, by name

	details []string
}

// refresh looks again where that is due.
func (v *inventory) refresh(ctx context.Context, c *catalog.Catalog) error {
	now := v.host.Time()
	if v.catalog == c && now.Sub(v.at).Abs() < inventoryInterval {
		return nil
	}
	if v.catalog != c {
		v.packages, v.entries = packageFiles(), map[string]entryFolder{}
	}
	v.findings, v.details = newFindings(c, linux), nil
	v.readPackages()
	v.readUnits()
	homes := v.homes()
	v.readUserUnits(homes)
	v.readDesktops(homes)
	v.readPaths(homes)
	if names, err := v.host.ReadNames("/sys/class/net", 1024); err == nil {
		for _, name := range names {
			v.add(farmhoundv1.FactKind_FACT_KIND_INTERFACE, name, func(i *installation, _ *farmhoundv1.Fact) {
				i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_INTERFACE)
			})
		}
	}
	v.at = now
	return ctx.Err()
}

// readUnits looks for the catalogue's services among systemd's units. A unit is
// enabled by a link in the .wants folder of another, or by an alias.
func (v *inventory) readUnits() {
	enabled := v.enabledUnits()
	seen := map[string]bool{}
	for _, folder := range unitFolders {
		names, err := v.host.ReadNames(folder, maxUnits)
		if err != nil {
			continue
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".service") && !seen[name] {
				seen[name] = true
				v.addUnit(name, enabled[name])
			}
		}
	}
	for name := range enabled {
		if !seen[name] { // an instance of a template
			v.addUnit(name, true)
		}
	}
}

func (v *inventory) addUnit(name string, enabled bool) {
	v.add(farmhoundv1.FactKind_FACT_KIND_SERVICE, strings.TrimSuffix(name, ".service"), func(i *installation, f *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_SERVICE)
		i.system = true
		i.unattended = i.unattended || enabled && f.GetUnattended()
	})
}

// enabledUnits returns the names of services that are started by others, and of
// those that their names in the folder of administrators are aliases for.
func (v *inventory) enabledUnits() map[string]bool {
	enabled := map[string]bool{}
	names, err := v.host.ReadNames(unitFolders[0], maxUnits)
	if err != nil {
		return enabled
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".wants") && !strings.HasSuffix(name, ".requires") {
			if to, err := v.host.ReadLink(unitFolders[0] + "/" + name); err == nil && to != "/dev/null" {
				enabled[path.Base(to)] = true
			}
			continue
		}
		wanted, err := v.host.ReadNames(unitFolders[0]+"/"+name, maxUnits)
		if err != nil {
			continue
		}
		for _, unit := range wanted {
			if strings.HasSuffix(unit, ".service") {
				enabled[unit] = true
			}
		}
	}
	return enabled
}

// readPaths looks for the programs and folders that the catalogue names.
func (v *inventory) readPaths(homes []string) {
	hidden := false
	values := v.paths.of(v.catalog, linux, farmhoundv1.FactKind_FACT_KIND_PATH)
	for _, value := range values[:min(len(values), maxPaths)] {
		below, inHome := strings.CutPrefix(value, "~/")
		if !inHome {
			v.addPath(value, value, false)
			continue
		}
		for _, home := range homes {
			hidden = !v.addPath(home+"/"+below, value, true) || hidden
		}
	}
	if hidden {
		v.details = append(v.details, detailHomes)
	}
}

// addPath notes the value if the name is there; it is false where that is hidden.
func (v *inventory) addPath(name, value string, home bool) bool {
	info, err := v.host.Stat(name)
	if err != nil {
		return !errors.Is(err, fs.ErrPermission)
	}
	if info.IsDir() != strings.HasSuffix(value, "/") {
		return true
	}
	v.add(farmhoundv1.FactKind_FACT_KIND_PATH, value, func(i *installation, _ *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
		i.home, i.system = i.home || home, i.system || !home
	})
	return true
}

// homes returns the home folders of people.
func (v *inventory) homes() []string {
	homes := []string{"/root"}
	names, err := v.host.ReadNames("/home", maxHomes)
	if err != nil {
		return homes
	}
	for _, name := range names {
		homes = append(homes, "/home/"+name)
	}
	return homes
}
