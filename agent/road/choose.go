package road

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
)

// Found is what one source says of proxies.
type Found struct {
	// From is the source, in words.
	From string
	// Ways are the proxies that it names for TLS.
	Ways []Way
	// Spared are the hosts that are reached without, as the source writes them.
	Spared []string
	// SpareSimple is whether hosts without a dot are reached without.
	SpareSimple bool
	// Unused are sentences about what it names and the agent cannot use.
	Unused []string
}

func (f *Found) silent() bool { return len(f.Ways) == 0 && len(f.Unused) == 0 }

// maxSpared bounds how many hosts are compared.
const maxSpared = 1024

// spared reports whether an address is to be reached without a proxy: by its whole name
// or a domain above it, with or without a port, an address, or a range of addresses.
func (f *Found) spared(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	ip, notAddress := netip.ParseAddr(host)
	if host == "localhost" || notAddress == nil && ip.IsLoopback() {
		return true
	}
	if f.SpareSimple && notAddress != nil && !strings.Contains(host, ".") {
		return true
	}
	for _, rule := range f.Spared[:min(len(f.Spared), maxSpared)] {
		if spares(rule, host, port, ip) {
			return true
		}
	}
	return false
}

func spares(rule, host, port string, ip netip.Addr) bool {
	rule = strings.ToLower(strings.TrimSpace(rule))
	if rule == "*" {
		return true
	}
	if network, err := netip.ParsePrefix(rule); err == nil {
		return ip.IsValid() && network.Contains(ip)
	}
	if of, p, err := net.SplitHostPort(rule); err == nil {
		if p != port {
			return false
		}
		rule = of
	}
	if rule == "" {
		return false
	}
	if one, err := netip.ParseAddr(strings.Trim(rule, "[]")); err == nil {
		return one == ip
	}
	if ip.IsValid() {
		// 10.* is how Windows and macOS write a range.
		prefix, wild := strings.CutSuffix(rule, "*")
		return wild && strings.HasSuffix(prefix, ".") && strings.HasPrefix(host, prefix)
	}
	if domain, ok := strings.CutPrefix(rule, "*."); ok {
		return strings.HasSuffix(host, "."+domain)
	}
	if domain, ok := strings.CutPrefix(rule, "."); ok {
		return strings.HasSuffix(host, "."+domain)
	}
	return host == rule || strings.HasSuffix(host, "."+rule)
}

// parseProxy reads a proxy as people write it: a URL, or host:port.
func parseProxy(text, from string) (Way, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	parsed, err := url.Parse(text)
	if err != nil {
		// The library's error repeats the text, which may hold a password.
		return Way{}, fmt.Errorf("the proxy of %s is not written as http://host:port", from)
	}
	w := Way{From: from}
	port := "80"
	switch parsed.Scheme {
	case "http":
	case "https":
		w.Secure, port = true, "443"
	default:
		return Way{}, fmt.Errorf("the proxy of %s is of the kind %s, and the agent knows http and https", from, printable(parsed.Scheme, 16))
	}
	host := parsed.Hostname()
	if host == "" || strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return Way{}, fmt.Errorf("the proxy of %s has no host", from)
	}
	if parsed.Port() != "" {
		port = parsed.Port()
	}
	w.Proxy = net.JoinHostPort(host, port)
	if parsed.User != nil {
		password, _ := parsed.User.Password()
		w.login = parsed.User.Username() + ":" + password
	}
	return w, nil
}

// add adds the proxy that a text names, or says why not.
func (f *Found) add(text, from string) {
	w, err := parseProxy(text, from)
	if err != nil {
		f.Unused = append(f.Unused, err.Error())
		return
	}
	f.Ways = append(f.Ways, w)
}

// script is said of a PAC file: it is a program, and the agent runs none.
func script(from string) string {
	return "a PAC file is configured in " + from + ", which is a program that the agent does not run; name the proxy in the setting proxy"
}

// fromEnvironment reads the variables that other programs go by. HTTPS_PROXY goes
// before ALL_PROXY, small letters before capitals.
func fromEnvironment(environ []string) Found {
	values := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	return chosen(values, "the environment")
}

func chosen(values map[string]string, where string) Found {
	var found Found
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		if text := values[name]; text != "" {
			found.From = where + " (" + name + ")"
			found.add(text, found.From)
			break
		}
	}
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		if text := values[name]; text != "" {
			found.Spared = strings.Split(text, ",")
			break
		}
	}
	return found
}

// environmentFile reads lines NAME=value as /etc/environment has them.
func environmentFile(text, path string) Found {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := proxies.Assignment(line); ok {
			values[name] = value
		}
	}
	return chosen(values, path)
}
