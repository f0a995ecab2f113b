package hands

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/utmp"
)

// Fixed details of what cannot be seen.
const (
	detailNoDevices = "no keyboard or pointer to count"
	detailHidden    = "input devices are hidden without root"
	detailDisplay   = "an X display does not let itself be asked"
	detailWayland   = "input that a remote-control program makes under Wayland is not seen"
	detailTerminals = "input of remote terminals is not seen"
	detailPrograms  = "programs are hidden"
)

// programsAge is how long what runs stays believed: looking costs a read per process.
const programsAge = time.Minute

// system is what the sense keeps on Linux.
type system struct {
	sensor    *Sensor
	processes *procfs.Table
	devices   devices
	terminals terminals
	displays  map[xServer]*display
	refused   map[xServer]bool // since programs were looked at
	media     media

	looked   time.Time
	programs programs
}

// programs is what was found among the programs that run.
type programs struct {
	known     bool
	servers   []xServer
	terminals []int
	assistive bool
	// wayland is whether a program runs that makes input under Wayland.
	wayland bool
	// films is whether somebody does; records are the streams that may.
	films, filmsKnown bool
	records           []string
	sound             bool
}

func newSystem(s *Sensor) system {
	return system{
		sensor: s, processes: procfs.NewTable(s.host), displays: map[xServer]*display{}, refused: map[xServer]bool{},
		devices: devices{sensor: s, host: s.host}, terminals: terminals{sensor: s},
	}
}

// look has what came counted and says what is missing.
func (y *system) look(ctx context.Context) state {
	var st state
	missing := func(detail string) { st.details = append(st.details, detail) }
	if now := y.sensor.host.Time(); y.looked.IsZero() || now.Sub(y.looked).Abs() >= programsAge {
		// What is found when time is up is not believed for a minute.
		if y.programs = y.findPrograms(ctx); ctx.Err() == nil {
			y.looked = now
		}
		clear(y.refused)
	}
	p := &y.programs
	seen, err := y.devices.look()
	refused := y.lookAtDisplays(ctx)
	switch {
	case err != nil || seen.hidden:
		missing(detailHidden)
	case !seen.some && len(y.displays) == 0:
		missing(detailNoDevices)
	default:
		st.input = whole
	}
	if refused {
		st.input = blind
		missing(detailDisplay)
	}
	if p.wayland {
		st.input = blind
		missing(detailWayland)
	}
	if y.sensor.host.Live() && y.terminals.follow(p.terminals) != nil {
		st.input = blind
		missing(detailTerminals)
	}
	if !p.known {
		missing(detailPrograms)
		return st
	}
	st.assistive = proto.Bool(p.assistive)
	y.lookAtMedia(&st)
	return st
}

func (y *system) lookAtMedia(st *state) {
	p := &y.programs
	if !p.sound || !p.filmsKnown {
		st.details = append(st.details, detailMedia)
		return
	}
	records := recording(y.sensor.host, p.records)
	y.media.seen(y.sensor.host.Time(), p.films, records)
	st.call = &records
	st.presence = y.media.presence()
}

// lookAtDisplays connects to X servers that came and lets go of those that went. It
// reports whether one refused. All are asked at once, so that one that says nothing
// takes no other's time.
func (y *system) lookAtDisplays(ctx context.Context) (refused bool) {
	servers := y.programs.servers[:min(len(y.programs.servers), mostServers)]
	for server, d := range y.displays {
		if d.gone() || !slices.Contains(servers, server) {
			d.close()
			delete(y.displays, server)
		}
	}
	var opening sync.WaitGroup
	opened := make([]*display, len(servers))
	for i, server := range servers {
		if y.displays[server] != nil || y.refused[server] {
			continue
		}
		opening.Go(func() {
			// Why it refused is nobody's concern: it is not heard.
			opened[i], _ = openDisplay(ctx, y.sensor, server)
		})
	}
	opening.Wait()
	refused = len(y.programs.servers) > mostServers
	for i, server := range servers {
		if opened[i] != nil {
			y.displays[server] = opened[i]
		}
		// Of a guest, the kernel's devices are what counts.
		if y.displays[server] == nil {
			y.refused[server] = ctx.Err() == nil
			refused = refused || !server.guest
		}
	}
	return refused
}

// findPrograms looks for X servers, terminals of remote logons, assistive technology
// and who films.
func (y *system) findPrograms(ctx context.Context) programs {
	h := y.sensor.host
	all, err := y.processes.Refresh(ctx)
	if err != nil {
		return programs{}
	}
	p := programs{known: true}
	remote := map[int]bool{}
	if logins, err := utmp.Read(h); err == nil {
		for _, l := range logins {
			if n, ok := terminalNumber(l.Line); ok && l.Peer.IsValid() {
				remote[n] = true
			}
		}
	}
	hosts, guests := false, false
	for _, r := range all {
		name := r.Name()
		if name == "" {
			name = r.CalledName()
		}
		p.assistive = p.assistive || assistive[r.Comm] || assistive[name] || assistive[scriptOf(r)]
		hosts = hosts || waylandHosts[r.Comm]
		if server, ok := parseServer(name, r.Arguments); ok && h.Live() {
			server.identify(h, r.PID, r.UID)
			if server.display == "" {
				server.display = lockedBy(h, &server)
			}
			if server.auth != "" && !path.IsAbs(server.auth) {
				server.auth = path.Join("/proc", strconv.Itoa(r.PID), "cwd", server.auth)
			}
			p.servers = append(p.servers, server)
			guests = guests || server.guest
		}
		if r.PseudoTerminal >= 0 && y.underSSH(r) {
			remote[r.PseudoTerminal] = true
		}
	}
	for n := range remote {
		p.terminals = append(p.terminals, n)
	}
	p.wayland = hosts && (guests || y.waylandSocket())
	p.records, p.sound = streams(h)
	p.filmsKnown = true
	if cameraAwake(h) {
		p.films, p.filmsKnown = filming(ctx, h, all)
	}
	return p
}

// underSSH reports whether the process on a terminal was started by a remote logon:
// its parent has no terminal and is the server's.
func (y *system) underSSH(r *procfs.Process) bool {
	parent := y.processes.Lookup(r.Parent)
	return parent != nil && parent.PseudoTerminal < 0 && (parent.Comm == "sshd" || parent.Comm == "sshd-session" || parent.Comm == "dropbear" || parent.Comm == "mosh-server")
}

// waylandSocket reports whether somebody's Wayland session is there.
func (y *system) waylandSocket() bool {
	h := y.sensor.host
	users, _ := h.ReadNames("/run/user", maxNames)
	for _, user := range users[:min(len(users), 64)] {
		names, _ := h.ReadNames("/run/user/"+user, maxNames)
		for _, name := range names {
			// A session that is not the user's first has another number, or a name.
			if !strings.HasPrefix(name, "wayland-") || strings.HasSuffix(name, ".lock") {
				continue
			}
			if info, err := h.Stat("/run/user/" + user + "/" + name); err == nil && info.Mode().Type() == fs.ModeSocket {
				return true
			}
		}
	}
	return false
}

// scriptOf is the file name of the script that an interpreter runs: Orca and Onboard
// are such.
func scriptOf(r *procfs.Process) string {
	if len(r.Arguments) < 2 {
		return ""
	}
	return path.Base(r.Arguments[1])
}

func (y *system) close() error {
	for server, d := range y.displays {
		d.close()
		delete(y.displays, server)
	}
	return errors.Join(y.devices.close(), y.terminals.close())
}

// terminalNumber is the N of a line pts/N.
func terminalNumber(line string) (int, bool) {
	text, ok := strings.CutPrefix(line, "pts/")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0
}
