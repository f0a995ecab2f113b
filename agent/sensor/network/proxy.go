package network

import (
	"strings"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
)

// proxyState is what a place says about proxies.
type proxyState uint8

const (
	// proxyUnknown: the place cannot be read, or leaves it to the network.
	proxyUnknown proxyState = iota
	proxyNone
	// proxyFound: a proxy or the address of a PAC file is configured.
	proxyFound
)

// proxyVariables are the environment's, in lower case.
var proxyVariables = [...]string{"http_proxy", "https_proxy", "all_proxy"}

// proxyInEnvironment looks at NAME=value lines, as those of a process or of
// /etc/environment, with export before them or without.
func proxyInEnvironment(lines func(yield func(string) bool)) proxyState {
	for line := range lines {
		name, value, ok := proxies.Assignment(line)
		if !ok || value == "" {
			continue
		}
		for _, known := range proxyVariables {
			if strings.EqualFold(name, known) {
				return proxyFound
			}
		}
	}
	return proxyNone
}

// proxyInKDE looks at KDE's kioslaverc.
func proxyInKDE(text string) proxyState {
	const none, manual, script, detect, environment = "0", "1", "2", "3", "4"
	switch iniValue(text, "Proxy Settings", "ProxyType") {
	case "", none, environment:
		return proxyNone
	case manual, script:
		return proxyFound
	case detect:
		return proxyUnknown
	}
	return proxyUnknown
}

// proxyInDconf looks at the mode of GNOME's proxy settings, as dconf writes it.
func proxyInDconf(mode string) proxyState {
	switch strings.Trim(mode, `'"`) {
	case "", "none":
		return proxyNone
	case "manual", "auto":
		return proxyFound
	}
	return proxyUnknown
}

// iniValue returns the value of a key in a section, empty where there is none.
func iniValue(text, section, key string) (value string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = line == "["+section+"]"
			continue
		}
		name, v, ok := strings.Cut(line, "=")
		// KDE marks keys that people may not change: ProxyType[$i].
		name, _, _ = strings.Cut(strings.TrimSpace(name), "[")
		if inside && ok && name == key {
			value = strings.TrimSpace(v)
		}
	}
	return value
}

// allProxies joins what several places say: one that has a proxy settles it, and
// without one all must be known.
func allProxies(places []proxyState) proxyState {
	all := proxyNone
	for _, p := range places {
		switch p {
		case proxyFound:
			return proxyFound
		case proxyUnknown:
			all = proxyUnknown
		}
	}
	return all
}
