package persona

import (
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// tool is one catalogue entry as it is set up on a laptop.
type tool struct {
	id, version string
	scope       farmhoundv1.InstallScope
	unattended  bool
	renamed     bool
	writable    bool
	fixed       bool
	idle        bool // installed, not running
	ports       []uint32
	tenant      string
}

// remoteTool is what is known of a product beyond its catalogue entry.
type remoteTool struct {
	versions []string
	ports    []uint32 // it listens on, when peers reach it directly
	relay    bool     // it has a vendor's relay
	direct   bool     // peers can reach it directly
	account  bool     // it names the remote account
	systems  []farmhoundv1.OperatingSystem
}

var all = []farmhoundv1.OperatingSystem{windows, linux, macos}

var remoteTools = map[string]remoteTool{
	"pulseway":                   {[]string{"9.12.1"}, nil, true, false, false, all},
	"kaseya-vsa":                 {[]string{"9.5.22"}, nil, true, false, false, all},
	"ninjaone":                   {[]string{"7.0.2174"}, nil, true, false, false, all},
	"atera":                      {[]string{"1.8.7.2"}, nil, true, false, false, all},
	"n-able-rmm":                 {[]string{"2024.4.1"}, nil, true, false, false, all},
	"simplehelp":                 {[]string{"5.5.10"}, nil, true, false, false, all},
	"todesk":                     {[]string{"4.7.6.3", "4.8.1.0"}, nil, true, false, false, all},
	"sunlogin":                   {[]string{"15.8.3"}, nil, true, false, false, all},
	"aspia":                      {[]string{"2.7.0"}, []uint32{8050}, true, true, false, all},
	"helpwire":                   {[]string{"2.1.24"}, nil, true, false, false, all},
	"anyviewer":                  {[]string{"5.2.0"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"ultraviewer":                {[]string{"6.6.124"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows}},
	"jump-desktop":               {[]string{"9.0.24"}, nil, true, true, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"rudesktop":                  {[]string{"2.8.3"}, []uint32{21118}, true, true, false, all},
	"litemanager":                {[]string{"5.2"}, []uint32{5650}, true, true, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"awesun":                     {[]string{"2.5.0"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"deskin":                     {[]string{"3.2.1"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"gnome-remote-desktop":       {[]string{"46.3"}, []uint32{3389}, false, true, false, []farmhoundv1.OperatingSystem{linux}},
	"apple-screen-sharing":       {[]string{"1.0"}, []uint32{5900}, false, true, false, []farmhoundv1.OperatingSystem{macos}},
	"tigervnc-x0vncserver":       {[]string{"1.14.1"}, []uint32{5900}, false, true, false, []farmhoundv1.OperatingSystem{linux}},
	"steam-remote-play":          {[]string{"1745016047"}, []uint32{27036}, false, true, false, all},
	"apollo":                     {[]string{"0.3.5"}, []uint32{47984, 47989}, false, true, false, []farmhoundv1.OperatingSystem{windows}},
	"logmein-rescue":             {[]string{"7.51"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"goto-resolve":               {[]string{"1.32.0"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"microsoft-teams":            {[]string{"24335.204"}, nil, true, false, false, all},
	"webex":                      {[]string{"45.6.1"}, nil, true, false, false, all},
	"tuple":                      {[]string{"1.9.0"}, nil, true, false, false, all},
	"citrix-vda":                 {[]string{"2402.0.100"}, []uint32{2598}, false, true, false, []farmhoundv1.OperatingSystem{windows, linux}},
	"vmware-horizon-agent":       {[]string{"8.13.0"}, []uint32{22443}, false, true, false, []farmhoundv1.OperatingSystem{windows, linux}},
	"nomachine":                  {[]string{"8.16.1", "9.2.18"}, []uint32{4000}, false, true, false, all},
	"realvnc-server":             {[]string{"7.13.0", "7.15.1"}, []uint32{5900}, true, true, false, all},
	"ultravnc":                   {[]string{"1.4.3.6", "1.6.1.0"}, []uint32{5900}, false, true, false, []farmhoundv1.OperatingSystem{windows}},
	"hoptodesk":                  {[]string{"1.43.4"}, []uint32{21118}, true, true, false, all},
	"remotepc":                   {[]string{"8.0.60"}, nil, true, false, false, all},
	"supremo":                    {[]string{"4.13.1"}, nil, true, false, false, all},
	"getscreen":                  {[]string{"3.2.9"}, nil, true, false, false, all},
	"remote-utilities":           {[]string{"7.6.2.0"}, []uint32{5650}, true, true, false, all},
	"gotomypc":                   {[]string{"11.0.1"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows}},
	"beyondtrust-remote-support": {[]string{"24.2.3", "25.1.1"}, nil, true, false, false, all},
	"isl-online":                 {[]string{"4.4.2420.39"}, nil, true, false, false, all},
	"meshcentral-agent":          {[]string{"1.1.42"}, nil, true, false, false, all},
	"windows-remote-desktop":     {nil, []uint32{3389}, false, true, false, []farmhoundv1.OperatingSystem{windows}},
	"amazon-dcv":                 {[]string{"2024.0.19030"}, []uint32{8443}, false, true, false, []farmhoundv1.OperatingSystem{windows, linux}},
	"zoom":                       {[]string{"6.5.3", "6.6.0"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, macos}},
	"anydesk":                    {[]string{"8.0.14", "8.1.0", "9.0.2"}, []uint32{7070}, true, true, true, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"rustdesk":                   {[]string{"1.2.7", "1.3.2", "1.4.0"}, []uint32{21118}, true, true, false, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"quick-assist":               {nil, nil, true, false, false, []farmhoundv1.OperatingSystem{windows}},
	"zoho-assist":                {[]string{"111.0.3.62"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows}},
	"sshd":                       {[]string{"9.6p1", "9.9p1"}, []uint32{22}, false, true, false, []farmhoundv1.OperatingSystem{linux, macos}},
	"teamviewer":                 {[]string{"15.52.4", "15.60.3"}, nil, true, true, true, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"chrome-remote-desktop":      {[]string{"130.0.6723.13", "132.0.6834.9"}, nil, true, true, true, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"splashtop":                  {[]string{"3.7.0.0", "3.7.2.2"}, []uint32{6783}, true, false, false, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"screenconnect":              {[]string{"24.2.10", "24.3.7"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"dwagent":                    {[]string{"3.8.0"}, nil, true, false, false, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"parsec":                     {[]string{"150.97"}, nil, false, true, false, []farmhoundv1.OperatingSystem{windows, linux, macos}},
	"sunshine":                   {[]string{"0.23.1", "2024.1227"}, []uint32{47984, 47989, 47990, 48010}, false, true, false, []farmhoundv1.OperatingSystem{windows, linux}},
	"tightvnc":                   {[]string{"2.8.85"}, []uint32{5900}, false, true, false, []farmhoundv1.OperatingSystem{windows}},
	"x11vnc":                     {[]string{"0.9.16"}, []uint32{5900}, false, true, false, []farmhoundv1.OperatingSystem{linux}},
	"xrdp":                       {[]string{"0.9.24", "0.10.1"}, []uint32{3389}, false, true, false, []farmhoundv1.OperatingSystem{linux}},
}

// remote sets a remote-control product up.
func remote(d draw, id string, unattended bool) *tool {
	known := remoteTools[id]
	t := &tool{id: id, scope: farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM, unattended: unattended, ports: known.ports}
	if len(known.versions) > 0 {
		t.version = pick(d, known.versions...)
	}
	if known.account {
		t.tenant = d.text(digits, 9)
	}
	return t
}

// plain is a tool that just is there.
func plain(id, version string) *tool {
	return &tool{id: id, version: version, scope: farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM}
}

// linkOf is how a product shows a session on a system.
func linkOf(id string, os farmhoundv1.OperatingSystem, path farmhoundv1.SessionPath) *link {
	l := &link{
		tool: id, kind: farmhoundv1.SessionKind_SESSION_KIND_DESKTOP, path: path, measured: os != macos,
		class: farmhoundv1.PeerClass_PEER_CLASS_GLOBAL, established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION,
	}
	switch id {
	case "sshd":
		l.kind, l.logon = farmhoundv1.SessionKind_SESSION_KIND_SHELL, farmhoundv1.LogonKind_LOGON_KIND_SSH
	case "quick-assist", "zoho-assist", "gotomypc", "zoom", "todesk", "ninjaone":
		l.established, l.measured = farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS, false
	case "chrome-remote-desktop", "teamviewer":
		l.established = farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG
		l.measured = path == farmhoundv1.SessionPath_SESSION_PATH_DIRECT && l.measured
	case "xrdp", "windows-remote-desktop", "gnome-remote-desktop":
		l.logon = farmhoundv1.LogonKind_LOGON_KIND_RDP
	case "x11vnc", "tightvnc", "ultravnc", "realvnc-server", "tigervnc-x0vncserver", "apple-screen-sharing":
		l.logon = farmhoundv1.LogonKind_LOGON_KIND_VNC
	}
	return l
}

// state is a tool as a report holds it.
func (i *installed) state(w *World, started int64, controlled bool) *farmhoundv1.Tool {
	t := &farmhoundv1.Tool{
		Id: i.id, Version: i.version, Scope: i.scope, Installed: i.scope != farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE,
		Running: !i.idle || controlled, Controlled: controlled, Unattended: i.unattended, Renamed: i.renamed,
		UserWritable: i.writable, FixedCredential: i.fixed,
	}
	t.FoundBy = []farmhoundv1.FoundBy{farmhoundv1.FoundBy_FOUND_BY_PROCESS}
	if i.idle {
		t.FoundBy = nil
	}
	if t.Installed {
		t.FoundBy = append(t.FoundBy, farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
	}
	if i.unattended {
		t.FoundBy = append(t.FoundBy, farmhoundv1.FoundBy_FOUND_BY_SERVICE)
	}
	if t.Running {
		t.RunningSince = stamp(max(started, i.from))
		t.ListeningPorts = i.ports
	}
	if i.tenant != "" {
		t.InstallationHash, t.KeyId = w.hashed("installation-id", i.tenant)
	}
	return t
}

func (i *installed) there(at int64) bool { return i.from <= at && (i.to == 0 || at < i.to) }
