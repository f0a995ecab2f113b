package sockets

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// table4 and table6 are tables as Windows returns them: a listener, a
// connection, and one in a state that is left out.
func table4() []byte {
	table := binary.LittleEndian.AppendUint32(nil, 3)
	for _, row := range [][6]uint32{
		{windowsListen, 0, 0x0c17, 0, 0, 1234},                             // 0.0.0.0:5900
		{windowsEstablished, 0x0500a8c0, 0x0c17, 0x097133c6, 0x50c3, 1234}, // 192.168.0.5:5900 198.51.113.9:50000
		{11, 0x0500a8c0, 0x0c17, 0x097133c6, 0x51c3, 0},                    // time wait
	} {
		for _, word := range row {
			table = binary.LittleEndian.AppendUint32(table, word)
		}
	}
	return table
}

func table6() []byte {
	table := binary.LittleEndian.AppendUint32(nil, 1)
	local, remote := netip.MustParseAddr("2001:db8::5").As16(), netip.MustParseAddr("2001:db8:1::9").As16()
	table = append(table, local[:]...)
	table = append(table, 0, 0, 0, 0, 0x0d, 0x3d, 0, 0) // scope 0, port 3389
	table = append(table, remote[:]...)
	table = append(table, 0, 0, 0, 0, 0xc3, 0x50, 0, 0)
	table = binary.LittleEndian.AppendUint32(table, windowsEstablished)
	return binary.LittleEndian.AppendUint32(table, 4321)
}

func TestOwned(t *testing.T) {
	t.Parallel()
	got := AppendOwned6(AppendOwned4(nil, table4()), table6())
	end := netip.MustParseAddrPort
	want := []Owned{
		{Socket{Local: end("0.0.0.0:5900"), State: Listen}, 1234},
		{Socket{Local: end("192.168.0.5:5900"), Remote: end("198.51.113.9:50000"), State: Established}, 1234},
		{Socket{Local: end("[2001:db8::5]:3389"), Remote: end("[2001:db8:1::9]:50000"), State: Established}, 4321},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOwnedAllocatesNothing(t *testing.T) {
	four, six := table4(), table6()
	rows := make([]Owned, 0, 8)
	if n := testing.AllocsPerRun(100, func() { rows = AppendOwned6(AppendOwned4(rows[:0], four), six) }); n != 0 {
		t.Errorf("reading the tables again allocates %v times, want never", n)
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	var data [dataSize]byte
	var path [pathSize]byte
	binary.LittleEndian.PutUint64(data[72:], 70_000) // ThruBytesAcked
	binary.LittleEndian.PutUint64(data[88:], 3_000)  // ThruBytesReceived
	binary.LittleEndian.PutUint32(path[108:], 84)    // SmoothedRtt
	binary.LittleEndian.PutUint32(path[116:], 190)   // MaxRtt
	binary.LittleEndian.PutUint32(path[120:], 71)    // MinRtt
	var s Socket
	s.setStatistics(data[:], path[:])
	want := Socket{Measured: true, RTT: 84 * time.Millisecond, MinRTT: 71 * time.Millisecond, Acked: 70_000, Received: 3_000}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	// Before a first round trip the smallest is the largest number there is.
	binary.LittleEndian.PutUint32(path[120:], 1<<32-1)
	var fresh Socket
	if fresh.setStatistics(data[:], path[:]); fresh.MinRTT != 0 {
		t.Errorf("a connection without a round trip has a smallest of %v, want none", fresh.MinRTT)
	}
}

func FuzzOwned(f *testing.F) {
	f.Add(table4())
	f.Add(table6())
	f.Add(table4()[:30])
	f.Fuzz(func(t *testing.T, table []byte) {
		for size, rows := range map[int][]Owned{row4Size: AppendOwned4(nil, table), row6Size: AppendOwned6(nil, table)} {
			if len(rows) > len(table)/size {
				t.Errorf("%d rows of %d bytes in a table of %d", len(rows), size, len(table))
			}
			for _, row := range rows {
				if !row.Local.IsValid() || row.State == Established && !row.Remote.IsValid() {
					t.Errorf("a row without its ends: %+v", row)
				}
			}
		}
	})
}
