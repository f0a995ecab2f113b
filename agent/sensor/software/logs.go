package software

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/journal"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// logSource is where a tool writes down its sessions, and how.
type logSource struct {
	tool   string
	paths  []string
	format *logFormat // nil for TeamViewer's, which has whole sessions
}

// logDisk is where logs lie.
type logDisk interface {
	Stat(name string) (fs.FileInfo, error)
	// OpenLog opens a log, which its tool can go on writing.
	OpenLog(name string) (*os.File, error)
	ReadNames(folder string, limit int) ([]string, error)
	// Same says whether two names are one file's.
	Same(a, b string) bool
}

// hostLogs are logs on a host. Some lie in anybody's home.
type hostLogs struct{ host.Host }

// OpenLog opens a log.
func (h hostLogs) OpenLog(name string) (*os.File, error) {
	if h.Live() {
		return openLog(name)
	}
	return h.Open(name)
}

// Same compares the names.
func (hostLogs) Same(a, b string) bool { return a == b }

// logs are the tools' own logs, followed from when they were first seen.
type logs struct {
	disk     logDisk
	sources  []logSource
	follower logFollower
	looked   time.Time // when the files were last looked for
	files    []followedLog
	followed []*toolLog      // what they tell, each once
	unseen   map[string]bool // tools of which a log could not be looked for
	hidden   bool            // in the last read one of a tool that is there could not be read
}

// detailLogs says what of the logs could not be seen.
const detailLogs = "remote-control tools' own logs are hidden without root"

type followedLog struct {
	source *logSource
	name   string
	read   fs.FileInfo // as it was when it was last read to its end
	log    *toolLog    // nil for TeamViewer's; several files can be one tool's
	// journal is of the system's own log where that is no text, and nil otherwise.
	journal *journal.Follower
}

func newLogs(disk logDisk, sources []logSource) logs {
	return logs{disk: disk, sources: sources, follower: logFollower{at: map[string]logPosition{}}}
}

// follow looks for the logs that are there, as often as what is installed is looked at,
// and reads what was appended to those of the tools that are.
func (y *logs) follow(now, inventoryAt time.Time, homes func() []string, tools map[string]*tool, t *tracker, keys fleetkey.Ring) {
	if y.looked != inventoryAt {
		y.looked = inventoryAt
		y.look(homes())
	}
	y.read(now, tools, t, keys)
}

// look finds the logs that are there. One that is not there yet will be new from its
// beginning on. What is known of a log that stays is kept.
func (y *logs) look(homes []string) {
	var files []followedLog
	y.unseen = map[string]bool{}
	for i := range y.sources {
		source := &y.sources[i]
		for _, name := range y.names(source, homes) {
			if info, err := y.disk.Stat(name); absent(err) {
				y.follower.at[name] = logPosition{}
			} else if err != nil {
				y.unseen[source.tool] = true
			} else if info.Mode().IsRegular() {
				files = append(files, y.file(source, name, files))
			}
		}
	}
	y.files, y.followed = files, nil
	for _, f := range files {
		if f.log != nil && !slices.Contains(y.followed, f.log) {
			y.followed = append(y.followed, f.log)
		}
	}
}

// absent says that there is no such file, and nothing that hides one.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// names are where a tool's logs may lie, each once: the home of a service is a home, too.
func (y *logs) names(source *logSource, homes []string) (list []string) {
	add := func(name string) {
		if !slices.ContainsFunc(list, func(other string) bool { return y.disk.Same(name, other) }) {
			list = append(list, name)
		}
	}
	for _, path := range source.paths {
		if folder, ok := strings.CutSuffix(path, "/*.journal"); ok {
			list = append(list, y.journals(folder)...)
		} else if below, ok := strings.CutPrefix(path, "~"); ok {
			for _, home := range homes {
				add(home + below)
			}
		} else {
			add(path)
		}
	}
	return list
}

// file is a log that is followed, besides those that are.
func (y *logs) file(source *logSource, name string, others []followedLog) followedLog {
	if at := slices.IndexFunc(y.files, func(f followedLog) bool { return f.name == name && f.source == source }); at >= 0 {
		return y.files[at]
	}
	f := followedLog{source: source, name: name, log: y.logOf(source, others)}
	if strings.HasSuffix(name, ".journal") {
		f.journal = &journal.Follower{}
	}
	return f
}

// logOf is what a file tells, together with the tool's others unless they are apart.
func (y *logs) logOf(source *logSource, others []followedLog) *toolLog {
	if source.format == nil {
		return nil
	}
	if !source.format.apart {
		for _, files := range [][]followedLog{others, y.files} {
			if at := slices.IndexFunc(files, func(f followedLog) bool { return f.source == source }); at >= 0 {
				return files[at].log
			}
		}
	}
	return &toolLog{tool: source.tool, logFormat: source.format}
}

// read reads what was appended to the logs of the tools that are there.
func (y *logs) read(now time.Time, tools map[string]*tool, t *tracker, keys fleetkey.Ring) {
	there := func(tool string) bool { return tools[tool] != nil && !tools[tool].contained }
	y.hidden = false
	for tool := range y.unseen {
		y.hidden = y.hidden || there(tool)
	}
	for i := range y.files {
		f := &y.files[i]
		if !there(f.source.tool) {
			continue
		}
		data := y.appended(f)
		if f.log != nil {
			f.log.take(data, now)
			continue
		}
		for _, v := range parseVisits(data) {
			t.visited(f.source.tool, tools[f.source.tool].entry.GetSession(), v.account, v, keys)
		}
	}
	for _, l := range y.followed {
		if there(l.tool) {
			l.settle()
			l.expire(now, tools[l.tool].since, tools[l.tool].running)
		}
	}
}

// appended returns what is new in a file.
func (y *logs) appended(f *followedLog) []byte {
	info, err := y.disk.Stat(f.name)
	if err == nil && f.read != nil && info.Size() == f.read.Size() && os.SameFile(info, f.read) {
		return nil
	}
	var file *os.File
	if err == nil {
		file, err = y.disk.OpenLog(f.name)
	}
	if err != nil {
		y.hidden = y.hidden || !absent(err)
		return nil
	}
	defer file.Close()
	info, err = file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if f.journal != nil { // which has its size from the beginning
		return journalLines(f.journal, file)
	}
	data := y.follower.appended(f.name, info, file)
	if f.read = info; y.follower.at[f.name].offset < info.Size() && len(data) > 0 {
		f.read = nil // the rest of a burst
	}
	return data
}

// tell adds the sessions that logs have open to those that were seen. A session that
// shows otherwise as well only learns whose it is.
func (y *logs) tell(now time.Time, seen []sighting, tools map[string]*tool, t *tracker, near func(netip.Addr) bool, keys fleetkey.Ring) []sighting {
	for _, l := range y.followed {
		entry := tools[l.tool]
		if entry == nil {
			continue
		}
		for i := range l.open {
			if c := &l.open[i]; l.counts(c, now) {
				seen = t.addCaller(seen, entry, *c, l.open, near, keys)
			}
		}
	}
	return seen
}

// tellEnded tells of the sessions that have ended.
func (y *logs) tellEnded(tools map[string]*tool, t *tracker, near func(netip.Addr) bool, keys fleetkey.Ring) {
	for _, l := range y.followed {
		entry := tools[l.tool]
		for _, c := range l.closed {
			if entry != nil {
				t.called(l.tool, entry.entry.GetSession(), c, classOf(c.peer, near), keys)
			}
		}
		l.closed = nil
	}
}

// addCaller adds one of the sessions that a log has open. A session that shows otherwise
// as well is one caller's only: several can be in one tool at once.
func (t *tracker) addCaller(seen []sighting, of *tool, c caller, open []caller, near func(netip.Addr) bool, keys fleetkey.Ring) []sighting {
	id := of.entry.GetId()
	if g := t.shown(seen, id, c, open); g != nil {
		g.caller = c.name
		if g.account.hash == nil {
			g.account = hashAccount(id, c.account, keys)
		}
		if !g.peer.IsValid() {
			g.peer, g.class = c.peer, classOf(c.peer, near)
		}
		return seen
	}
	of.controlled = true
	return append(seen, sighting{
		key: "log " + id + " " + c.name + " " + c.start.String(), tool: id, kind: of.entry.GetSession(), startedAt: c.start, caller: c.name,
		peer: c.peer, class: classOf(c.peer, near), path: c.path, account: hashAccount(id, c.account, keys),
		established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG,
	})
}

// shown finds the sighting of a caller's session: the one that is known to be, or one that
// is nobody else's, with the caller's address if there is such a one.
func (t *tracker) shown(seen []sighting, tool string, c caller, open []caller) *sighting {
	var free *sighting
	for i := range seen {
		g := &seen[i]
		if g.tool != tool {
			continue
		}
		owner := g.caller
		if s := t.open[g.key]; owner == "" && s != nil {
			owner = s.caller
		}
		other := func(o caller) bool { return o.name != c.name && o.peer == g.peer && g.peer.IsValid() }
		switch {
		case owner == c.name:
			return g
		case owner != "" || g.peer != c.peer && slices.ContainsFunc(open, other):
		case free == nil || g.peer == c.peer && free.peer != c.peer:
			free = g
		}
	}
	return free
}
