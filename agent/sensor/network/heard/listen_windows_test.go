package heard

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// speakersVariable says that somebody outside of this Windows announces things on its
// local network: cmd/farmhound-lab/winetest does.
const speakersVariable = "FARMHOUND_TEST_SPEAKERS"

// TestListenWindows hears real packets of others, and only announcements among them.
func TestListenWindows(t *testing.T) {
	t.Parallel()
	if os.Getenv(speakersVariable) == "" {
		farpath.Missing(t, "others that announce things, which "+speakersVariable+" says there are")
	}
	m := new(Memory)
	l, err := Listen([]int{lanIndex(t)}, m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	want := []Source{
		{Addr: netip.MustParseAddr("192.0.2.9"), Kind: Laptop},  // by IPv6, with this address
		{Addr: netip.MustParseAddr("192.168.7.2"), Kind: KVM},   // by multicast DNS
		{Addr: netip.MustParseAddr("192.168.7.3"), Kind: Other}, // by SSDP
		{Addr: netip.MustParseAddr("192.168.7.4"), Kind: KVM},   // by link-local name resolution
		{Addr: netip.MustParseAddr("fe80::2"), Kind: Laptop},    // by multicast DNS over IPv6
	}
	var got []Source
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); len(got) < len(want) && time.Now().Before(deadline); <-tick.C {
		got = m.AppendTo(nil, time.Now())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for i := range got {
		got[i].At = time.Time{}
	}
	slices.SortFunc(got, func(a, b Source) int { return a.Addr.Compare(b.Addr) })
	if !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
}

// lanIndex returns the index of an interface to a local network.
func lanIndex(t *testing.T) int {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			return i.Index
		}
	}
	farpath.Missing(t, "an interface beside the loopback")
	return 0
}

func TestListenNowhereWindows(t *testing.T) {
	t.Parallel()
	for _, interfaces := range [][]int{nil, {1 << 30}} {
		if l, err := Listen(interfaces, new(Memory), time.Now); err == nil {
			_ = l.Close()
			t.Errorf("no error where %v is listened to", interfaces)
		}
	}
}

// Without a packet too, closing waits for nothing.
func TestCloseWindows(t *testing.T) {
	t.Parallel()
	l, err := Listen([]int{lanIndex(t)}, new(Memory), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if want := 5; len(l.sockets) != want {
		t.Errorf("%d sockets, want %d", len(l.sockets), want)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
