package software

import (
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// installation is what the inventory found of one catalogue entry.
type installation struct {
	foundBy    foundBySet
	version    string
	home       bool // found in a home folder
	system     bool // found elsewhere
	unattended bool
	tenants    []string // ids of the tenants that names of it carry
}

// installed reports whether what was found of an entry means that it is on disk.
func (i *installation) installed() bool {
	return i.foundBy.has(farmhoundv1.FoundBy_FOUND_BY_PACKAGE) || i.foundBy.has(farmhoundv1.FoundBy_FOUND_BY_SERVICE) ||
		i.foundBy.has(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
}

// cleanVersion keeps a version only if reports can carry it.
func cleanVersion(version string) string {
	for _, c := range version {
		if !strings.ContainsRune("._-:/+@~", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	if len(version) > maxVersion {
		return ""
	}
	return version
}

// addInstallation adds to a tool what the inventory found of it.
func (t *tool) addInstallation(i *installation) {
	t.foundBy |= i.foundBy
	t.installed = i.installed()
	t.home = i.home && !i.system
	t.version = i.version
	t.unattended = t.unattended || i.unattended
	t.tenants = i.tenants
}

func toolOf(tools map[string]*tool, entry *farmhoundv1.Entry) *tool {
	t := tools[entry.GetId()]
	if t == nil {
		t = &tool{entry: entry}
		tools[entry.GetId()] = t
	}
	return t
}
