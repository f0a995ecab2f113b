package network

import (
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/windows/registry"
)

const (
	internetSettings = `Software\Microsoft\Windows\CurrentVersion\Internet Settings`
	internetPolicies = `Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings`
	mostHives        = 64
)

// windowsProxies reports whether a proxy is configured: for services, for everybody, or
// for a person whose settings are loaded. It is nil where that is not known.
func windowsProxies() *bool {
	places := []proxyState{
		proxyInEnvironment(slices.Values(os.Environ())),
		proxyInKey(registry.LOCAL_MACHINE, internetSettings),
		proxyInKey(registry.LOCAL_MACHINE, internetPolicies),
		proxyInValue(registry.LOCAL_MACHINE, internetSettings+`\Connections`, "WinHttpSettings"),
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
			proxyInKey(registry.USERS, hive+`\`+internetSettings),
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
	key, err := registry.OpenKey(root, path, registry.QUERY_VALUE)
	switch {
	case errors.Is(err, registry.ErrNotExist):
		return proxyNone
	case err != nil:
		return proxyUnknown
	}
	defer key.Close()
	if on, _, err := key.GetIntegerValue("ProxyEnable"); err == nil && on != 0 {
		return proxyFound
	}
	if script, _, err := key.GetStringValue("AutoConfigURL"); err == nil && script != "" {
		return proxyFound
	}
	return proxyNone
}

func proxyInValue(root registry.Key, path, name string) proxyState {
	key, err := registry.OpenKey(root, path, registry.QUERY_VALUE)
	switch {
	case errors.Is(err, registry.ErrNotExist):
		return proxyNone
	case err != nil:
		return proxyUnknown
	}
	defer key.Close()
	value, _, err := key.GetBinaryValue(name)
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return proxyUnknown
	}
	return winProxySettings(value)
}
