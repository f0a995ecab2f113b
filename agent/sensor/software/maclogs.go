package software

// macLogSources are where tools write down their sessions on macOS.
var macLogSources = []logSource{
	{"anydesk", []string{"/var/log/anydesk.trace", "~/.anydesk/anydesk.trace", "~/.anydesk/ad.trace"}, &anyDeskLog},
	{"teamviewer", []string{"/Library/Logs/TeamViewer/Connections_incoming.txt", "~/Library/Logs/TeamViewer/Connections_incoming.txt"}, nil},
	{"chrome-remote-desktop", []string{"/var/log/system.log", "/var/log/org.chromium.chromoting.log"}, &chromeRemoteDesktopLog},
	{"rustdesk", []string{"~/Library/Logs/RustDesk/server/rustdesk_rCURRENT.log"}, &rustDeskLog},
}
