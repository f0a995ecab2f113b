package network

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// macWiFi is the interface that ipconfig is asked for: that of every laptop's Wi-Fi.
const macWiFi = "en0"

// macPointInterval is how often the access point is asked for again.
const macPointInterval = 5 * time.Minute

// macPoint asks for the access point.
type macPoint struct {
	ask   func(context.Context) ([]byte, error)
	at    time.Time
	of    mac // the gateway: behind another one the access point is another
	point mac
	told  bool
}

// find returns the access point that an interface is connected to, asked for again where
// that is due; not ok where macOS does not tell.
func (p *macPoint) find(ctx context.Context, name string, gateway mac, now time.Time) (point mac, ok bool) {
	if name != macWiFi {
		return mac{}, false
	}
	if p.at.IsZero() || gateway != p.of || now.Sub(p.at).Abs() >= macPointInterval {
		text, err := p.ask(ctx)
		p.at, p.of = now, gateway
		p.point, p.told = pointInSummary(string(text))
		p.told = p.told && err == nil
	}
	return p.point, p.told
}

// pointInSummary reads the access point out of what ipconfig getsummary prints of an
// interface, a dictionary with "  BSSID : 0:1b:2f:1:2:3" in it. Unless an administrator
// switched that off, macOS 14 and later have "<redacted>" there for everybody, root
// included. The name of the network comes behind, whatever lines are in it.
func pointInSummary(text string) (m mac, ok bool) {
	for line := range strings.Lines(text) {
		value, found := strings.CutPrefix(line, "  BSSID : ")
		if !found {
			continue
		}
		octets := strings.Split(strings.TrimSpace(value), ":")
		if len(octets) != len(m) {
			return mac{}, false
		}
		for i, octet := range octets {
			n, err := strconv.ParseUint(octet, 16, 8)
			if err != nil {
				return mac{}, false
			}
			m[i] = byte(n)
		}
		return m, m.names()
	}
	return mac{}, false
}
