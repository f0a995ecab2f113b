package software

import "github.com/farmhound-security/farmhound/proto/fleetkey"

// logSources are where tools write down their sessions on Linux.
var logSources = []logSource{
	{"anydesk", []string{"/var/log/anydesk.trace", "~/.anydesk/anydesk.trace", "~/.anydesk/ad.trace"}, &anyDeskLog},
	{"teamviewer", []string{"/opt/teamviewer/logfiles/Connections_incoming.txt", "/var/log/teamviewer15/Connections_incoming.txt"}, nil},
	{"chrome-remote-desktop", []string{"/var/log/syslog", "/var/log/messages", "/var/log/user.log", "/var/log/journal/*.journal", "/run/log/journal/*.journal"}, &chromeRemoteDesktopLog},
	{"rustdesk", []string{"~/.local/share/logs/RustDesk/server/rustdesk_rCURRENT.log"}, &rustDeskLog},
}

// readLogs adds what tools' own logs tell of sessions.
func (y *system) readLogs(f *sessionFinder, keys fleetkey.Ring) {
	now := f.host.Time()
	y.logs.follow(now, y.inventory.at, y.inventory.homes, f.tools, y.tracker, keys)
	f.seen = y.logs.tell(now, f.seen, f.tools, y.tracker, f.sameNetwork, keys)
	y.logs.tellEnded(f.tools, y.tracker, f.sameNetwork, keys)
}
