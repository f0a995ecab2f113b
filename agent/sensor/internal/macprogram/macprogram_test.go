package macprogram

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/machofile"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestHomeless(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/Users/eve/Applications/a": "~/Applications/a", "/Users/Shared/a": "/Users/Shared/a", "/Users/eve": "/Users/eve",
		"/var/root/a": "~/a", "/private/var/root/a": "~/a", "/Applications/a": "/Applications/a",
	} {
		if got := Homeless(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestRead finds the application around a program that lies deep inside it.
func TestRead(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, content := range map[string]string{
		"Applications/VPN.app/Contents/Info.plist":                                `<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>com.example.vpn</string></dict></plist>`,
		"Applications/VPN.app/Contents/PlugIns/Tunnel.appex/Contents/Info.plist":  `<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>com.example.vpn.tunnel</string></dict></plist>`,
		"Applications/VPN.app/Contents/PlugIns/Tunnel.appex/Contents/MacOS/Inner": "no program",
	} {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const inner = "/Applications/VPN.app/Contents/PlugIns/Tunnel.appex/Contents/MacOS/Inner"
	got := Read(host.Host{Root: root}, inner)
	if want := (Identity{Bundle: "com.example.vpn"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := Read(host.Host{Root: root}, "/usr/bin/absent"); got != (Identity{}) {
		t.Errorf("of a program that is not there: %+v", got)
	}
}

// TestPathIn reads what the kernel keeps of how a process was started: a count, the path
// as it was given, and the arguments.
func TestPathIn(t *testing.T) {
	t.Parallel()
	for started, want := range map[string]string{
		"\x02\x00\x00\x00/Applications/a.app/Contents/MacOS/a\x00\x00\x00/elsewhere\x00-x\x00": "/Applications/a.app/Contents/MacOS/a",
		"\x01\x00\x00\x00./a\x00\x00./a\x00":                                                   "",
		"\x01\x00\x00\x00../b/a\x00./a\x00":                                                    "",
		"\x01\x00\x00\x00a\x00a\x00":                                                           "",
		"\x01\x00\x00\x00\x00\x00/bin/other\x00":                                               "",
		"\x01\x00\x00\x00":                                                                     "", "\x01": "", "": "",
	} {
		if got := pathIn([]byte(started)); got != want {
			t.Errorf("%q: %q, want %q", started, got, want)
		}
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	fact := func(kind farmhoundv1.FactKind, value string) catalog.Fact {
		return catalog.Fact{Kind: kind, Value: value}
	}
	const (
		process = farmhoundv1.FactKind_FACT_KIND_PROCESS
		place   = farmhoundv1.FactKind_FACT_KIND_PATH
		bundle  = farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID
		signer  = farmhoundv1.FactKind_FACT_KIND_SIGNER
	)
	identity := Identity{machofile.Program{Identifier: "com.example.a", Team: "ABCDE12345"}, true, "com.example.a"}
	want := []catalog.Fact{fact(process, "b"), fact(place, "~/b"), fact(bundle, "com.example.a"), fact(signer, "ABCDE12345")}
	if diff := cmp.Diff(want, Facts("/Users/eve/b", "cut", identity)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const extension = "/Library/SystemExtensions/6A1B/io.tailscale.ipn.macsys.network-extension.systemextension/Contents/MacOS/io.tailscale.ipn.macsys.network-extension"
	identity = Identity{Program: machofile.Program{Identifier: "io.tailscale.ipn.macsys.network-extension"}}
	want = []catalog.Fact{
		fact(process, "io.tailscale.ipn.macsys.network-extension"), fact(place, extension), fact(bundle, "io.tailscale.ipn.macsys.network-extension"),
		fact(bundle, "io.tailscale.ipn.macsys"), fact(bundle, "io.tailscale.ipn"),
	}
	if diff := cmp.Diff(want, Facts(extension, "", identity)); diff != "" {
		t.Errorf("of an extension (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]catalog.Fact{fact(process, "cut")}, Facts("", "cut", Identity{})); diff != "" {
		t.Errorf("of a hidden program (-want +got):\n%s", diff)
	}
}
