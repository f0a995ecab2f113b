package utmp

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

var compareAddresses = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestRead(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 24, 6, 12, 0, 500_000_000, time.UTC)
	want := []Login{
		{Line: ":0", PID: 1410, StartedAt: began},
		{Line: "pts/0", PID: 2200, StartedAt: began, Peer: netip.MustParseAddr("203.0.113.9"), Remote: true},
		{Line: "pts/1", PID: 2300, StartedAt: began, Peer: netip.MustParseAddr("2001:db8::7"), Remote: true},
		{Line: "pts/2", PID: 2400, StartedAt: began, Peer: netip.MustParseAddr("198.18.0.4"), Remote: true},
		{Line: "pts/3", PID: 2500, StartedAt: began, Remote: true},
	}
	for _, root := range []string{"testdata/amd64", "testdata/arm64"} {
		got, err := Read(host.Host{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, compareAddresses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", root, diff)
		}
	}
	if _, err := Read(host.Host{Root: t.TempDir()}); err == nil {
		t.Error("no error without a file")
	}
}

func TestParseCutShort(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/amd64/run/utmp")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(data[:len(data)-1])
	if err == nil || len(got) != 4 {
		t.Errorf("%d logins, error %v; want the 4 whole ones and an error", len(got), err)
	}
}

func FuzzParse(f *testing.F) {
	if data, err := os.ReadFile("testdata/amd64/run/utmp"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		logins, _ := parse(data)
		if len(logins) > len(data)/384 {
			t.Errorf("%d logins in %d bytes", len(logins), len(data))
		}
		for _, l := range logins {
			if len(l.Line) > sizeLine || l.Peer.Zone() != "" || l.Peer.Is4In6() {
				t.Errorf("line %q, peer %v", l.Line, l.Peer)
			}
		}
	})
}
