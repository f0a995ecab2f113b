package network

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows/registry"
)

// detailFirewall says why nobody is heard.
const detailFirewall = "Windows' firewall has no rule that lets announcements on the local network in"

const (
	firewallSettings = `SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\`
	firewallPolicies = `SOFTWARE\Policies\Microsoft\WindowsFirewall\`
	rulesKey         = "FirewallRules"
	// mostRules bounds what is read: Windows comes with half a thousand.
	mostRules = 4096
	// firewallInterval is how often rules are read again.
	firewallInterval = time.Hour
)

// firewall is what is known of Windows' own firewall.
type firewall struct {
	at  time.Time
	out bool
}

// keepsOut reports whether the firewall keeps announcements from the agent. It is false
// where that is not known.
func (f *firewall) keepsOut(now time.Time) bool {
	if f.at.IsZero() || now.Sub(f.at).Abs() >= firewallInterval {
		f.at, f.out = now, closed() && !opened()
	}
	return f.out
}

// closed reports whether the firewall is on, and closed to what no rule opens it for, on
// networks of any kind. What a policy says goes before the settings.
func closed() bool {
	const allow = 0
	for _, places := range [][]string{
		{firewallPolicies + "DomainProfile", firewallSettings + "DomainProfile"},
		{firewallPolicies + "PrivateProfile", firewallPolicies + "StandardProfile", firewallSettings + "StandardProfile"},
		{firewallPolicies + "PublicProfile", firewallSettings + "PublicProfile"},
	} {
		on, known := first(places, "EnableFirewall")
		action, set := first(places, "DefaultInboundAction")
		if known && on != 0 && (!set || action != allow) {
			return true
		}
	}
	return false
}

// first returns a number of the first key that has it.
func first(places []string, name string) (value uint64, ok bool) {
	for _, place := range places {
		key, err := registry.OpenKey(registry.LOCAL_MACHINE, place, registry.QUERY_VALUE)
		if err != nil {
			continue
		}
		value, _, err = key.GetIntegerValue(name)
		_ = key.Close()
		if err == nil {
			return value, true
		}
	}
	return 0, false
}

// opened reports whether rules let announcements in, or it is not known.
func opened() bool {
	program, err := os.Executable()
	if err != nil {
		return true
	}
	o := openings{program: program, expand: expanded}
	complete := readRules(firewallSettings+rulesKey, &o)
	_ = readRules(firewallPolicies+rulesKey, &o) // which most machines have none of
	return !complete || o.all()
}

// readRules takes in the rules under a key, and reports whether it could.
func readRules(path string, o *openings) bool {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	defer key.Close()
	names, err := key.ReadValueNames(mostRules)
	if err != nil && len(names) == 0 {
		return false
	}
	for _, name := range names {
		if text, _, err := key.GetStringValue(name); err == nil && strings.Contains(text, "|Dir=In|") {
			o.rule(text)
		}
	}
	return len(names) < mostRules
}

func expanded(path string) string {
	if whole, err := registry.ExpandString(path); err == nil {
		return whole
	}
	return path
}
