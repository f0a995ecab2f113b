package egress

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/proto/egress"
)

// inside names the variable that tells this program that it was started again, in
// the laptop's namespace.
const inside = "FARMHOUND_TEST_INSIDE"

const responderAddress = "203.0.113.1"

// TestTwoWaysOutAreSeenUnderTwoAddresses has a laptop whose default route is a tunnel
// and whose physical interface has one that the kernel does not prefer: each request
// leaves where it is told to.
func TestTwoWaysOutAreSeenUnderTwoAddresses(t *testing.T) {
	if os.Getenv(inside) != "" {
		askInside(t)
		return
	}
	t.Parallel()
	laptop, world := farpath.Namespace(t), farpath.Namespace(t)
	ip := func(arguments ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(arguments, " "), err, out)
		}
	}
	for _, link := range [][3]string{{"lan0", "198.51.100.7", "198.51.100.1"}, {"vpn0", "192.0.2.7", "192.0.2.1"}} {
		ip("-n", laptop, "link", "add", link[0], "type", "veth", "peer", "name", link[0], "netns", world)
		ip("-n", laptop, "addr", "add", link[1]+"/24", "dev", link[0])
		ip("-n", world, "addr", "add", link[2]+"/24", "dev", link[0])
		ip("-n", laptop, "link", "set", link[0], "up")
		ip("-n", world, "link", "set", link[0], "up")
	}
	ip("-n", world, "addr", "add", responderAddress+"/32", "dev", "lo")
	ip("-n", laptop, "route", "add", "default", "via", "192.0.2.1", "dev", "vpn0", "metric", "10")
	ip("-n", laptop, "route", "add", "default", "via", "198.51.100.1", "dev", "lan0", "metric", "600")

	ready := exec.CommandContext(t.Context(), "ip", "netns", "exec", world, os.Args[0], "-test.run=^TestTwoWaysOutAreSeenUnderTwoAddresses$", "-test.timeout=60s")
	ready.Env = append(os.Environ(), inside+"=world")
	out, err := ready.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ready.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = ready.Process.Kill()
		_ = ready.Wait()
	}()
	if n, err := out.Read(make([]byte, 1)); n == 0 {
		t.Fatalf("the responder does not start: %v", err)
	}
	again := exec.CommandContext(t.Context(), "ip", "netns", "exec", laptop, os.Args[0], "-test.run=^TestTwoWaysOutAreSeenUnderTwoAddresses$", "-test.timeout=60s")
	again.Env = append(os.Environ(), inside+"=laptop")
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("inside: %v\n%s", err, out)
	}
}

func askInside(t *testing.T) {
	where := netip.AddrPortFrom(netip.MustParseAddr(responderAddress), egress.DefaultPort)
	if os.Getenv(inside) == "world" {
		answerInside(t, where)
		return
	}
	whom := responder{where.String(), make([]byte, egress.TokenSize), true}
	for via, want := range map[string]string{"": "192.0.2.7", "vpn0": "192.0.2.7", "lan0": "198.51.100.7"} {
		a, err := whom.ask(t.Context(), via, "4")
		if err != nil || a.seen.String() != want {
			t.Errorf("through %q seen as %v, want %s, %v", via, a.seen, want, err)
		}
		if a, err = askTCP(t.Context(), via, "4", where.String(), make([]byte, egress.TokenSize)); err != nil || a.seen.String() != want {
			t.Errorf("over TCP through %q seen as %v, want %s, %v", via, a.seen, want, err)
		}
	}
	before := time.Now()
	if _, err := whom.ask(t.Context(), "none0", "4"); err == nil {
		t.Error("an answer through an interface that is not there")
	}
	if _, err := whom.ask(t.Context(), "lan0", "6"); err == nil || time.Since(before) > time.Second {
		t.Errorf("a family that is not there took %v: %v", time.Since(before), err)
	}
}

func answerInside(t *testing.T, where netip.AddrPort) {
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(where))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(where))
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the program, which is killed
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 20+4+egress.TokenSize)
			if _, err := conn.Read(buffer); err == nil {
				_, _ = conn.Write(reply(t, buffer, conn.RemoteAddr().(*net.TCPAddr).IP.String(), make([]byte, egress.SealSize)))
			}
			_ = conn.Close()
		}
	}()
	_, _ = os.Stdout.WriteString(".")
	buffer := make([]byte, 512)
	for {
		n, from, err := socket.ReadFromUDP(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			_, _ = socket.WriteToUDP(reply(t, buffer[:n], from.IP.String(), make([]byte, egress.SealSize)), from)
		}
	}
}
