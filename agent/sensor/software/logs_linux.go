package software

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// logSource is where on Linux a tool writes down its sessions, and how.
type logSource struct {
	tool    string
	paths   []string
	note    func(l *toolLog, line string, now time.Time) // nil for TeamViewer's, which has whole sessions
	atLeast time.Duration
}

var logSources = [...]logSource{
	{"anydesk", []string{"/var/log/anydesk.trace", "~/.anydesk/anydesk.trace", "~/.anydesk/ad.trace"}, noteAnyDesk, 0},
	{"teamviewer", []string{"/opt/teamviewer/logfiles/Connections_incoming.txt", "/var/log/teamviewer15/Connections_incoming.txt"}, nil, 0},
	{"chrome-remote-desktop", []string{"/var/log/syslog", "/var/log/messages", "/var/log/user.log"}, noteChromeRemoteDesktop, 0},
	{"rustdesk", []string{"~/.local/share/logs/RustDesk/server/rustdesk_rCURRENT.log"}, noteRustDesk, rustDeskPatience},
}

// logs are the tools' own logs, followed from when they were first seen.
type logs struct {
	host     host.Host
	follower logFollower
	looked   time.Time // when the files were last looked for
	files    []followedLog
}

type followedLog struct {
	source *logSource
	name   string
	size   int64
	log    toolLog
}

// readLogs adds what tools' own logs tell of sessions. Which logs there are is looked at
// as often as what is installed.
func (y *system) readLogs(f *sessionFinder, keys fleetkey.Ring) {
	if y.logs.looked != y.inventory.at {
		y.logs.looked = y.inventory.at
		y.logs.look(y.inventory.homes())
	}
	y.logs.read(f.tools, y.tracker, keys)
	y.logs.tell(f, keys)
	y.logs.tellEnded(f, y.tracker, keys)
}

// look finds the logs that are there. One that is not there yet will be new from its
// beginning on. What is known of a log that stays is kept.
func (y *logs) look(homes []string) {
	var files []followedLog
	for i := range logSources {
		source := &logSources[i]
		for _, path := range source.paths {
			names := []string{path}
			if below, ok := strings.CutPrefix(path, "~"); ok {
				names = names[:0]
				for _, home := range homes {
					names = append(names, home+below)
				}
			}
			for _, name := range names {
				if info, err := y.host.Stat(name); errors.Is(err, fs.ErrNotExist) {
					y.follower.at[name] = 0
				} else if err == nil && info.Mode().IsRegular() {
					files = append(files, y.followed(source, name))
				}
			}
		}
	}
	y.files = files
}

func (y *logs) followed(source *logSource, name string) followedLog {
	if at := slices.IndexFunc(y.files, func(f followedLog) bool { return f.name == name && f.source == source }); at >= 0 {
		return y.files[at]
	}
	return followedLog{source: source, name: name, size: -1, log: toolLog{note: source.note, atLeast: source.atLeast}}
}

// read reads what was appended to the logs of the tools that are there.
func (y *logs) read(tools map[string]*tool, t *tracker, keys fleetkey.Ring) {
	now := y.host.Time()
	for i := range y.files {
		f := &y.files[i]
		entry := tools[f.source.tool]
		if entry == nil || entry.contained {
			continue
		}
		data := y.appended(f)
		if f.source.note == nil {
			for _, v := range parseVisits(data) {
				t.visited(f.source.tool, entry.entry.GetSession(), v, keys)
			}
			continue
		}
		f.log.read(data, now)
		if !entry.running {
			f.log.finish("", now) // whatever ended it wrote nothing
		}
	}
}

// appended returns what is new in a file.
func (y *logs) appended(f *followedLog) []byte {
	if info, err := y.host.Stat(f.name); err != nil || info.Size() == f.size {
		return nil
	}
	file, err := y.open(f.name)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data := y.follower.appended(f.name, file)
	if f.size = info.Size(); y.follower.at[f.name] < f.size && len(data) > 0 {
		f.size = -1 // the rest of a burst
	}
	return data
}

// open opens a log, which may be in anybody's home: neither a pipe nor a link elsewhere
// that has been put in its place since gets in the way.
func (y *logs) open(name string) (*os.File, error) {
	if y.host.Live() {
		return os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	}
	return y.host.Open(name)
}

// tell adds the sessions that logs have open to those that were seen. A session that
// shows otherwise as well only learns whose it is.
func (y *logs) tell(f *sessionFinder, keys fleetkey.Ring) {
	for i := range y.files {
		file := &y.files[i]
		t := f.tools[file.source.tool]
		if t == nil {
			continue
		}
		for _, c := range file.log.open {
			if y.host.Time().Sub(c.start) >= file.log.atLeast {
				f.addCaller(t, c, keys)
			}
		}
	}
}

// tellEnded tells of the sessions that have ended.
func (y *logs) tellEnded(f *sessionFinder, t *tracker, keys fleetkey.Ring) {
	for i := range y.files {
		file := &y.files[i]
		entry := f.tools[file.source.tool]
		for _, c := range file.log.closed {
			if entry != nil {
				t.called(file.source.tool, entry.entry.GetSession(), c, classOf(c.peer, f.sameNetwork), keys)
			}
		}
		file.log.closed = nil
	}
}

// addCaller adds a session that a log has open.
func (f *sessionFinder) addCaller(t *tool, c caller, keys fleetkey.Ring) {
	id := t.entry.GetId()
	for i := range f.seen {
		if g := &f.seen[i]; g.tool == id {
			if g.account.hash == nil {
				g.account = hashAccount(id, c.account, keys)
			}
			if !g.peer.IsValid() {
				g.peer, g.class = c.peer, classOf(c.peer, f.sameNetwork)
			}
			return
		}
	}
	f.seen = append(f.seen, sighting{
		key: "log " + id + " " + c.name + " " + c.start.String(), tool: id, kind: t.entry.GetSession(), startedAt: c.start,
		peer: c.peer, class: classOf(c.peer, f.sameNetwork), path: c.path, account: hashAccount(id, c.account, keys),
		established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG,
	})
	t.controlled = true
}
