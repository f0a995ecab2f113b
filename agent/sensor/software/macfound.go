package software

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/macprogram"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/plist"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// macInterval is how often what is installed is looked at again.
	macInterval = time.Minute

	// Most of what is looked at.
	maxMacPaths    = 2000
	maxMacHomes    = 64
	maxMacNames    = 4096 // of one folder
	maxMacLists    = 4096 // property lists
	maxMacReceipts = 20_000
)

// Fixed details of what could not be seen.
const (
	detailMacHomes    = "other users' applications are hidden without root"
	detailMacRecorded = "a recorded disk has no running programs"
)

// Folders in which macOS and administrators put what is for everybody.
const (
	receiptsFolder = "/var/db/receipts"
	// overridesList says which jobs were switched on or off, whatever their own list says.
	overridesList = "/var/db/com.apple.xpc.launchd/disabled.plist"
)

// applicationFolders are searched for applications, so many folders deep.
var applicationFolders = [...]struct {
	name string
	deep int
}{{"/Applications", 2}, {"/Library/Application Support", 2}}

// jobFolders hold the jobs of launchd that others than Apple install, and appleFolders
// Apple's own, each in a file of its label's name.
var (
	jobFolders   = [...]string{"/Library/LaunchDaemons", "/Library/LaunchAgents"}
	appleFolders = [...]string{"/System/Library/LaunchDaemons", "/System/Library/LaunchAgents"}
)

// macInventory is what is installed on macOS, looked at once a minute.
type macInventory struct {
	findings
	host  host.Host
	at    time.Time
	paths values
	jobs  values // labels of launchd's

	lists   map[string]*macList // what was read before, by file
	daemons map[string]bool     // programs that launchd starts by itself, by path
	details []string
}

// macList is what is of interest in one property list: of an application, a job of
// launchd, or a package.
type macList struct {
	modified time.Time
	size     int64
	seen     bool // in the latest look

	identifier, version string
	program             string
	starts              bool // by itself: with the machine, or when somebody connects
	disabled            bool
}

// refresh looks again where that is due.
func (v *macInventory) refresh(ctx context.Context, now time.Time, c *catalog.Catalog, interfaces []string) error {
	if v.catalog == c && now.Sub(v.at).Abs() < macInterval {
		return nil
	}
	v.findings, v.details = newFindings(c, onMac), nil
	v.daemons = map[string]bool{}
	for _, l := range v.lists {
		l.seen = false
	}
	homes := v.homes()
	v.readApplications(homes)
	v.readJobs(homes)
	v.readReceipts()
	v.readPaths(homes)
	for _, name := range interfaces {
		v.add(farmhoundv1.FactKind_FACT_KIND_INTERFACE, name, func(i *installation, _ *farmhoundv1.Fact) {
			i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_INTERFACE)
		})
	}
	for name, l := range v.lists {
		if !l.seen {
			delete(v.lists, name)
		}
	}
	v.at = now
	if err := ctx.Err(); err != nil {
		v.catalog = nil
		return err
	}
	return nil
}

// list returns what a property list says, read again only if it has changed; nil where
// there is none or it cannot be read.
func (v *macInventory) list(name string) *macList {
	info, err := v.host.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	l := v.lists[name]
	if l == nil || !l.modified.Equal(info.ModTime()) || l.size != info.Size() {
		if l == nil && len(v.lists) >= maxMacLists {
			return nil
		}
		l = &macList{modified: info.ModTime(), size: info.Size()}
		if d, err := plist.Read(v.host, name); err == nil {
			l.read(d)
		}
		v.lists[name] = l
	}
	l.seen = true
	return l
}

// read takes what is of interest. What has a label is a job of launchd, and whatever
// else a list has is passed over.
func (l *macList) read(d plist.Dict) {
	if label := d.Text("Label"); label != "" {
		l.identifier, l.program = label, d.Text("Program")
		if arguments := d.List("ProgramArguments"); l.program == "" && len(arguments) > 0 {
			l.program, _ = arguments[0].(string)
		}
		keepAlive := d.Is("KeepAlive") || len(d.Dict("KeepAlive")) > 0
		l.starts = d.Is("RunAtLoad") || keepAlive || len(d.Dict("Sockets")) > 0 || d["StartInterval"] != nil
		l.disabled = d.Is("Disabled")
		return
	}
	l.identifier, l.version = d.Text("PackageIdentifier"), d.Text("PackageVersion")
	if id := d.Text("CFBundleIdentifier"); id != "" {
		l.identifier, l.version = id, d.Text("CFBundleShortVersionString")
		if l.version == "" {
			l.version = d.Text("CFBundleVersion")
		}
	}
}

// readApplications looks for applications everywhere that they belong.
func (v *macInventory) readApplications(homes []string) {
	for _, f := range applicationFolders {
		v.readBundles(f.name, f.deep, false)
	}
	for _, home := range homes {
		if v.readBundles(home+"/Applications", 2, true) {
			v.details = append(v.details, detailMacHomes)
		}
	}
}

// readBundles looks for applications in a folder and so many levels of folders below it.
// It says whether the folder itself is hidden.
func (v *macInventory) readBundles(folder string, deep int, home bool) (hidden bool) {
	names, err := v.host.ReadNames(folder, maxMacNames)
	if err != nil {
		return errors.Is(err, fs.ErrPermission)
	}
	for _, name := range names {
		below := folder + "/" + name
		if !strings.HasSuffix(name, ".app") {
			if deep > 1 && !strings.Contains(name, ".") {
				v.readBundles(below, deep-1, home)
			}
			continue
		}
		l := v.list(below + "/Contents/Info.plist")
		if l == nil || l.identifier == "" {
			continue
		}
		v.add(farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, l.identifier, func(i *installation, _ *farmhoundv1.Fact) {
			i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
			i.home, i.system = i.home || home, i.system || !home
			if version := cleanVersion(l.version); version != "" {
				i.version = version
			}
		})
	}
	return false
}

// readJobs looks at the jobs of launchd.
func (v *macInventory) readJobs(homes []string) {
	overrides, _ := plist.Read(v.host, overridesList) // without it every job's own list holds
	for _, folder := range jobFolders {
		v.readJobFolder(folder, overrides, false)
	}
	for _, home := range homes {
		v.readJobFolder(home+"/Library/LaunchAgents", overrides, true)
	}
	for _, label := range v.jobs.of(v.catalog, onMac, farmhoundv1.FactKind_FACT_KIND_LAUNCHD) {
		if !strings.HasPrefix(label, "com.apple.") && !strings.HasPrefix(label, "com.openssh.") {
			continue
		}
		for _, folder := range appleFolders {
			if l := v.list(folder + "/" + appleFile(label) + ".plist"); l != nil && l.identifier == label {
				v.addJob(l, overrides, false)
			}
		}
	}
}

// appleFile is the name of the file of a job of Apple's, which is its label's but for one.
func appleFile(label string) string {
	if label == "com.openssh.sshd" {
		return "ssh"
	}
	return label
}

func (v *macInventory) readJobFolder(folder string, overrides plist.Dict, home bool) {
	names, err := v.host.ReadNames(folder, maxMacNames)
	if err != nil {
		return
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".plist") {
			continue
		}
		if l := v.list(folder + "/" + name); l != nil && l.identifier != "" {
			v.addJob(l, overrides, home)
		}
	}
}

// addJob notes a job by its label, and by the program that it runs: a label is chosen
// when it is written.
func (v *macInventory) addJob(l *macList, overrides plist.Dict, home bool) {
	enabled := !l.disabled
	if off := overrides.Bool(l.identifier); off != nil {
		enabled = !*off
	}
	if enabled && l.starts && path.IsAbs(l.program) {
		v.daemons[path.Clean(l.program)] = true
	}
	registered := func(i *installation, _ *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_SERVICE)
		i.home, i.system = i.home || home, i.system || !home
	}
	v.add(farmhoundv1.FactKind_FACT_KIND_LAUNCHD, l.identifier, func(i *installation, f *farmhoundv1.Fact) {
		registered(i, f)
		i.unattended = i.unattended || enabled && l.starts && f.GetUnattended()
	})
	if path.IsAbs(l.program) {
		v.add(farmhoundv1.FactKind_FACT_KIND_PROCESS, path.Base(l.program), registered)
		v.add(farmhoundv1.FactKind_FACT_KIND_PATH, macprogram.Homeless(path.Clean(l.program)), registered)
	}
}

// readReceipts looks at what installers left: a list for every package, in a file of its
// name.
func (v *macInventory) readReceipts() {
	names, err := v.host.ReadNames(receiptsFolder, maxMacReceipts)
	if err != nil {
		return
	}
	for _, name := range names {
		id, is := strings.CutSuffix(name, ".plist")
		if !is || !v.catalog.Knows(onMac, catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PACKAGE, Value: id}) {
			continue
		}
		l := v.list(receiptsFolder + "/" + name)
		v.add(farmhoundv1.FactKind_FACT_KIND_PACKAGE, id, func(i *installation, _ *farmhoundv1.Fact) {
			i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_PACKAGE)
			i.system = true
			if l != nil && i.version == "" {
				i.version = cleanVersion(l.version)
			}
		})
	}
}

// readPaths looks for the programs and folders that the catalogue names.
func (v *macInventory) readPaths(homes []string) {
	values := v.paths.of(v.catalog, onMac, farmhoundv1.FactKind_FACT_KIND_PATH)
	for _, value := range values[:min(len(values), maxMacPaths)] {
		below, inHome := strings.CutPrefix(value, "~/")
		if !inHome {
			v.addPath(value, value, false)
			continue
		}
		for _, home := range homes {
			v.addPath(home+"/"+below, value, true)
		}
	}
}

func (v *macInventory) addPath(name, value string, home bool) {
	info, err := v.host.Stat(strings.TrimSuffix(name, "/"))
	if err != nil || info.IsDir() != strings.HasSuffix(value, "/") {
		return
	}
	v.add(farmhoundv1.FactKind_FACT_KIND_PATH, value, func(i *installation, _ *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
		i.home, i.system = i.home || home, i.system || !home
	})
}

// homes returns the home folders of people.
func (v *macInventory) homes() []string {
	homes := []string{"/var/root"}
	names, err := v.host.ReadNames("/Users", maxMacHomes)
	if err != nil {
		return homes
	}
	for _, name := range names {
		if name != "Shared" && !strings.HasPrefix(name, ".") {
			homes = append(homes, "/Users/"+name)
		}
	}
	return homes
}
