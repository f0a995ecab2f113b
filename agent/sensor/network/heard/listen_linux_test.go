package heard

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// speak sends a packet to a group over the loopback interface, as somebody else does
// over a network.
func speak(t *testing.T, group netip.AddrPort, packet []byte) {
	t.Helper()
	speakFrom(t, [4]byte{127, 0, 0, 1}, group, packet)
}

func speakFrom(t *testing.T, from [4]byte, group netip.AddrPort, packet []byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from}); err != nil {
		t.Fatal(err)
	}
	via := &unix.IPMreqn{Ifindex: int32(loopback(t))}
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, via); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendto(fd, packet, 0, &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
}

func loopback(t *testing.T) int {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		farpath.Missing(t, "a loopback interface called lo")
	}
	return lo.Index
}

// TestListen hears real packets from the kernel, and only announcements among them.
func TestListen(t *testing.T) {
	t.Parallel()
	m := new(Memory)
	l, err := Listen([]int{loopback(t)}, m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	// Somebody else's questions wake nobody and are not kept.
	mdns := netip.MustParseAddrPort("224.0.0.251:5353")
	ssdp := netip.MustParseAddrPort("239.255.255.250:1900")
	speak(t, mdns, question("pikvm.local", typeAddress4))
	speak(t, ssdp, []byte("M-SEARCH * HTTP/1.1\r\nUSER-AGENT: PiKVM/3\r\n\r\n"))
	speak(t, netip.MustParseAddrPort("224.0.0.252:5355"), question("DESKTOP-3F2A1B0", typeAny))
	first := heardOf(t, m, func(s Source) bool { return s.Kind == Other })
	speak(t, mdns, response(record{"pikvm.local", typeAddress4, 120, "\x7f\x00\x00\x01"}))
	if s := heardOf(t, m, func(s Source) bool { return s.Kind == KVM }); s.Addr != first.Addr {
		t.Errorf("one computer is %v and %v", first.Addr, s.Addr)
	}
}

func heardOf(t *testing.T, m *Memory, wanted func(Source) bool) Source {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		for _, s := range m.AppendTo(nil, time.Now()) {
			if wanted(s) {
				return s
			}
		}
	}
	t.Fatal("nothing was heard")
	return Source{}
}

func TestListenNowhere(t *testing.T) {
	t.Parallel()
	if l, err := Listen(nil, new(Memory), time.Now); err == nil {
		_ = l.Close()
		t.Error("no error where there is no interface")
	}
	if l, err := Listen([]int{1 << 30}, new(Memory), time.Now); err == nil {
		_ = l.Close()
		t.Error("no error for an interface that is not there")
	}
}

func TestAllowance(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	var a allowance
	for range perMinute {
		if a.pause(now) != 0 || !a.more() {
			t.Fatalf("a pause after %d packets", a.packets)
		}
		a.took()
	}
	if got := a.pause(now.Add(20 * time.Second)); got != 40*time.Second || a.more() {
		t.Errorf("a pause of %v", got)
	}
	if got := a.pause(now.Add(time.Minute)); got != 0 || a.packets != 0 {
		t.Errorf("in the next minute a pause of %v after %d packets", got, a.packets)
	}
	a.woken(now.Add(time.Minute))
	if got := a.pause(now.Add(time.Minute + breath/4)); got != breath*3/4 {
		t.Errorf("a pause of %v after something arrived", got)
	}
	if got := a.pause(now.Add(time.Minute + breath)); got != 0 {
		t.Errorf("a pause of %v later", got)
	}
}

// Of a flood as much is read as is allowed.
func TestListenIsBounded(t *testing.T) {
	t.Parallel()
	m := new(Memory)
	l, err := Listen([]int{loopback(t)}, m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	packet := response(record{"pikvm.local", typeAddress4, 120, "\x7f\x00\x00\x01"})
	heard := func() int { return len(m.AppendTo(nil, time.Now())) }
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	const most = perMinute - 4 // other tests speak, too
	from, deadline := 0, time.Now().Add(20*time.Second)
	for ; heard() < most && time.Now().Before(deadline); <-tick.C {
		from++
		speakFrom(t, [4]byte{127, 7, byte(from / 200), byte(1 + from%200)}, netip.MustParseAddrPort("224.0.0.251:5353"), packet)
	}
	for range 3 * perMinute {
		from++
		speakFrom(t, [4]byte{127, 7, byte(from / 200), byte(1 + from%200)}, netip.MustParseAddrPort("224.0.0.251:5353"), packet)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if got := heard(); got < most || got > perMinute {
		t.Errorf("%d of %d who spoke were heard, want %d", got, from, perMinute)
	}
}
