package software

import (
	"context"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// winInterval is how often what is installed is looked at again.
const winInterval = time.Minute

// Most paths of the catalogue that are looked for.
const maxWinPaths = 2000

// Fixed details of what could not be seen.
const (
	detailApplications = "installed applications could not be listed"
	detailServices     = "services could not be listed"
)

// winInventory is what is installed on Windows, looked at once a minute.
type winInventory struct {
	findings
	machine windowsMachine
	at      time.Time
	paths   values

	daemons map[uint32]bool // processes of services that are started with the machine
	details []string
}

// refresh looks again where that is due.
func (v *winInventory) refresh(ctx context.Context, now time.Time, c *catalog.Catalog) error {
	if v.catalog == c && now.Sub(v.at).Abs() < winInterval {
		return nil
	}
	v.findings, v.details = newFindings(c, onWindows), nil
	v.daemons = map[uint32]bool{}
	if err := v.machine.Applications(v.addApplication); err != nil {
		v.details = append(v.details, detailApplications)
	}
	services, err := v.machine.Services()
	if err != nil {
		v.details = append(v.details, detailServices)
	}
	for _, s := range services {
		v.addService(s)
	}
	for _, name := range v.machine.Packages() {
		v.add(farmhoundv1.FactKind_FACT_KIND_PACKAGE, name, func(i *installation, _ *farmhoundv1.Fact) {
			i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_PACKAGE)
			i.system = true
		})
	}
	for _, name := range v.machine.Interfaces() {
		v.add(farmhoundv1.FactKind_FACT_KIND_INTERFACE, name, func(i *installation, _ *farmhoundv1.Fact) {
			i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_INTERFACE)
		})
	}
	v.readPaths()
	v.at = now
	if err := ctx.Err(); err != nil {
		v.catalog = nil
		return err
	}
	return nil
}

// addApplication notes what is registered to be uninstalled, by its key and by the
// name that it shows.
func (v *winInventory) addApplication(a winApplication) {
	note := func(i *installation, _ *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
		i.home, i.system = i.home || a.user, i.system || !a.user
		if version := cleanVersion(a.version); version != "" {
			i.version = version
		}
	}
	v.add(farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY, a.key, note)
	if !strings.EqualFold(a.name, a.key) {
		v.add(farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY, a.name, note)
	}
}

// addService notes a service by its name, and by the program that it runs: a name is
// chosen when it is registered.
func (v *winInventory) addService(s winService) {
	if s.auto && s.pid != 0 {
		v.daemons[s.pid] = true
	}
	unattended := func(i *installation, f *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_SERVICE)
		i.system = true
		i.unattended = i.unattended || s.auto && f.GetUnattended()
	}
	v.add(farmhoundv1.FactKind_FACT_KIND_SERVICE, s.name, unattended)
	program := programOfCommand(s.program)
	if program == "" {
		return
	}
	registered := func(i *installation, _ *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_SERVICE)
		i.system = true
	}
	v.add(farmhoundv1.FactKind_FACT_KIND_PROCESS, program[strings.LastIndexByte(program, '\\')+1:], registered)
	v.add(farmhoundv1.FactKind_FACT_KIND_PATH, winHomeless(program), registered)
}

// programOfCommand is the program of a service's command line, without quotes and
// arguments. A path with blanks may stand there without quotes.
func programOfCommand(command string) string {
	command = strings.TrimSpace(command)
	if after, quoted := strings.CutPrefix(command, `"`); quoted {
		program, _, _ := strings.Cut(after, `"`)
		return program
	}
	// Not in the command in lower case: that may be longer or shorter.
	for end := len(programEnding); end <= len(command); end++ {
		if strings.EqualFold(command[end-len(programEnding):end], programEnding) {
			return command[:end]
		}
	}
	program, _, _ := strings.Cut(command, " ")
	return program
}

const programEnding = ".exe"

// readPaths looks for the programs and folders that the catalogue names.
func (v *winInventory) readPaths() {
	homes := v.machine.Homes()
	values := v.paths.of(v.catalog, onWindows, farmhoundv1.FactKind_FACT_KIND_PATH)
	for _, value := range values[:min(len(values), maxWinPaths)] {
		below, inHome := strings.CutPrefix(value, `~\`)
		if !inHome {
			v.addPath(value, value, false)
			continue
		}
		for _, home := range homes {
			v.addPath(home+`\`+below, value, true)
		}
	}
}

func (v *winInventory) addPath(name, value string, home bool) {
	folder, exists := v.machine.IsFolder(strings.TrimSuffix(name, `\`))
	if !exists || folder != strings.HasSuffix(value, `\`) {
		return
	}
	v.add(farmhoundv1.FactKind_FACT_KIND_PATH, value, func(i *installation, _ *farmhoundv1.Fact) {
		i.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
		i.home, i.system = i.home || home, i.system || !home
	})
}
