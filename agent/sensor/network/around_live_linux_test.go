package network

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// speakerIn names the variable that tells this program to be the IP-KVM: its value is
// the interface to announce over.
const speakerIn = "FARMHOUND_TEST_SPEAKER"

// around are the hardware addresses of those on the local network, by the last byte of
// their addresses.
var around = map[int]string{
	1:  "02:de:48:00:11:22", // the gateway
	30: "f8:db:88:01:02:03", // Dell
	31: "00:13:02:01:02:03", // Intel's wireless card
	32: "da:a1:19:01:02:03", // made up
	33: "30:52:53:01:02:03", // JetKVM
	34: "dc:a6:32:01:02:03", // a board, which says that it is a PiKVM
}

// TestAroundLive has a laptop on a local network with others, who answer and announce
// themselves with real packets, and whom it asks nothing.
func TestAroundLive(t *testing.T) {
	switch {
	case os.Getenv(inside) != "":
		listenInside(t)
		return
	case os.Getenv(speakerIn) != "":
		speakInside(t, os.Getenv(speakerIn))
		return
	}
	t.Parallel()
	farpath.Require(t, "ip")
	laptop, home := farpath.Namespace(t), farpath.Namespace(t)
	ip(t, "-n", laptop, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", home)
	ip(t, "-n", laptop, "addr", "add", "192.168.7.20/24", "dev", "lan0")
	ip(t, "-n", laptop, "link", "set", "lan0", "up")
	ip(t, "-n", home, "link", "set", "lan0", "up")
	for last, hardware := range around {
		// Each of them has an interface of its own, in a network of its own.
		name := "at" + strconv.Itoa(last)
		ip(t, "-n", home, "link", "add", "link", "lan0", "name", name, "address", hardware, "type", "macvlan", "mode", "bridge")
		other := farpath.Namespace(t)
		ip(t, "-n", home, "link", "set", name, "netns", other)
		ip(t, "-n", other, "addr", "add", fmt.Sprintf("192.168.7.%d/24", last), "dev", name)
		ip(t, "-n", other, "link", "set", name, "up")
		if last == 34 {
			speak := again(t, other, speakerIn+"="+name)
			if err := speak.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = speak.Process.Kill()
				_ = speak.Wait()
			})
		}
	}
	ip(t, "-n", laptop, "route", "add", "default", "via", "192.168.7.1", "dev", "lan0")
	if out, err := again(t, laptop, inside+"=1").CombinedOutput(); err != nil {
		t.Errorf("inside: %v\n%s", err, out)
	}
}

// again runs this program in a namespace.
func again(t *testing.T, namespace, variable string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), "ip", "netns", "exec", namespace, os.Args[0], "-test.run=^TestAroundLive$", "-test.timeout=60s")
	c.Env = append(os.Environ(), variable)
	return c
}

func listenInside(t *testing.T) {
	// What a laptop did on its own: it spoke with them.
	for last := range around {
		if last == 34 {
			continue // never spoken with: it is heard
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		_ = unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{192, 168, 7, byte(last)}})
		_ = unix.Close(fd)
	}
	asked := watchOwn(t, "lan0")
	s := New(host.Host{Now: hasty()}, catalog.BuiltIn(), ring(t))
	defer s.Close()
	defer asked()
	want := &farmhoundv1.Neighbours{Reachable: 5, BusinessLaptops: 2, KvmMakers: 2}
	var got *farmhoundv1.Neighbours
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		report := &farmhoundv1.Report{}
		if err := s.Observe(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		got = report.GetNetwork().GetNeighbours()
		if got.GetReachable() == want.GetReachable() && got.GetBusinessLaptops() == want.GetBusinessLaptops() && got.GetKvmMakers() == want.GetKvmMakers() {
			return
		}
	}
	t.Errorf("around are %v, want %v", got, want)
}

// announcement is a PiKVM's by multicast DNS.
const announcement = "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00" +
	"\x05pikvm\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\xc0\xa8\x07\x22"

// speakInside announces a PiKVM until it is killed, as Avahi does when it starts.
func speakInside(t *testing.T, name string) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.BindToDevice(fd, name); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		_ = unix.Sendto(fd, []byte(announcement), 0, &unix.SockaddrInet4{Port: 5353, Addr: [4]byte{224, 0, 0, 251}})
		<-tick.C
	}
}

// watchOwn sees every frame of an interface. What it returns fails the test if one of
// them was a question of this computer's to the local network.
func watchOwn(t *testing.T, name string) (check func()) {
	t.Helper()
	all := int(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL)))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, all)
	if err != nil {
		t.Fatal(err)
	}
	lan, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: lan.Index}); err != nil {
		t.Fatal(err)
	}
	return func() {
		defer unix.Close(fd)
		seen := 0
		packet := make([]byte, 2048)
		for {
			size, from, err := unix.Recvfrom(fd, packet, 0)
			if err != nil {
				break
			}
			seen++
			link, ok := from.(*unix.SockaddrLinklayer)
			if !ok || link.Pkttype != unix.PACKET_OUTGOING {
				continue
			}
			if port, udp := udpPort(packet[:size]); udp && (port == 5353 || port == 1900 || port == 5355) {
				t.Errorf("asked port %d", port)
			}
		}
		if seen == 0 {
			t.Error("no frame was seen")
		}
	}
}

// udpPort returns the port that a packet of IPv4 or IPv6 without extensions goes to.
func udpPort(packet []byte) (port uint16, udp bool) {
	switch {
	case len(packet) >= 40 && packet[0]>>4 == 6:
		if packet[6] != unix.IPPROTO_UDP || len(packet) < 44 {
			return 0, false
		}
		return binary.BigEndian.Uint16(packet[42:]), true
	case len(packet) >= 20 && packet[0]>>4 == 4:
		header := int(packet[0]&15) * 4
		if packet[9] != unix.IPPROTO_UDP || len(packet) < header+4 {
			return 0, false
		}
		return binary.BigEndian.Uint16(packet[header+2:]), true
	}
	return 0, false
}

// On battery nothing is listened to, and with mains again it is.
func TestListensOnMainsOnly(t *testing.T) {
	t.Parallel()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		farpath.Missing(t, "a loopback interface called lo")
	}
	v := &view{links: []links.Link{{
		Name: "lo", Index: lo.Index, Up: true, Kind: ethernet, Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")},
	}}}
	s := New(host.Host{}, catalog.BuiltIn(), ring(t))
	defer s.Close()
	for i, step := range []struct{ battery, listens bool }{
		{false, false}, // the first look: whoever looks once would hear nothing
		{false, true}, {true, false}, {true, false}, {false, true}, {false, true},
	} {
		s.OnBattery(step.battery)
		if err := s.listen(v); err != nil {
			t.Fatal(err)
		}
		if got := s.system.ear.listener != nil; got != step.listens {
			t.Errorf("look %d: listens %v", i, got)
		}
	}
}

// Who was heard is remembered while nothing is listened to, and until the gateway is
// another.
func TestHeardIsRemembered(t *testing.T) {
	t.Parallel()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		farpath.Missing(t, "a loopback interface called lo")
	}
	gateway := netip.MustParseAddr("127.0.0.9")
	v := &view{
		links: []links.Link{{
			Name: "lo", Index: lo.Index, Up: true, Kind: ethernet, Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")},
		}},
		routes:     []links.Route{{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: gateway, Interface: "lo"}},
		neighbours: []neighbour{{device: lo.Index, addr: gateway, mac: mac{0x00, 0x1b, 0x2f, 1, 2, 3}}},
	}
	s := New(host.Host{}, catalog.BuiltIn(), ring(t))
	defer s.Close()
	listen := func() {
		t.Helper()
		if err := s.listen(v); err != nil {
			t.Fatal(err)
		}
	}
	remembered := func() int { return len(s.system.ear.memory.AppendTo(nil, time.Now())) }
	listen()
	listen()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(lo.Index)}); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); remembered() == 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("nothing was heard")
		}
		if err := unix.Sendto(fd, []byte(announcement), 0, &unix.SockaddrInet4{Port: 5353, Addr: [4]byte{224, 0, 0, 251}}); err != nil {
			t.Fatal(err)
		}
	}
	s.OnBattery(true)
	listen()
	if remembered() == 0 {
		t.Error("forgotten on battery")
	}
	known := v.neighbours
	v.neighbours = nil // for a moment
	listen()
	v.neighbours = known
	listen()
	if remembered() == 0 {
		t.Error("forgotten although the gateway is the same")
	}
	v.neighbours[0].mac[5]++
	listen()
	if remembered() != 0 {
		t.Error("remembered behind another gateway")
	}
}
