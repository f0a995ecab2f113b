package software

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/rpmdb"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Fixed details of packages that could not be seen.
const (
	detailRPM      = "rpm's database is of a kind that is not read"
	detailPackages = "a list of installed packages could not be read"
)

// maxListed bounds the folders that name packages.
const maxListed = 10_000

// packageFile is a package manager's own list, read again when it has changed.
type packageFile struct {
	name string
	// read calls found for every package that is installed and wanted. It may report
	// others as well.
	read func(f *os.File, size int64, wanted func(name []byte) bool, found func(name, version string)) error

	at    time.Time // modification time and size of what was read
	size  int64
	found map[string]string // of the catalogue's packages, name to version
	torn  bool
}

// packageFiles are the lists that single files hold.
func packageFiles() []packageFile {
	return []packageFile{
		{name: "/var/lib/dpkg/status", read: readDpkg},
		{name: "/lib/apk/db/installed", read: readAPK},
		{name: "/usr/lib/apk/db/installed", read: readAPK},
		{name: "/var/lib/rpm/rpmdb.sqlite", read: readRPM},
		{name: "/usr/lib/sysimage/rpm/rpmdb.sqlite", read: readRPM},
		{name: "/usr/share/rpm/rpmdb.sqlite", read: readRPM},
		{name: "/var/lib/rpm/Packages.db", read: readRPM},
		{name: "/usr/lib/sysimage/rpm/Packages.db", read: readRPM},
		{name: "/var/lib/rpm/Packages", read: readRPM},
	}
}

// packageFolder is a folder in which the name of each entry is an installed package's.
type packageFolder struct {
	name    string
	inHomes bool
	// split takes an entry's name apart; name is empty where it is no package.
	split func(entry string) (name, version string)
}

var packageFolders = [...]packageFolder{
	{"/var/lib/pacman/local", false, splitPacman},
	{"/var/lib/flatpak/app", false, wholeName},
	{".local/share/flatpak/app", true, wholeName},
	{"/var/lib/snapd/snaps", false, splitSnap},
	{"/snap", false, wholeName},
	{"/home/linuxbrew/.linuxbrew/Cellar", false, wholeName},
}

func readDpkg(f *os.File, _ int64, wanted func([]byte) bool, found func(name, version string)) error {
	return parseDpkgStatus(f, func(name, version []byte) {
		if wanted(name) {
			found(string(name), string(version))
		}
	})
}

func readAPK(f *os.File, _ int64, wanted func([]byte) bool, found func(name, version string)) error {
	return parseAPK(f, func(name, version []byte) {
		if wanted(name) {
			found(string(name), string(version))
		}
	})
}

func readRPM(f *os.File, size int64, wanted func([]byte) bool, found func(name, version string)) error {
	return rpmdb.Installed(io.ReaderAt(f), size, wanted, found)
}

// readPackages notes the catalogue's packages that are installed. A list that cannot
// be read is likely being written: what was there still holds for one look.
func (v *inventory) readPackages() {
	for i := range v.packages {
		p := &v.packages[i]
		err := v.readPackageFile(p)
		switch {
		case errors.Is(err, rpmdb.ErrFormat):
			v.details = append(v.details, detailRPM)
		case err != nil && (p.torn || p.found == nil):
			v.details = append(v.details, detailPackages)
			p.found = nil
		}
		p.torn = err != nil
		for name, version := range p.found {
			v.addPackage(name, version, false)
		}
	}
	for i := range packageFolders {
		v.readPackageFolder(&packageFolders[i])
	}
}

func (v *inventory) addPackage(name, version string, home bool) {
	v.add(farmhoundv1.FactKind_FACT_KIND_PACKAGE, name, func(i *installation, _ *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_PACKAGE)
		i.home, i.system = i.home || home, i.system || !home
		if version = cleanVersion(version); version != "" {
			i.version = version
		}
	})
}

// readPackageFile reads a list again if it has changed.
func (v *inventory) readPackageFile(p *packageFile) error {
	f, err := v.host.Open(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		p.found = nil
		return nil // another package manager
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.ModTime().Equal(p.at) && info.Size() == p.size && !p.torn {
		return nil
	}
	found := map[string]string{}
	wanted := func(name []byte) bool {
		return v.catalog.Knows(linux, catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PACKAGE, Value: string(name)})
	}
	if err := p.read(f, info.Size(), wanted, func(name, version string) { found[name] = version }); err != nil {
		return err
	}
	p.found, p.at, p.size = found, info.ModTime(), info.Size()
	return nil
}

func (v *inventory) readPackageFolder(p *packageFolder) {
	folders := []string{p.name}
	if p.inHomes {
		folders = folders[:0]
		for _, home := range v.homes() {
			folders = append(folders, home+"/"+p.name)
		}
	}
	for _, folder := range folders {
		names, err := v.host.ReadNames(folder, maxListed)
		if err != nil {
			continue
		}
		for _, entry := range names {
			if name, version := p.split(entry); name != "" {
				v.addPackage(name, version, p.inHomes)
			}
		}
	}
}

func wholeName(entry string) (name, version string) { return entry, "" }

// splitPacman takes name-version-release apart.
func splitPacman(entry string) (name, version string) {
	release := strings.LastIndexByte(entry, '-')
	if release < 0 {
		return "", ""
	}
	at := strings.LastIndexByte(entry[:release], '-')
	if at < 0 {
		return "", ""
	}
	return entry[:at], entry[at+1:]
}

// splitSnap takes name_revision.snap apart. A revision is no version.
func splitSnap(entry string) (name, version string) {
	name, rest, _ := strings.Cut(entry, "_")
	if !strings.HasSuffix(rest, ".snap") {
		return "", ""
	}
	return name, ""
}
