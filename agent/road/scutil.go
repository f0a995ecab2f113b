package road

import (
	"net"
	"strings"
)

const macSettings = "the network settings of macOS"

// parseScutil reads what scutil --proxy prints: lines "Name : value", of which the list
// of exceptions is the only nested one that counts.
func parseScutil(text string) Found {
	found := Found{From: macSettings}
	values := map[string]string{}
	depth, list := 0, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, " : ")
		switch {
		case strings.HasSuffix(line, "{"):
			depth++
			if ok && depth == 2 {
				list = name
			}
		case line == "}":
			depth, list = max(depth-1, 0), ""
		case !ok:
		case depth == 1:
			values[name] = value
		case depth == 2 && list == "ExceptionsList":
			found.Spared = append(found.Spared, value)
		}
	}
	found.SpareSimple = values["ExcludeSimpleHostnames"] == "1"
	if values["HTTPSEnable"] == "1" && values["HTTPSProxy"] != "" {
		port := values["HTTPSPort"]
		if port == "" {
			port = "80"
		}
		found.add("http://"+net.JoinHostPort(strings.Trim(values["HTTPSProxy"], "[]"), port), found.From)
	}
	switch {
	case values["ProxyAutoConfigEnable"] == "1":
		found.Unused = append(found.Unused, script(found.From))
	case values["ProxyAutoDiscoveryEnable"] == "1":
		found.Unused = append(found.Unused, detection(found.From))
	}
	return found
}

// detection is said of WPAD: whoever is on the network can answer it.
func detection(from string) string {
	return "detecting the proxy by the network (WPAD) is switched on in " + from + ", which the agent does not do; name the proxy in the setting proxy"
}
