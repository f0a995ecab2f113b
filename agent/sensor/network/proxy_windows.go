package network

import (
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/windows/registry"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
)

const (
	internetPolicies = `Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings`
	mostHives        = 64
)

// windowsProxies reports whether a proxy is configured: for services, for everybody, or
// for a person whose settings are loaded. It is nil where that is not known.
func windowsProxies() *bool {
	places := []proxyState{
		proxyInEnvironment(slices.Values(os.Environ())),
		proxyInKey(registry.LOCAL_MACHINE, proxies.InternetSettings),
		proxyInKey(registry.LOCAL_MACHINE, internetPolicies),
		proxyOfServices(),
	}
	hives, err := registry.USERS.ReadSubKeyNames(mostHives)
	if err != nil && len(hives) == 0 {
		places = append(places, proxyUnknown)
	}
	for _, hive := range hives {
		if strings.HasSuffix(hive, "_Classes") {
			continue
		}
		places = append(places,
			proxyInKey(registry.USERS, hive+`\`+proxies.InternetSettings),
			proxyInKey(registry.USERS, hive+`\`+internetPolicies))
	}
	switch allProxies(places) {
	case proxyFound:
		return new(true)
	case proxyNone:
		return new(false)
	case proxyUnknown:
	}
	return nil
}

// proxyInKey looks at settings: a proxy that is switched on, or the address of a script.
func proxyInKey(root registry.Key, path string) proxyState {
	switch set, err := proxies.ReadSettings(root, path); {
	case errors.Is(err, registry.ErrNotExist):
		return proxyNone
	case err != nil:
		return proxyUnknown
	case set.Enabled, set.Script != "":
		return proxyFound
	}
	return proxyNone
}

func proxyOfServices() proxyState {
	value, err := proxies.OfServices()
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return proxyUnknown
	}
	return winProxySettings(value)
}
