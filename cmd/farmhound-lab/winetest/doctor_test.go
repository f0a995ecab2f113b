package winetest

import (
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
)

const (
	machineSettings = `[HKEY_LOCAL_MACHINE\Software\Microsoft\Windows\CurrentVersion\Internet Settings]` + "\n"
	userSettings    = `[HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Internet Settings]` + "\n"
)

// doctorTells has the Windows program find the way to a collector, by the settings of
// the machine, of a user, and its own.
func doctorTells(t *testing.T, w *wine) {
	defer func() {
		w.register(t, machineSettings+`"ProxyEnable"=-`+"\n"+`"ProxyServer"=-`+"\n"+`"ProxyOverride"=-`+"\n")
		w.register(t, userSettings+`"AutoConfigURL"=-`+"\n")
	}()
	w.register(t, userSettings+`"AutoConfigURL"="http://wpad.invalid/proxy.pac"`+"\n")
	doctor := func(want string, args ...string) {
		t.Helper()
		args = append([]string{"doctor", "--patience", "1s"}, args...)
		out, errs, _ := w.runAgent(t, nil, args...)
		if !strings.Contains(out, want) {
			t.Errorf("%v does not say %q:\n%s\n%s", args, want, out, errs)
		}
	}
	doctor("a PAC file is configured in Windows' settings of a user", "--collector", "collector.invalid:8443")
	w.register(t, machineSettings+`"ProxyEnable"=dword:00000001`+"\n"+`"ProxyServer"="http=other.invalid:1;https=proxy.invalid:3128"`+"\n"+`"ProxyOverride"="<local>;*.inside.invalid"`+"\n")
	doctor("through the proxy http://proxy.invalid:3128 (Windows' settings of this machine)", "--collector", "collector.invalid:8443")
	doctor("1 to try, first directly", "--collector", "collector.inside.invalid:8443")

	c, proxy := fakecollector.Start(t), fakecollector.StartProxy(t, "anna:geheim")
	doctor("ok    tls              the collector answers", "--collector", c.Address, "--ca-pin", c.CAPin, "--proxy", "http://anna:geheim@"+proxy.Address)
	if len(proxy.Asked()) == 0 {
		t.Error("the proxy was passed by")
	}
}
