package winetest

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// Packets as they are announced to everybody, and a question, which is nobody's.
const (
	pikvmBonjour = "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00" +
		"\x05pikvm\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\x7f\x00\x00\x02"
	macBookBonjour = "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00" +
		"\x05annas\x0c_device-info\x04_tcp\x05local\x00\x00\x10\x80\x01\x00\x00\x00\x78\x00\x16\x15model=MacBookPro18,1\x00"
	macBookBoth = "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00" +
		"\x0dannas-macbook\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\xc0\x00\x02\x09"
	television = "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\nSERVER: Linux/4.4 UPnP/1.0 TV/1.50\r\n\r\n"
	search     = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n"
	pikvmLLMNR = "\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05pikvm\x00\x00\xff\x00\x01"
)

// speakerIn names the variable that tells this program to be those who announce: its value
// is the interface to announce over.
const speakerIn = "FARMHOUND_TEST_SPEAKER"

// TestMulticast has a Windows on a local network with others, who announce themselves with
// real packets. Wine's server holds its sockets, so that all of Wine is in that network.
func TestMulticast(t *testing.T) {
	if name := os.Getenv(speakerIn); name != "" {
		speak(t, name)
		return
	}
	t.Parallel()
	laptop, home := farpath.Namespace(t), farpath.Namespace(t)
	for _, arguments := range []string{
		"-n LAPTOP link add lan0 type veth peer name lan0 netns HOME",
		"-n LAPTOP addr add 192.168.7.20/24 dev lan0",
		"-n LAPTOP link set lan0 up",
		"-n HOME addr add 192.168.7.1/24 dev lan0",
		"-n HOME addr add 192.168.7.2/24 dev lan0",
		"-n HOME addr add 192.168.7.3/24 dev lan0",
		"-n HOME addr add 192.168.7.4/24 dev lan0",
		"-n HOME addr add fe80::2/64 dev lan0 nodad",
		"-n HOME addr add fe80::3/64 dev lan0 nodad",
		"-n HOME link set lan0 up",
		"-n LAPTOP route add default via 192.168.7.1 dev lan0",
	} {
		arguments = strings.NewReplacer("LAPTOP", laptop, "HOME", home).Replace(arguments)
		if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(arguments)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", arguments, err, out)
		}
	}
	w := bootWine(t, laptop)
	speaker := exec.CommandContext(t.Context(), "ip", "netns", "exec", home, os.Args[0], "-test.run=^TestMulticast$")
	speaker.Env = append(os.Environ(), speakerIn+"=lan0")
	var said bytes.Buffer
	speaker.Stdout, speaker.Stderr = &said, &said
	if err := speaker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = speaker.Process.Kill()
		_ = speaker.Wait()
		if t.Failed() {
			t.Logf("others: %s", said.String())
		}
	})
	for _, tests := range []struct {
		of, run string
		count   int
	}{
		{"./agent/sensor/network/heard", "^Test(Listen|ListenNowhere|Close)Windows$", 3},
		{"./agent/sensor/network", "^TestAroundWindows$", 1},
	} {
		program := w.goBuild(t, path.Base(tests.of)+".test.exe", "test", tests.of, "-c", "-vet=off")
		c := w.command(t.Context(), w.loader, program, "-test.run="+tests.run, "-test.v")
		c.Env = append(c.Env, "FARMHOUND_TEST_SPEAKERS=1")
		out, err := c.CombinedOutput()
		if passed := bytes.Count(out, []byte("\n--- PASS")); err != nil || passed != tests.count {
			t.Errorf("%s: %d passed: %v\n%s", tests.of, passed, err, out)
		}
	}
}

// speak announces things until it is killed.
func speak(t *testing.T, name string) {
	over, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	var speakers []func()
	for _, s := range []struct{ from, group, packet string }{
		{"192.168.7.2", "224.0.0.251:5353", pikvmBonjour},
		{"192.168.7.3", "239.255.255.250:1900", television},
		{"192.168.7.4", "224.0.0.252:5355", pikvmLLMNR},
		{"192.168.7.1", "239.255.255.250:1900", search},
		{"fe80::2%" + name, "[ff02::fb%" + name + "]:5353", macBookBonjour},
		{"fe80::3%" + name, "[ff02::fb%" + name + "]:5353", macBookBoth},
	} {
		conn, err := net.ListenPacket("udp", net.JoinHostPort(s.from, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		via(t, conn, over.Index)
		to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s.group))
		speakers = append(speakers, func() {
			if _, err := conn.WriteTo([]byte(s.packet), to); err != nil {
				t.Errorf("announce to %s: %v", s.group, err)
			}
		})
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range 600 {
		for _, say := range speakers {
			say()
		}
		<-tick.C
	}
}

// via has what a socket sends to groups of IPv4 leave over an interface. Those of IPv6
// have a zone.
func via(t *testing.T, conn net.PacketConn, index int) {
	t.Helper()
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if addr, ok := conn.LocalAddr().(*net.UDPAddr); !ok || addr.IP.To4() == nil {
		return
	}
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(index)})
	})
	if err := errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
}
