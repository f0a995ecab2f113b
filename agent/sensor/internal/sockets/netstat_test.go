package sockets

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var sameEnds = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func recorded(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/macos/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func end(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// TestAppendNetstat reads what netstat prints in three versions of macOS.
func TestAppendNetstat(t *testing.T) {
	t.Parallel()
	connection := func(pid uint32, local, remote string) Owned {
		return Owned{PID: pid, Socket: Socket{State: Established, Local: end(local), Remote: end(remote)}}
	}
	listener := func(pid uint32, local string) Owned {
		return Owned{PID: pid, Socket: Socket{State: Listen, Local: end(local)}}
	}
	counted := func(o Owned, received, sent uint64) Owned {
		o.Measured, o.Received, o.Acked = true, received, sent
		return o
	}
	tests := map[string][]Owned{
		"netstat-12.txt": {
			connection(1410, "192.168.7.20:5900", "192.168.7.31:52110"),
			connection(612, "192.168.7.20:55386", "203.0.113.131:443"),
			listener(388, "[::]:5938"), listener(1, "0.0.0.0:5900"), listener(1, "[::]:5900"),
		},
		"netstat-13.txt": {
			counted(connection(31607, "127.0.0.1:8443", "127.0.0.1:49300"), 4606, 3816077),
			counted(connection(4719, "[2001:db8:7::20]:22", "[2001:db8:ffff:1234:5678:9abc:def0:1]:61022"), 8237954, 2199),
		},
		"netstat-15.txt": {
			counted(connection(2511, "192.168.7.20:7070", "198.51.100.9:40112"), 17867, 175129),
			counted(connection(855, "192.168.7.20:64161", "203.0.113.95:443"), 13398, 5574),
			counted(connection(861, "192.168.7.20:64162", "203.0.113.96:443"), 1, 2), // whatever it calls itself
			counted(listener(77, "[fe80::1]:3000"), 0, 0), counted(listener(2511, "[::]:7070"), 0, 0), counted(listener(1, "0.0.0.0:22"), 0, 0),
		},
	}
	for name, want := range tests {
		if diff := cmp.Diff(want, AppendNetstat(nil, recorded(t, name)), sameEnds); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAppendNetstatLeavesOut(t *testing.T) {
	t.Parallel()
	const head = "Proto Recv-Q Send-Q  Local Address  Foreign Address  (state)  rxbytes txbytes rhiwat shiwat process:pid state options\n"
	for name, text := range map[string]string{
		"no names of columns": "tcp4 0 0 *.22 *.* LISTEN 0 0 1 1 launchd:1 00100 00000006\n",
		"an address cut off":  head + "tcp6 0 0 2600:1900:4110:8.80 2001:db8::1.80 ESTABLISHED 0 0 1 1 a:1 00100 00000006\n",
		"a name":              head + "tcp4 0 0 laptop.ssh desk.4000 ESTABLISHED 0 0 1 1 a:1 00100 00000006\n",
		"no port":             head + "tcp4 0 0 *.70000 *.* LISTEN 0 0 1 1 bad:1 0x0 0x6\n",
		"no other end":        head + "tcp4 0 0 192.0.2.1.22 *.* ESTABLISHED 0 0 1 1 bad:1 0x0 0x6\n",
		"a short line":        head + "tcp4 malformed\n",
		"UDP":                 head + "udp4 0 0 *.5353 *.* LISTEN 0 0 1 1 mDNSResponder:1 0x0 0x6\n",
	} {
		if got := AppendNetstat(nil, text); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := AppendNetstat(nil, head+"tcp4 0 0 *.22 *.* LISTEN 0 0 1 1 odd 0x0 0x6\n"); len(got) != 1 || got[0].PID != 0 {
		t.Errorf("a listener without a known owner: %+v", got)
	}
}

func TestParseControls(t *testing.T) {
	t.Parallel()
	tests := map[string][]Control{
		"controls-12.txt": {{TunnelControl, 1, 301}, {TunnelControl, 5, 5120}},
		"controls-15.txt": {{TunnelControl, 5, 79391}, {IPsecControl, 1, 310}},
		"netstat-15.txt":  nil,
	}
	for name, want := range tests {
		if diff := cmp.Diff(want, ParseControls(recorded(t, name))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseNettop(t *testing.T) {
	t.Parallel()
	list := ParseNettop(recorded(t, "nettop.csv"))
	want := []Statistics{
		{end("192.168.7.20:7070"), end("198.51.100.9:40112"), 108530 * time.Microsecond, 17867, 175129},
		{end("172.16.30.1:50421"), end("203.0.113.5:5223"), 950 * time.Microsecond, 5408, 11594},
		{end("[fe80::20]:22"), end("[fe80::31]:61022"), 1250 * time.Millisecond, 301, 99},
		{end("[2001:db8:7::20]:22"), end("[2001:db8::9]:50000"), 0, 1, 2},
	}
	if diff := cmp.Diff(want, list, sameEnds); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	rows := AppendNetstat(nil, recorded(t, "netstat-15.txt"))
	rows[0].Measure(list)
	if s := rows[0].Socket; s.RTT != list[0].RTT || s.MinRTT != list[0].RTT || s.Received != 17867 || !s.Measured {
		t.Errorf("measured %+v", s)
	}
	rows[1].Measure(list)
	if rows[1].RTT != 0 || rows[1].MinRTT != 0 {
		t.Errorf("a connection that is not listed has a round trip: %+v", rows[1])
	}
	bare := AppendNetstat(nil, recorded(t, "netstat-12.txt"))[0].Socket // whose netstat counts no bytes
	bare.Measure([]Statistics{{bare.Local, bare.Remote, 0, 7, 8}})
	if !bare.Measured || bare.Received != 7 || bare.Acked != 8 || bare.MinRTT != 0 {
		t.Errorf("bytes are not nettop's where netstat has none: %+v", bare)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "-": 0, "108.53": 0, "12 parsecs": 0, "-3 ms": 0, "NaN ms": 0, "Inf ms": 0, "1e300 ms": 0, "0 ms": 0, "2 ms": 2 * time.Millisecond,
	} {
		if got := roundTrip(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzAppendNetstat(f *testing.F) {
	for _, name := range []string{"netstat-12.txt", "netstat-13.txt", "netstat-15.txt", "controls-15.txt"} {
		f.Add(recorded(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range AppendNetstat(nil, text) {
			if !o.Local.IsValid() || (o.State == Established) != o.Remote.IsValid() || o.State != Established && o.State != Listen || o.Local.Addr().Zone() != "" {
				t.Errorf("%+v", o)
			}
		}
		for _, c := range ParseControls(text) {
			if c.PID == 0 || c.Name != TunnelControl && c.Name != IPsecControl {
				t.Errorf("%+v", c)
			}
		}
	})
}

func FuzzParseNettop(f *testing.F) {
	f.Add(recorded(f, "nettop.csv"))
	f.Add(",state,bytes_in\ntcp4 1.1.1.1:1<->1.1.1.2:2,Established,9\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range ParseNettop(text) {
			if s.RTT < 0 || s.RTT > time.Hour || !s.Local.IsValid() || !s.Remote.IsValid() {
				t.Errorf("%+v", s)
			}
		}
	})
}
