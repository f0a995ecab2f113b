package sockets

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

var comparePorts = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func ends(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// Recorded on a laptop with x11vnc, a viewer on another machine and one on this.
var recordedTables = []Socket{
	{Local: ends("0.0.0.0:5900"), State: Listen, UID: 1000, Inode: 25191},
	{Local: ends("192.168.7.20:5900"), Remote: ends("203.0.113.9:51514"), State: Established, UID: 1000, Inode: 25204},
	{Local: ends("[::]:22"), State: Listen, Inode: 1191},
	{Local: ends("192.168.7.20:22"), Remote: ends("198.18.4.1:40112"), State: Established, Inode: 90211},
	{Local: ends("[2001:db8::20]:22"), Remote: ends("[2001:db8:9::1]:40113"), State: Established, Inode: 90212},
}

func TestListRecordedTables(t *testing.T) {
	t.Parallel()
	rows, measured, err := NewLister(host.Host{Root: "testdata"}).List(t.Context())
	if err != nil || measured {
		t.Errorf("measured %v, error %v", measured, err)
	}
	if diff := cmp.Diff(recordedTables, rows, comparePorts); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestListMissingTables(t *testing.T) {
	t.Parallel()
	if _, _, err := NewLister(host.Host{Root: t.TempDir()}).List(t.Context()); err == nil {
		t.Error("no error where there are no tables")
	}
}

func TestListLive(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		farpath.Missing(t, "/proc/net/tcp")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := client.Write(make([]byte, 1234)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}

	rows, measured, err := NewLister(host.Host{}).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	accepted := ends(listener.Addr().String())
	var listens, connected bool
	for _, s := range rows {
		listens = listens || s.State == Listen && s.Local == accepted && s.Inode != 0 && s.UID == uint32(os.Getuid())
		if s.State == Established && s.Local == accepted && s.Remote == ends(client.LocalAddr().String()) {
			connected = true
			if measured && (!s.Measured || s.Received != 1234 || s.RTT <= 0 || s.Cookie == 0) {
				t.Errorf("the kernel's figures: %+v", s)
			}
		}
	}
	if !listens || !connected {
		t.Errorf("listener found %v, connection found %v in %d rows", listens, connected, len(rows))
	}
}

func TestListCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := NewLister(host.Host{}).List(ctx); err == nil {
		t.Error("no error from a cancelled listing")
	}
}

// The recorded datagram is one that Linux 6.18 answered with, holding a listener and
// both ends of a connection over loopback.
func TestAppendDumpRecorded(t *testing.T) {
	t.Parallel()
	datagram, err := os.ReadFile("testdata/diag.bin")
	if err != nil {
		t.Fatal(err)
	}
	got, done, err := appendDump(nil, datagram)
	if err != nil || done {
		t.Fatalf("done %v, error %v", done, err)
	}
	want := []Socket{
		{Local: ends("127.0.0.1:40531"), State: Listen},
		{Local: ends("127.0.0.1:40531"), Remote: ends("127.0.0.1:56704"), State: Established, Measured: true, Acked: 99, Received: 4321},
		// The side that connected counts its SYN as one byte.
		{Local: ends("127.0.0.1:56704"), Remote: ends("127.0.0.1:40531"), State: Established, Measured: true, Acked: 4322, Received: 99},
	}
	told := cmpopts.IgnoreFields(Socket{}, "Inode", "Cookie", "MinRTT", "RTT", "UID")
	if diff := cmp.Diff(want, got, comparePorts, told); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for i, s := range got {
		if s.Inode == 0 || s.Cookie == 0 || s.UID != 0 {
			t.Errorf("row %d: inode %d, cookie %d, uid %d", i, s.Inode, s.Cookie, s.UID)
		}
		if s.Measured && (s.MinRTT <= 0 || s.MinRTT > time.Millisecond || s.RTT < s.MinRTT) {
			t.Errorf("row %d: smallest round trip %v, smoothed %v", i, s.MinRTT, s.RTT)
		}
	}
}

// A peer is silent only while the kernel sends something again and again.
func TestSilentPeer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		resent          byte
		unacked, lastMS uint32
		want            time.Duration
	}{
		{"everything arrived long ago", 0, 0, 3_600_000, 0},
		{"on its way", 0, 4, 130, 0},
		{"a lossy path", 2, 4, 2_000, 0},
		{"nobody hears", 8, 4, 50_000, 50 * time.Second},
		{"a keepalive probe is nothing unacknowledged", 8, 0, 50_000, 0},
	} {
		info := make([]byte, infoMinRTT+4)
		info[infoResent] = tt.resent
		binary.NativeEndian.PutUint32(info[infoUnacked:], tt.unacked)
		binary.NativeEndian.PutUint32(info[infoLastAck:], tt.lastMS)
		var s Socket
		if s.parseInfo(info); s.Silent != tt.want {
			t.Errorf("%s: silent for %v, want %v", tt.name, s.Silent, tt.want)
		}
	}
}

func TestAppendDumpErrors(t *testing.T) {
	t.Parallel()
	message := func(kind uint16, body ...byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(headerSize+len(body)))
		b = binary.NativeEndian.AppendUint16(b, kind)
		return append(append(b, make([]byte, 10)...), body...)
	}
	refused := binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff)) // -1, EPERM
	for _, tt := range []struct {
		name     string
		datagram []byte
		done     bool
		wantErr  bool
	}{
		{name: "empty"},
		{name: "done", datagram: message(msgDone, 0, 0, 0, 0), done: true},
		{name: "refused", datagram: message(msgError, refused...), wantErr: true},
		{name: "error cut short", datagram: message(msgError, 0), wantErr: true},
		{name: "acknowledged", datagram: message(msgError, 0, 0, 0, 0)},
		{name: "socket cut short", datagram: message(sockDiagFamily, make([]byte, 71)...), wantErr: true},
		{name: "another family", datagram: message(sockDiagFamily, make([]byte, 72)...), wantErr: true},
		{name: "length beyond the datagram", datagram: []byte{99, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, wantErr: true},
		{name: "length within the header", datagram: make([]byte, 16), wantErr: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, done, err := appendDump(nil, tt.datagram)
			if done != tt.done || (err != nil) != tt.wantErr {
				t.Errorf("done %v, error %v", done, err)
			}
		})
	}
}

func TestParseRow(t *testing.T) {
	t.Parallel()
	const tail = " 00000000:00000000 00:00000000 00000000  1000        0 25204 1 0 20 4"
	for _, tt := range []struct {
		name, row string
		ok        bool
	}{
		{name: "whole", row: "   0: 0100007F:170C 0100007F:C93A 01" + tail, ok: true},
		{name: "cut short", row: "   0: 0100007F:170C 0100007F:C93A 01 00000000:0000"},
		{name: "address of odd length", row: "   0: 00007F:170C 0100007F:C93A 01" + tail},
		{name: "not hexadecimal", row: "   0: 0100007G:170C 0100007F:C93A 01" + tail},
		{name: "state too large", row: "   0: 0100007F:170C 0100007F:C93A 101" + tail},
		{name: "port too long", row: "   0: 0100007F:1170C 0100007F:C93A 01" + tail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, ok := parseRow([]byte(tt.row)); ok != tt.ok {
				t.Errorf("ok = %v", ok)
			}
		})
	}
}

func TestAppendTableCountsMalformedRows(t *testing.T) {
	t.Parallel()
	rows, malformed, err := appendTable(nil, []byte("titles\nnonsense\n\n  1: zz\n"))
	if len(rows) != 0 || malformed != 2 || err != nil {
		t.Errorf("rows %v, malformed %d, error %v", rows, malformed, err)
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		listener, to string
		want         bool
	}{
		{"0.0.0.0:5900", "192.0.2.1:5900", true},
		{"0.0.0.0:5900", "[2001:db8::1]:5900", false},
		{"[::]:5900", "192.0.2.1:5900", true},
		{"[::]:5900", "[2001:db8::1]:5900", true},
		{"127.0.0.1:5900", "127.0.0.1:5900", true},
		{"127.0.0.1:5900", "192.0.2.1:5900", false},
		{"0.0.0.0:5900", "192.0.2.1:5901", false},
	} {
		s := Socket{Local: ends(tt.listener), State: Listen}
		if got := s.Covers(&Socket{Local: ends(tt.to)}); got != tt.want {
			t.Errorf("%s covers %s = %v", tt.listener, tt.to, got)
		}
		if s.Covers(&Socket{Local: ends(tt.to), Space: 1}) {
			t.Errorf("%s covers %s in another namespace", tt.listener, tt.to)
		}
	}
}

func FuzzAppendDump(f *testing.F) {
	if datagram, err := os.ReadFile("testdata/diag.bin"); err == nil {
		f.Add(datagram)
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		rows, _, _ := appendDump(nil, datagram)
		checkRows(t, rows, len(datagram))
	})
}

func FuzzAppendTable(f *testing.F) {
	for _, name := range []string{"testdata/proc/net/tcp", "testdata/proc/net/tcp6"} {
		if table, err := os.ReadFile(name); err == nil {
			f.Add(table)
		}
	}
	f.Fuzz(func(t *testing.T, table []byte) {
		rows, _, _ := appendTable(nil, table)
		checkRows(t, rows, len(table))
	})
}

func checkRows(t *testing.T, rows []Socket, size int) {
	t.Helper()
	if len(rows) > size/40 {
		t.Errorf("%d rows out of %d bytes", len(rows), size)
	}
	for _, s := range rows {
		if s.State != Established && s.State != Listen {
			t.Errorf("state %d was kept", s.State)
		}
		if !s.Local.IsValid() || s.Local.Addr().Is4In6() || s.State == Established != s.Remote.IsValid() {
			t.Errorf("ends %v and %v in state %d", s.Local, s.Remote, s.State)
		}
		if s.MinRTT < 0 || s.RTT < 0 {
			t.Errorf("round trips %v and %v", s.MinRTT, s.RTT)
		}
	}
}

func BenchmarkAppendDump(b *testing.B) {
	one, err := os.ReadFile("testdata/diag.bin")
	if err != nil {
		b.Fatal(err)
	}
	var datagram []byte
	for range 50 {
		datagram = append(datagram, one...)
	}
	rows, _, _ := appendDump(nil, datagram)
	b.ReportAllocs()
	b.SetBytes(int64(len(rows)))
	for b.Loop() {
		if rows, _, err = appendDump(rows[:0], datagram); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendTable(b *testing.B) {
	table, err := os.ReadFile("testdata/proc/net/tcp")
	if err != nil {
		b.Fatal(err)
	}
	rows, _, _ := appendTable(nil, table)
	b.ReportAllocs()
	for b.Loop() {
		if rows, _, err = appendTable(rows[:0], table); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParsersAllocateNothing(t *testing.T) {
	datagram, err := os.ReadFile("testdata/diag.bin")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("testdata/proc/net/tcp6")
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]Socket, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		_, _, _ = appendDump(rows, datagram)
		_, _, _ = appendTable(rows, table)
	}); n != 0 {
		t.Errorf("%v allocations for a steady scan", n)
	}
}
