package heard

import (
	"net"
	"net/netip"
	"os"
	"sync/atomic"
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
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
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

// Of a flood as much is read as is allowed. Its port is one that nobody else sends to.
func TestListenIsBounded(t *testing.T) {
	t.Parallel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	ended, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var read atomic.Int64
	counts := protocol{parse: func([]byte) (Kind, bool) {
		read.Add(1)
		return Other, true
	}}
	l := &Listener{memory: new(Memory), now: time.Now, sockets: []socket{{fd, &counts}}, ended: ended, end: end}
	l.running.Go(l.run)
	to, _ := bound.(*unix.SockaddrInet4)
	at := netip.AddrPortFrom(netip.AddrFrom4(to.Addr), uint16(to.Port))
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); read.Load() < perMinute && time.Now().Before(deadline); <-tick.C {
		speak(t, at, []byte("x"))
	}
	for range perMinute {
		speak(t, at, []byte("x"))
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if n := read.Load(); n != perMinute {
		t.Errorf("%d packets were read, want %d", n, perMinute)
	}
}
