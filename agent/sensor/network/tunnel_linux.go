package network

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	linux = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	// tunDevice is what a program opens to make a TUN or TAP interface.
	tunDevice = "/dev/net/tun"
	// ownerInterval is how often the owners of the same tunnels are looked for again.
	ownerInterval = time.Minute
	maxFiles      = 4096
)

// errHidden says that the owner of a tunnel may be hidden.
var errHidden = errors.New("owners of tunnels are hidden without root")

// tunnels describes the tunnels that are up.
func (s *Sensor) tunnels(ctx context.Context, use *config, v *view) (list []*farmhoundv1.Tunnel, err error) {
	for i := range v.links {
		l := &v.links[i]
		if !l.Up || l.Tunnel == "" || len(list) == maxTunnels {
			continue
		}
		out := &farmhoundv1.Tunnel{Kind: l.Tunnel, DefaultRoute: v.defaults[l.Name], Mtu: uint32(max(l.MTU, 0))}
		// The program that holds the interface knows better than its name.
		if l.Tunnel == "tun" || l.Tunnel == "tap" {
			var failed error
			if out.Tool, failed = s.system.owners.of(ctx, use.catalog, l.Name); failed != nil {
				err = failed
			}
		}
		if out.Tool == "" {
			out.Tool = toolNamed(use.catalog, linux, l.Name)
		}
		if v.owners == nil {
			v.owners = map[string]string{}
		}
		v.owners[l.Name] = out.GetTool()
		list = append(list, out)
	}
	return list, err
}

// owners finds the programs that hold TUN and TAP interfaces.
type owners struct {
	host      host.Host
	processes *procfs.Table
	catalog   *catalog.Catalog
	at        time.Time
	tools     map[string]string // by interface
	hidden    bool
}

func newOwners(h host.Host) owners { return owners{host: h, processes: procfs.NewTable(h)} }

// of returns the catalogue entry of the program that holds an interface, empty where
// it is none of the catalogue's.
func (o *owners) of(ctx context.Context, c *catalog.Catalog, name string) (string, error) {
	now := o.host.Time()
	_, known := o.tools[name]
	if !known || o.catalog != c || now.Sub(o.at).Abs() >= ownerInterval {
		if err := o.refresh(ctx, c); err != nil {
			return "", err
		}
		o.catalog, o.at = c, now
		if _, found := o.tools[name]; !found {
			o.tools[name] = "" // looked for; the next look is due in a while
		}
	}
	if o.hidden && o.tools[name] == "" {
		return "", errHidden
	}
	return o.tools[name], nil
}

// refresh looks at the open files of the catalogue's programs.
func (o *owners) refresh(ctx context.Context, c *catalog.Catalog) error {
	processes, err := o.processes.Refresh(ctx)
	if err != nil {
		return errHidden
	}
	o.tools, o.hidden = map[string]string{}, false
	for _, p := range processes {
		id := programTool(c, p)
		if id == "" {
			continue
		}
		names, err := o.interfacesOf(p)
		if errors.Is(err, fs.ErrPermission) {
			o.hidden = true
		}
		for _, name := range names {
			o.tools[name] = id
		}
	}
	return nil
}

// programTool returns the entry that a program's name points to. That it holds an
// interface says as much as a second fact would, so that a supporting one is enough if
// no other entry has it.
func programTool(c *catalog.Catalog, p *procfs.Process) string {
	facts := []catalog.Fact{{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: p.Comm}}
	if p.Executable != "" {
		facts = append(facts,
			catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: path.Base(p.Executable)},
			catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PATH, Value: p.Executable})
	}
	for _, m := range c.Match(linux, facts) {
		return m.Entry.GetId()
	}
	id := ""
	for _, f := range facts {
		for _, t := range c.AppendTouched(nil, linux, f) {
			switch {
			case t.Fact.GetStrength() != farmhoundv1.Strength_STRENGTH_SUPPORTING || id == t.Entry.GetId():
			case id != "":
				return ""
			default:
				id = t.Entry.GetId()
			}
		}
	}
	return id
}

// interfacesOf returns the TUN and TAP interfaces that a process holds, which the
// kernel tells in the iff line of fdinfo.
func (o *owners) interfacesOf(p *procfs.Process) (list []string, err error) {
	folder := "/proc/" + strconv.Itoa(p.PID)
	names, err := o.host.ReadNames(folder+"/fd", maxFiles)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if link, err := o.host.ReadLink(folder + "/fd/" + name); err != nil || link != tunDevice {
			continue
		}
		data, err := o.host.ReadFile(folder+"/fdinfo/"+name, 4096)
		if err != nil {
			return list, err
		}
		for line := range strings.Lines(string(data)) {
			if held, ok := strings.CutPrefix(line, "iff:"); ok {
				list = append(list, strings.TrimSpace(held))
			}
		}
	}
	return list, nil
}
