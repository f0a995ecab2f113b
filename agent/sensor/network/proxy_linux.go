package network

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

const (
	mostHomes       = 64
	longestSettings = 1 << 20
	dconfMode       = "/system/proxy/mode"
)

// proxyConfigured reports whether a proxy is configured: for the service, for everybody, or in
// the desktop settings of somebody with a home here. It is nil where that is not known.
func proxyConfigured(h host.Host) *bool {
	places := []proxyState{atPlace(h, "/etc/environment", func(data []byte) proxyState {
		return proxyInEnvironment(strings.Lines(string(data)))
	})}
	if h.Live() {
		places = append(places, proxyInEnvironment(slices.Values(os.Environ())))
	}
	places = append(places, atPlace(h, "/etc/xdg/kioslaverc", inKDE))
	for _, name := range namesIn(h, "/etc/dconf/db", &places) {
		if !strings.HasSuffix(name, ".d") {
			places = append(places, atPlace(h, "/etc/dconf/db/"+name, inDconf))
		}
	}
	for _, home := range namesIn(h, "/home", &places) {
		places = append(places,
			atPlace(h, "/home/"+home+"/.config/kioslaverc", inKDE),
			atPlace(h, "/home/"+home+"/.config/dconf/user", inDconf))
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

// namesIn lists a folder; one that may not be listed is a place that is not known.
func namesIn(h host.Host, folder string, places *[]proxyState) []string {
	names, err := h.ReadNames(folder, mostHomes+1)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(names) > mostHomes {
		*places = append(*places, proxyUnknown)
	}
	return names[:min(len(names), mostHomes)]
}

// atPlace looks at a file. That it is missing is an answer, that it cannot be read is
// none. Homes belong to others: what is no plain file is not opened, since a pipe
// would hold up whoever does.
func atPlace(h host.Host, name string, look func([]byte) proxyState) proxyState {
	info, err := h.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return proxyNone
	case err != nil || !info.Mode().IsRegular() || info.Size() > longestSettings:
		return proxyUnknown
	}
	data, err := h.ReadFile(name, longestSettings)
	if err != nil {
		return proxyUnknown
	}
	return look(data)
}

func inKDE(data []byte) proxyState { return proxyInKDE(string(data)) }

func inDconf(data []byte) proxyState {
	mode, ok := gvdbString(data, dconfMode)
	if !ok {
		return proxyUnknown
	}
	return proxyInDconf(mode)
}
