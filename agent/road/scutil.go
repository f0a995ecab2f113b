package road

import (
	"net"
	"strings"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
)

const macSettings = "the network settings of macOS"

// scutilSettings makes something of what scutil --proxy prints.
func scutilSettings(text string) Found {
	d, _ := proxies.ParseScutil(text)
	found := Found{From: macSettings, Spared: d.Exceptions, SpareSimple: d.On("ExcludeSimpleHostnames")}
	if host := d.Values["HTTPSProxy"]; d.On("HTTPSEnable") && host != "" {
		port := d.Values["HTTPSPort"]
		if port == "" {
			port = "80"
		}
		found.add("http://"+net.JoinHostPort(strings.Trim(host, "[]"), port), found.From)
	}
	switch {
	case d.On("ProxyAutoConfigEnable"):
		found.Unused = append(found.Unused, script(found.From))
	case d.On("ProxyAutoDiscoveryEnable"):
		found.Unused = append(found.Unused, detection(found.From))
	}
	return found
}

// detection is said of WPAD: whoever is on the network can answer it.
func detection(from string) string {
	return "detecting the proxy by the network (WPAD) is switched on in " + from + ", which the agent does not do; name the proxy in the setting proxy"
}
