package catalog_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	linux   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	windows = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS
	macOS   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

	process   = farmhoundv1.FactKind_FACT_KIND_PROCESS
	path      = farmhoundv1.FactKind_FACT_KIND_PATH
	pkg       = farmhoundv1.FactKind_FACT_KIND_PACKAGE
	service   = farmhoundv1.FactKind_FACT_KIND_SERVICE
	iface     = farmhoundv1.FactKind_FACT_KIND_INTERFACE
	domain    = farmhoundv1.FactKind_FACT_KIND_DOMAIN
	uninstall = farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY
	launchd   = farmhoundv1.FactKind_FACT_KIND_LAUNCHD
	driver    = farmhoundv1.FactKind_FACT_KIND_DRIVER
)

// The committed form is what the source compiles to.
func TestBuiltInIsFresh(t *testing.T) {
	t.Parallel()
	compiled, err := source.Compile(source.Files())
	if err != nil {
		t.Fatal(err)
	}
	want, err := catalog.Encode(compiled)
	if err != nil {
		t.Fatal(err)
	}
	got := catalog.BuiltInBytes()
	if catalog.Digest(got) != catalog.Digest(want) {
		t.Error("catalog.binpb.gz is stale: run go generate in proto/catalog")
	}
	if catalog.BuiltIn().Digest() != catalog.Digest(got) {
		t.Error("the digest is not of the bytes")
	}
	if _, err := catalog.Load(got); err != nil {
		t.Errorf("what is part of the program is not checked when it starts, and %v", err)
	}
	for _, e := range compiled.GetEntries() {
		if got, ok := catalog.BuiltIn().Entry(e.GetId()); !ok || !proto.Equal(e, got) {
			t.Errorf("%s is %v", e.GetId(), got)
		}
	}
}

func TestBuiltInCoversEveryCategory(t *testing.T) {
	t.Parallel()
	count := map[farmhoundv1.Category]int{}
	for _, e := range catalog.BuiltIn().Entries() {
		count[e.GetCategory()]++
	}
	for number, name := range farmhoundv1.Category_name {
		if number != 0 && count[farmhoundv1.Category(number)] == 0 {
			t.Errorf("no entry in %s", name)
		}
	}
	for _, id := range strings.Fields(`x11vnc tigervnc-xvnc tigervnc-x0vncserver sshd xrdp wayvnc anydesk teamviewer
		rustdesk chrome-remote-desktop nomachine screenconnect splashtop meshcentral-agent dwagent parsec sunshine
		tailscale zerotier netbird wireguard cloudflared ngrok frp vscode-tunnel tmate astrill mullvad nordvpn openvpn
		pikvm tinypilot jetkvm nanokvm glinet-comet blikvm xdotool ydotool caffeine mouse-jiggler usbmmidd mtt-virtual-display`) {
		if _, ok := catalog.BuiltIn().Entry(id); !ok {
			t.Errorf("no entry %s", id)
		}
	}
}

func ids(matches []catalog.Match) []string {
	var found []string
	for _, m := range matches {
		found = append(found, m.Entry.GetId())
	}
	return found
}

func TestMatch(t *testing.T) {
	t.Parallel()
	type facts = []catalog.Fact
	cases := []struct {
		name  string
		os    farmhoundv1.OperatingSystem
		facts facts
		want  []string
	}{
		{"nothing", linux, nil, nil},
		{"x11vnc by name", linux, facts{{process, "x11vnc"}}, []string{"x11vnc"}},
		{"Debian's name for Xvnc", linux, facts{{process, "Xtigervnc"}, catalog.Port(5901)}, []string{"tigervnc-xvnc"}},
		{"name cut by the kernel", linux, facts{{process, "x0tigervncserve"}}, []string{"tigervnc-x0vncserver"}},
		{"program behind Debian's script", linux, facts{{path, "/usr/bin/X0tigervnc"}}, []string{"tigervnc-x0vncserver"}},
		{"case matters on Linux", linux, facts{{process, "X11VNC"}}, nil},
		{"case does not matter on Windows", windows, facts{{process, "ANYDESK.EXE"}}, []string{"anydesk"}},
		{"Windows name on Linux", linux, facts{{process, "anydesk.exe"}}, nil},
		{"VNC port alone", linux, facts{catalog.Port(5900)}, nil},
		{"SSH port alone", linux, facts{catalog.Port(22)}, nil},
		{"sshd", linux, facts{{process, "sshd"}, catalog.Port(22), {service, "ssh.service"}}, []string{"sshd"}},
		{"session process seen as a process", linux, facts{{process, "sshd-session"}}, []string{"sshd"}},
		{"two supporting facts of two kinds", linux, facts{{process, "gnome-remote-de"}, catalog.Port(3389)},
			[]string{"gnome-remote-desktop"}},
		{"two supporting facts of one kind", linux, facts{{process, "nxd"}, {process, "nxexec"}}, nil},
		{"weak facts do not add up", linux, facts{{pkg, "gnome-remote-desktop"}, {service, "gnome-remote-desktop.service"}}, nil},
		{"weak and supporting do not add up", linux, facts{{process, "gnome-remote-de"}, {service, "gnome-remote-desktop"}}, nil},
		{"client.exe", windows, facts{{process, "client.exe"}}, nil},
		{"instance of a template", linux, facts{{service, "chrome-remote-desktop@alice.service"}}, []string{"chrome-remote-desktop"}},
		{"instance name in a service", linux, facts{{service, "screenconnect-0123456789abcdef"}}, []string{"screenconnect"}},
		{"instance name on Windows", windows, facts{{uninstall, "ScreenConnect Client (0123456789abcdef)"}}, []string{"screenconnect"}},
		{"launchd", macOS, facts{{launchd, "com.philandro.anydesk.service"}}, []string{"anydesk"}},
		{"folder", linux, facts{{path, "/opt/teamviewer/tv_bin/teamviewerd"}}, []string{"teamviewer"}},
		{"folder of a similar name", linux, facts{{path, "/opt/teamviewer-plans/readme"}}, nil},
		{"folder on Windows", windows, facts{{path, `c:\program files\rustdesk\rustdesk.exe`}}, []string{"rustdesk"}},
		{"path with a space", linux, facts{{path, "/opt/Mullvad VPN/mullvad-gui"}}, []string{"mullvad"}},
		{"wireguard interface alone", linux, facts{{iface, "wg0"}}, nil},
		{"wireguard interface and unit", linux, facts{{iface, "wg0"}, {service, "wg-quick@wg0.service"}}, []string{"wireguard"}},
		{"tunnel interface alone", linux, facts{{iface, "tun0"}}, nil},
		{"tailscale interface", linux, facts{{iface, "tailscale0"}}, []string{"tailscale"}},
		{"zerotier interface with its port", linux, facts{{iface, "ztabcdef12"}, catalog.Port(9993)}, []string{"zerotier"}},
		{"relay name below a domain", linux, facts{{domain, "relay-0badcafe.net.anydesk.com."}, catalog.Port(7070)}, []string{"anydesk"}},
		{"a name that only ends alike", linux, facts{{domain, "notnet.anydesk.com.example"}, catalog.Port(7070)}, nil},
		{"driver", windows, facts{{driver, `ROOT\MTTVDD`}}, []string{"mtt-virtual-display"}},
		{"several at once, in order", linux, facts{{process, "x11vnc"}, {process, "tailscaled"}, {process, "sshd"}},
			[]string{"sshd", "tailscale", "x11vnc"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, ids(catalog.BuiltIn().Match(c.os, c.facts))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Ordinary programs and services, all at once and with everyday ports, are no
// match for anything.
func TestOrdinaryComputersDoNotMatch(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/ordinary.txt")
	if err != nil {
		t.Fatal(err)
	}
	facts := map[farmhoundv1.OperatingSystem][]catalog.Fact{}
	systems := map[string]farmhoundv1.OperatingSystem{"linux": linux, "windows": windows, "macos": macOS}
	kinds := map[string]farmhoundv1.FactKind{"process": process, "service": service, "interface": iface, "package": pkg}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.SplitN(line, " ", 3)
		kind, known := kinds[words[1]]
		if len(words) != 3 || !known || systems[words[0]] == 0 {
			t.Fatalf("testdata/ordinary.txt: %q", line)
		}
		facts[systems[words[0]]] = append(facts[systems[words[0]]], catalog.Fact{Kind: kind, Value: words[2]})
	}
	for os, all := range facts {
		if len(all) < 15 {
			t.Errorf("%v: only %d ordinary facts", os, len(all))
		}
		for _, port := range []uint16{53, 80, 139, 443, 445, 631, 3000, 5353, 8000, 8080, 51820} {
			all = append(all, catalog.Port(port))
		}
		for _, m := range catalog.BuiltIn().Match(os, all) {
			t.Errorf("%v: %s matches by %v", os, m.Entry.GetId(), m.Facts)
		}
	}
}

func TestMatchTellsWhy(t *testing.T) {
	t.Parallel()
	matches := catalog.BuiltIn().Match(linux, []catalog.Fact{{service, "rustdesk.service"}, catalog.Port(21118), {process, "rustdesk"}})
	if len(matches) != 1 {
		t.Fatalf("matches: %v", ids(matches))
	}
	m := matches[0]
	if m.Strength != farmhoundv1.Strength_STRENGTH_IDENTIFYING || !m.Unattended || len(m.Facts) != 3 {
		t.Errorf("strength %v, unattended %v, %d facts", m.Strength, m.Unattended, len(m.Facts))
	}
	if portable := catalog.BuiltIn().Match(linux, []catalog.Fact{{process, "rustdesk"}}); len(portable) != 1 || portable[0].Unattended {
		t.Error("a running program alone does not show unattended access")
	}
	grd := catalog.BuiltIn().Match(linux, []catalog.Fact{{process, "gnome-remote-desktop-daemon"}, catalog.Port(3389)})
	if len(grd) != 1 || grd[0].Strength != farmhoundv1.Strength_STRENGTH_SUPPORTING {
		t.Errorf("two supporting facts: %v", grd)
	}
}

func TestKnows(t *testing.T) {
	t.Parallel()
	c := catalog.BuiltIn()
	if !c.Knows(linux, catalog.Fact{Kind: process, Value: "chrome-remote-d"}) || c.Knows(linux, catalog.Fact{Kind: process, Value: "chrome"}) {
		t.Error("the question before looking closer is answered wrongly")
	}
	if !c.KnowsPort(linux, 5900) || c.KnowsPort(linux, 5433) {
		t.Error("ports are not known right")
	}
}

func TestKnowsAllocatesNothing(t *testing.T) {
	c := catalog.BuiltIn()
	got := testing.AllocsPerRun(100, func() {
		c.Knows(linux, catalog.Fact{Kind: process, Value: "kworker/0:1"})
		c.Knows(linux, catalog.Fact{Kind: process, Value: "x11vnc"})
		c.Knows(linux, catalog.Fact{Kind: path, Value: "/usr/lib/systemd/systemd-logind"})
		c.Knows(linux, catalog.Fact{Kind: service, Value: "vncserver@:1.service"})
		c.KnowsPort(linux, 40001)
	})
	if got != 0 {
		t.Errorf("%.0f allocations for five questions", got)
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	c := catalog.BuiltIn()
	spec, ok := c.Session(linux, "sshd")
	want := catalog.SessionSpec{Kind: farmhoundv1.SessionKind_SESSION_KIND_SHELL, Ports: []uint16{22}, Processes: []string{"sshd-session"}}
	if diff := cmp.Diff(want, spec); !ok || diff != "" {
		t.Errorf("sshd: %v %s", ok, diff)
	}
	if spec, ok := c.Session(linux, "x11vnc"); !ok || spec.Kind != farmhoundv1.SessionKind_SESSION_KIND_DESKTOP || !slices.Contains(spec.Ports, 5900) {
		t.Errorf("x11vnc: %v %v", spec, ok)
	}
	for _, id := range []string{"tailscale", "no-such-entry", "xdotool"} {
		if spec, ok := c.Session(linux, id); ok {
			t.Errorf("%s gives control: %v", id, spec)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	paths := catalog.BuiltIn().Values(linux, path)
	if !slices.IsSorted(paths) || !slices.Contains(paths, "/usr/bin/x11vnc") || len(slices.Compact(slices.Clone(paths))) != len(paths) {
		t.Errorf("paths: %q", paths)
	}
	for _, p := range paths {
		if !strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "~/") {
			t.Errorf("%q is no path of Linux", p)
		}
	}
}

// A catalogue comes from outside: whoever signed it, it may not ask for more than
// a catalogue may.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	fact := func(kind farmhoundv1.FactKind, os farmhoundv1.OperatingSystem, value string) *farmhoundv1.Catalog {
		return &farmhoundv1.Catalog{Version: 1, Entries: []*farmhoundv1.Entry{{
			Id: "x", Name: "x", Category: farmhoundv1.Category_CATEGORY_TUNNEL,
			Facts: []*farmhoundv1.Fact{{Kind: kind, Os: os, Value: value, Strength: farmhoundv1.Strength_STRENGTH_IDENTIFYING}},
		}}}
	}
	sessionLog := farmhoundv1.FactKind_FACT_KIND_SESSION_LOG
	cases := []struct {
		name    string
		catalog *farmhoundv1.Catalog
		want    string // empty: accepted
	}{
		{"program", fact(path, linux, "/usr/bin/x"), ""},
		{"application folder at home", fact(path, linux, "~/.config/x/"), ""},
		{"session log", fact(sessionLog, linux, "/var/log/x.trace"), ""},
		{"root itself", fact(path, linux, "/usr/bin/"), "outside the folders"},
		{"secret", fact(path, linux, "/etc/shadow"), "outside the folders"},
		{"home", fact(path, linux, "/home/alice/cv.pdf"), "outside the folders"},
		{"home by tilde", fact(path, linux, "~/.ssh/id_ed25519"), "outside the folders"},
		{"inside an application folder at home", fact(path, linux, "~/.config/chromium/Default/History"), "own folder"},
		{"climbing out", fact(path, linux, "/usr/bin/../../etc/shadow"), "plain form"},
		{"glob", fact(path, linux, "/opt/*/x"), "wildcard"},
		{"no system", fact(path, 0, "/usr/bin/x"), "needs an operating system"},
		{"Windows documents", fact(path, windows, `C:\Users\alice\Documents\x`), "outside the folders"},
		{"log elsewhere", fact(sessionLog, linux, "~/.bash_history"), "outside the folders"},
		{"process with its folder", fact(process, linux, "/usr/bin/x"), "without its folder"},
		{"every process", fact(process, linux, "*"), "wildcard"},
		{"every interface", fact(iface, linux, "*"), "2 letters"},
		{"interfaces by two letters", fact(iface, linux, "wg*"), ""},
		{"interfaces by one letter", fact(iface, linux, "w*"), "2 letters"},
		{"services by four letters", fact(service, windows, "Xpra*"), ""},
		{"services by three letters", fact(service, linux, "ssh*"), "4 letters"},
		{"every service", fact(service, linux, "*"), "4 letters"},
		{"applications by three letters", fact(uninstall, windows, "Mic*"), "4 letters"},
		{"jobs of a vendor", fact(launchd, macOS, "io.x.*"), ""},
		{"jobs by their top", fact(launchd, macOS, "com.*"), "5 letters"},
		{"bundles by their top", fact(farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, macOS, "com.*"), "5 letters"},
		{"processes by four letters", fact(process, windows, "word*.exe"), "5 letters"},
		{"domains of a vendor", fact(domain, 0, "*.example.com"), ""},
		{"port", fact(farmhoundv1.FactKind_FACT_KIND_PORT, 0, "70000"), "port number"},
		{"digest", fact(farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR, 0, "abcd"), "SHA-256"},
		{"usb without identity", fact(farmhoundv1.FactKind_FACT_KIND_USB, 0, ""), "usb identity"},
		{"kind from the future", fact(99, 0, "x"), "kind is unknown"},
		{"control characters", fact(process, linux, "x\x1b[2J"), "do not print"},
		{"format from the future", &farmhoundv1.Catalog{Version: 2}, "version"},
		{"entry twice", func() *farmhoundv1.Catalog {
			c := fact(process, linux, "x")
			c.Entries = append(c.Entries, c.Entries[0])
			return c
		}(), "order of their ids"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, err := proto.Marshal(c.catalog)
			if err != nil {
				t.Fatal(err)
			}
			_, err = catalog.Load(b)
			if c.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := catalog.Load(make([]byte, catalog.MaxSize+1)); err == nil {
		t.Error("an oversized catalogue is loaded")
	}
}

// What is longer unpacked than a catalogue may be is refused and not cut.
func TestUnpackRefusesMoreThanACatalogue(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int]bool{0: true, catalog.MaxSize: true, catalog.MaxSize + 1: false, 2 * catalog.MaxSize: false} {
		small, err := catalog.Pack(make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := catalog.Unpack(bytes.NewReader(small)); (err == nil) != fits || fits && len(got) != size {
			t.Errorf("%d bytes: %d are unpacked, error %v", size, len(got), err)
		}
	}
}

// Whatever bytes arrive, loading neither panics nor yields a catalogue that does.
func FuzzLoad(f *testing.F) {
	for _, id := range []string{"x11vnc", "pikvm", "jetkvm", "screenconnect"} {
		e, _ := catalog.BuiltIn().Entry(id)
		one, err := catalog.Encode(&farmhoundv1.Catalog{Version: 1, Entries: []*farmhoundv1.Entry{e}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(one)
	}
	f.Add([]byte{})
	f.Add([]byte("\x08\x01\x12\x02\x0a\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := catalog.Load(b)
		if err != nil {
			return
		}
		for os := range farmhoundv1.OperatingSystem_name {
			system := farmhoundv1.OperatingSystem(os)
			c.Match(system, []catalog.Fact{{process, "x11vnc"}, {path, "/usr/bin/x"}, {service, "a@b"}, {domain, "a.b.c"}, {iface, "wg0"}})
			c.Values(system, path)
		}
		c.USB(&farmhoundv1.UsbDevice{VendorId: 0x1d6b})
		c.Display(&farmhoundv1.Display{Maker: "LNX"})
	})
}

func BenchmarkKnowsProcess(b *testing.B) {
	c := catalog.BuiltIn()
	names := []string{"systemd", "kworker/u8:3", "gnome-shell", "x11vnc", "firefox", "Isolated Web Co"}
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range names {
			c.Knows(linux, catalog.Fact{Kind: process, Value: name})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	wire := catalog.BuiltInBytes()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := catalog.Load(wire); err != nil {
			b.Fatal(err)
		}
	}
}
