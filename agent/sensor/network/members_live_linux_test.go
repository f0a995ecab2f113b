package network

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// besideIn names the variable that tells this program to be one of two laptops.
const besideIn = "FARMHOUND_TEST_BESIDE"

// beside are the addresses of two laptops on one wire.
var beside = map[string]struct{ mac, other string }{
	"first":  {"f8:db:88:01:02:03", "00:13:02:01:02:03"},
	"second": {"00:13:02:01:02:03", "f8:db:88:01:02:03"},
}

// TestBesideLive: of two laptops on one wire one says a single word to the other, as a
// laptop does that looks for a printer; then each knows the other by its neighbour table,
// and tells it under the hash that the other tells of itself.
func TestBesideLive(t *testing.T) {
	if who := os.Getenv(besideIn); who != "" {
		besideInside(t, who)
		return
	}
	t.Parallel()
	farpath.Require(t, "ip")
	first, second := farpath.Namespace(t), farpath.Namespace(t)
	ip(t, "-n", first, "link", "add", "lan0", "address", beside["first"].mac, "type", "veth", "peer", "name", "lan0", "netns", second)
	ip(t, "-n", second, "link", "set", "lan0", "address", beside["second"].mac)
	for namespace, address := range map[string]string{first: "192.168.7.20/24", second: "192.168.7.21/24"} {
		ip(t, "-n", namespace, "addr", "add", address, "dev", "lan0")
		ip(t, "-n", namespace, "link", "set", "lan0", "up")
		ip(t, "-n", namespace, "route", "add", "default", "via", "192.168.7.1", "dev", "lan0")
	}
	laptop := func(namespace, who string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), "ip", "netns", "exec", namespace, os.Args[0], "-test.run=^TestBesideLive$", "-test.timeout=60s")
		c.Env = append(os.Environ(), besideIn+"="+who)
		return c
	}
	var said bytes.Buffer
	quiet := laptop(second, "second")
	quiet.Stdout, quiet.Stderr = &said, &said
	if err := quiet.Start(); err != nil {
		t.Fatal(err)
	}
	out, err := laptop(first, "first").CombinedOutput()
	if err != nil {
		t.Errorf("who spoke: %v\n%s", err, out)
	}
	if err := quiet.Wait(); err != nil {
		t.Errorf("who was spoken to: %v\n%s", err, said.String())
	}
}

func besideInside(t *testing.T, who string) {
	if who == "first" {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		_ = unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{192, 168, 7, 21}})
		_ = unix.Close(fd)
	}
	s := New(host.Host{Now: hasty()}, catalog.BuiltIn(), ringOf(t, 1))
	defer s.Close()
	s.UseCandidates(begins(t, 1, beside[who].other))
	others := &view{links: viewOf(t, beside[who].other)}
	want := others.own(ringOf(t, 1))[0].GetHash()
	var got *farmhoundv1.Network
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		report := &farmhoundv1.Report{}
		if err := s.Observe(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		got = report.GetNetwork()
		if members := got.GetNeighbours().GetFleetMembers(); len(members) == 1 && bytes.Equal(members[0], want) {
			own := viewOf(t, beside[who].mac)
			if want := (&view{links: own}).own(ringOf(t, 1)); len(got.GetOwnAddresses()) != 1 || !bytes.Equal(got.GetOwnAddresses()[0].GetHash(), want[0].GetHash()) {
				t.Errorf("told of itself %v, want %v", got.GetOwnAddresses(), want)
			}
			return
		}
	}
	t.Errorf("%s told %v, want %x among it", who, got.GetNeighbours(), want)
}
