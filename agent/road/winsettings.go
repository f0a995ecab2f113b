package road

import (
	"net"
	"strings"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
)

// parseWindowsList reads a list of proxies as Windows keeps it: one proxy for all, or
// "http=a:1;https=b:2". Of socks there is no use.
func parseWindowsList(list string) (servers []string) {
	for entry := range strings.FieldsFuncSeq(list, func(c rune) bool { return c == ';' || c == ' ' }) {
		scheme, proxy, ok := strings.Cut(entry, "=")
		if !ok {
			scheme, proxy = "https", entry
		}
		if strings.EqualFold(scheme, "https") && proxy != "" {
			servers = append(servers, proxy)
		}
	}
	return servers
}

// windowsSettings makes something of the values of Windows' Internet Settings.
func windowsSettings(from string, s proxies.Settings, detect bool) Found {
	found := Found{From: from}
	if s.Enabled {
		for _, proxy := range parseWindowsList(s.Servers) {
			if _, _, err := net.SplitHostPort(proxy); err != nil && !strings.Contains(proxy, "://") {
				proxy = net.JoinHostPort(strings.Trim(proxy, "[]"), "80")
			}
			found.add(proxy, from)
		}
		for rule := range strings.FieldsFuncSeq(s.Exceptions, func(c rune) bool { return c == ';' || c == ' ' }) {
			if strings.EqualFold(rule, "<local>") {
				found.SpareSimple = true
				continue
			}
			found.Spared = append(found.Spared, rule)
		}
	}
	if s.Script != "" {
		found.Unused = append(found.Unused, script(from))
	}
	if detect && s.Script == "" && len(found.Ways) == 0 {
		found.Unused = append(found.Unused, detection(from))
	}
	return found
}

// connectionRecord makes something of the record in which Windows keeps a connection's
// proxy.
func connectionRecord(data []byte, from string) Found {
	r, ok := proxies.ParseRecord(data)
	if !ok {
		return Found{From: from}
	}
	if r.Flags&proxies.Script == 0 {
		r.Script = ""
	}
	return windowsSettings(from, proxies.Settings{
		Enabled: r.Flags&proxies.Manual != 0, Servers: r.Servers, Exceptions: r.Exceptions, Script: r.Script,
	}, r.Flags&proxies.Detect != 0)
}
