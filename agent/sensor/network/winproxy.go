package network

import "encoding/binary"

// winProxySettings looks at what Windows stores of proxies for WinHTTP (value
// WinHttpSettings) and for each connection of a person (DefaultConnectionSettings):
// version, count of changes, flags, and texts that are not read.
func winProxySettings(value []byte) proxyState {
	const direct, manual, script, detect = 1, 2, 4, 8
	if len(value) == 0 {
		return proxyNone
	}
	if len(value) < 12 {
		return proxyUnknown
	}
	switch flags := binary.LittleEndian.Uint32(value[8:]); {
	case flags&(manual|script) != 0:
		return proxyFound
	case flags&(direct|detect) != 0 || flags == 0:
		// Windows looks for a script by itself unless told not to: that is no setting.
		return proxyNone
	}
	return proxyUnknown
}
