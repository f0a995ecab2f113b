package winetest

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const proxied = `[HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="proxy.example:3128"
`

// networkTold compares what the agent sees of the network with what this computer, whose
// network Wine shows, knows itself.
func networkTold(t *testing.T, w *wine) {
	if n := w.scan(t).GetNetwork(); n.ProxyConfigured == nil || n.GetProxyConfigured() {
		t.Errorf("a proxy before there is one: %v", n)
	}
	w.register(t, proxied)
	n := w.scan(t).GetNetwork()
	if !n.GetProxyConfigured() {
		t.Errorf("no proxy: %v", n)
	}
	sizes := map[uint32]bool{}
	own, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range own {
		sizes[uint32(i.MTU)] = true
	}
	routed := false
	if conn, err := net.Dial("udp4", "198.41.0.4:9"); err == nil { // which sends nothing
		routed = true
		_ = conn.Close()
	}
	defaults := 0
	for _, i := range n.GetInterfaces() {
		if !sizes[i.GetMtu()] || i.GetKind() == farmhoundv1.InterfaceKind_INTERFACE_KIND_UNSPECIFIED {
			t.Errorf("interface %v", i)
		}
		if i.GetDefaultRoute() && i.GetIpv4() {
			defaults++
		}
	}
	if routed && defaults == 0 {
		t.Errorf("no default route among %v", n.GetInterfaces())
	}
}

const (
	firewallOn = `[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\PublicProfile]
"EnableFirewall"=dword:00000001

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules]
"Example-In-UDP"="v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=5353|App=%%SystemRoot%%\\system32\\svchost.exe|Svc=dnscache|"
%s
`
	firewallRule = `"{5D2A7C10-6C1B-4B6E-9C55-0B6F2D1A7E01}"="v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=1900|LPort=5353|LPort=5355|App=%s|Name=Farmhound|"`
)

// firewallRead has the network sense read a firewall that is not there, one that is closed,
// and one with a rule for the program.
func firewallRead(t *testing.T, w *wine) {
	program := w.goBuild(t, "network.test.exe", "test", "./agent/sensor/network", "-c", "-vet=off")
	read := func(want string) {
		c := w.command(t.Context(), w.loader, program, "-test.run=^TestFirewallWindows$", "-test.v")
		c.Env = append(c.Env, "FARMHOUND_TEST_FIREWALL="+want)
		if out, err := c.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("\n--- PASS")) {
			t.Errorf("%s: %v\n%s", want, err, out)
		}
	}
	read("open")
	w.register(t, fmt.Sprintf(firewallOn, ""))
	read("closed")
	file := strings.ReplaceAll("Z:"+strings.ReplaceAll(program, "/", `\`), `\`, `\\`)
	w.register(t, fmt.Sprintf(firewallOn, fmt.Sprintf(firewallRule, file)))
	read("open")
}
