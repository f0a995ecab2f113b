package software

import (
	"io/fs"
	"strings"
)

// winLogSources are where tools write down their sessions on Windows: services in the
// programs' common data, portable programs in the data of whoever started them.
var winLogSources = []logSource{
	{"anydesk", []string{
		`C:\ProgramData\AnyDesk\ad_svc.trace`, `~\AppData\Roaming\AnyDesk\ad.trace`, `~\AppData\Roaming\AnyDesk\ad_svc.trace`,
	}, &anyDeskLog},
	{"teamviewer", []string{
		`C:\Program Files\TeamViewer\Connections_incoming.txt`, `C:\Program Files (x86)\TeamViewer\Connections_incoming.txt`,
		`~\AppData\Roaming\TeamViewer\Connections_incoming.txt`,
	}, nil},
	{"rustdesk", []string{
		`C:\Windows\ServiceProfiles\LocalService\AppData\Roaming\RustDesk\log\server\rustdesk_rCURRENT.log`,
		`~\AppData\Roaming\RustDesk\log\server\rustdesk_rCURRENT.log`,
	}, &rustDeskLog},
}

// winLogs are logs on Windows, which are opened to be looked at, too: one that is being
// written to has its size only so.
type winLogs struct{ windowsMachine }

// Stat describes a log.
func (m winLogs) Stat(name string) (fs.FileInfo, error) {
	file, err := m.OpenLog(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Stat()
}

// ReadNames lists nothing: no tool keeps its log under names of its own making.
func (winLogs) ReadNames(folder string, _ int) ([]string, error) {
	return nil, &fs.PathError{Op: "list", Path: folder, Err: fs.ErrNotExist}
}

// Same compares the names as Windows does.
func (winLogs) Same(a, b string) bool { return strings.EqualFold(a, b) }

// guarded are folders of the system in which only administrators, and installers, make
// anything, links too.
var guarded = []string{`C:\Program Files`, `C:\Program Files (x86)`, `C:\Windows`}

// belowTrusted parts a path where somebody may have put links from the folder that it lies
// below, which was made by an administrator: a home, a folder of the system, a drive. Paths
// that begin at none, such as those of other computers, are not to be opened.
func belowTrusted(path string, homes []string) (base string, parts []string, ok bool) {
	const drive = `C:\`
	if len(path) <= len(drive) || path[1:len(drive)] != drive[1:] {
		return "", nil, false
	}
	base = path[:len(drive)]
	for _, home := range homes {
		if home = strings.TrimRight(home, `\`); len(home) > len(base) && isBelow(path, home) {
			base = home
		}
	}
	if len(base) == len(drive) {
		for _, folder := range guarded {
			if isBelow(path, folder) {
				base = path[:strings.LastIndexByte(path, '\\')]
			}
		}
	}
	parts = strings.Split(strings.TrimPrefix(path[len(base):], `\`), `\`)
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/:") {
			return "", nil, false
		}
	}
	return base, parts, true
}

// isBelow says whether a path lies below a folder.
func isBelow(path, folder string) bool {
	return len(path) > len(folder)+1 && path[len(folder)] == '\\' && strings.EqualFold(path[:len(folder)], folder)
}
