package network

import "github.com/farmhound-security/farmhound/agent/internal/proxies"

// winProxySettings looks at what Windows stores of proxies for WinHTTP (value
// WinHttpSettings), which is nothing as long as nobody sets any.
func winProxySettings(value []byte) proxyState {
	if len(value) == 0 {
		return proxyNone
	}
	switch r, ok := proxies.ParseRecord(value); {
	case !ok:
		return proxyUnknown
	case r.Flags&(proxies.Manual|proxies.Script) != 0:
		return proxyFound
	case r.Flags&(proxies.Direct|proxies.Detect) != 0 || r.Flags == 0:
		// Windows looks for a script by itself unless told not to: that is no setting.
		return proxyNone
	}
	return proxyUnknown
}
