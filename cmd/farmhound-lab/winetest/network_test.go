package winetest

import (
	"net"
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
