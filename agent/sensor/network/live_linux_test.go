package network

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// inside names the variable that tells this program that it was started again, in
// the namespace that is to be looked at.
const inside = "FARMHOUND_TEST_INSIDE"

func ip(t *testing.T, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(arguments, " "), err, out)
	}
}

// TestObserveLive looks at a network namespace that is a laptop behind a gateway, with
// the kernel's own answers: this program runs itself there.
func TestObserveLive(t *testing.T) {
	if gateway := os.Getenv(inside); gateway != "" {
		observeInside(t, gateway)
		return
	}
	t.Parallel()
	farpath.Require(t, "ip")
	// The last is as most networks of IPv6 alone are: the router has no other address.
	for gateway, length := range map[string]string{"192.168.7.1": "/24", "fd07::1": "/64", "fe80::1": "/64"} {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			laptop := farpath.Namespace(t)
			router := farpath.Namespace(t)
			own := strings.TrimSuffix(gateway, "1") + "20"
			ip(t, "-n", laptop, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", router)
			ip(t, "-n", router, "link", "set", "lan0", "address", "02:de:48:00:11:22")
			for _, side := range [][2]string{{laptop, own + length}, {router, gateway + length}} {
				ip(t, "-n", side[0], "addr", "add", side[1], "dev", "lan0", "nodad")
				ip(t, "-n", side[0], "link", "set", "lan0", "up")
			}
			if gateway == "fe80::1" {
				ip(t, "-n", laptop, "addr", "add", "fd07::9c3f:1:2:3/64", "dev", "lan0", "nodad")
			}
			ip(t, "-n", laptop, "route", "add", "default", "via", gateway, "dev", "lan0")
			ip(t, "-n", laptop, "tuntap", "add", "tun5", "mode", "tun")
			ip(t, "-n", laptop, "link", "set", "tun5", "mtu", "1380", "up")
			again := exec.CommandContext(t.Context(), "ip", "netns", "exec", laptop, os.Args[0], "-test.run=^TestObserveLive$", "-test.timeout=60s")
			again.Env = append(os.Environ(), inside+"="+gateway)
			if out, err := again.CombinedOutput(); err != nil {
				t.Errorf("inside: %v\n%s", err, out)
			}
		})
	}
}

// hasty is a clock that goes on by a minute whenever it is looked at.
func hasty() func() time.Time {
	var minutes atomic.Int64
	began := time.Now()
	return func() time.Time { return began.Add(time.Duration(minutes.Add(1)) * settled) }
}

func observeInside(t *testing.T, gateway string) {
	// Something must have been said to the gateway before its address is known.
	to := gateway
	if to == "fe80::1" {
		to += "%lan0"
	}
	if conn, err := net.Dial("udp", net.JoinHostPort(to, "9")); err == nil {
		_, _ = conn.Write([]byte("x"))
		_ = conn.Close()
	}
	s := New(host.Host{Now: hasty()}, catalog.BuiltIn(), ring(t))
	defer s.Close()
	var got *farmhoundv1.Network
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	// The answer of the gateway takes a moment.
	for deadline := time.Now().Add(30 * time.Second); got.GetGatewayHash() == nil && time.Now().Before(deadline); <-tick.C {
		report := &farmhoundv1.Report{}
		if err := s.Observe(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		got = report.GetNetwork()
	}
	if !ring(t).Equal(got.GetGatewayHash(), fleetkey.GatewayMAC, []byte{0x02, 0xde, 0x48, 0x00, 0x11, 0x22}) {
		t.Errorf("gateway hash %x", got.GetGatewayHash())
	}
	prefix := netip.MustParsePrefix("fd07::/64")
	if strings.Contains(gateway, ".") {
		prefix = netip.MustParsePrefix("192.168.7.0/24")
	}
	if value, _ := fleetkey.Prefix(prefix); !ring(t).Equal(got.GetLanHash(), fleetkey.LANPrefix, value) {
		t.Errorf("hash of the local network %x", got.GetLanHash())
	}
	var defaults, tunnels int
	for _, i := range got.GetInterfaces() {
		if i.GetDefaultRoute() && i.GetMtu() == 1500 {
			defaults++
		}
		if i.GetKind() == tunnel {
			tunnels++
		}
	}
	if defaults != 1 || tunnels != 1 {
		t.Errorf("interfaces %v", got.GetInterfaces())
	}
	if list := got.GetTunnels(); len(list) != 1 || list[0].GetKind() != "tun" || list[0].GetMtu() != 1380 || list[0].GetDefaultRoute() {
		t.Errorf("tunnels %v", list)
	}
}
