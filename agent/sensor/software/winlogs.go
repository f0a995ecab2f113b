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
