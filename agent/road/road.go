// Package road finds the way from this laptop to its collector: directly, or through
// the proxy that the settings, the environment or the system name.
//
// Nothing it meets on the way is trusted: whoever is at the end must show a certificate
// of the collector's CA, which is not this package's to check. What stands in the way (a
// network that wants a sign-in, a proxy that inspects TLS, a wrong clock) is told
// apart and said in words, see Trouble.
// It may import nothing of this module but agent/systemtool and agent/internal/proxies.
package road

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Steps that are no proxy.
const (
	System = "system"
	Direct = "direct"
)

// Options say which ways there are.
type Options struct {
	// Steps are tried in this order: System, Direct, or a proxy as
	// http://host:port or https://host:port. None means System and then Direct.
	Steps []string
	// Login is user:password for the proxies among Steps. A proxy that anybody else
	// names does not get it.
	Login string
	// Environ is the environment, as os.Environ returns it.
	Environ []string
	// Root is the folder that stands for "/". Empty means this machine.
	Root string
}

// Road is safe for concurrent use.
type Road struct {
	options Options
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	system  func(ctx context.Context, root string) Found

	mu sync.Mutex
	// trying is the way of the last connection; good the last one at whose end the
	// collector was, and bad are those at whose end it was not.
	trying, good string
	bad          []string
	// local is this laptop's address of the last connection.
	local net.Addr
	// told is what the system said at asked, and moves how often the laptop moved.
	told  Found
	asked time.Time
	moves int
}

// systemAge is how long what the system says stands: on macOS asking starts a program.
const systemAge = time.Minute

// New returns the road that the options describe.
func New(options Options) *Road {
	if len(options.Steps) == 0 {
		options.Steps = []string{System, Direct}
	}
	dialer := &net.Dialer{KeepAlive: -1} // calls have their own pings
	return &Road{options: options, dial: dialer.DialContext, system: systemProxies}
}

// Way is one way to the collector.
type Way struct {
	// Proxy is the proxy's host:port, empty for the direct way.
	Proxy string
	// Secure is whether the proxy itself is spoken to by TLS.
	Secure bool
	// From says who named it.
	From string

	login string
}

// String names the way, without anything that is secret.
func (w Way) String() string {
	switch {
	case w.Proxy == "":
		return "directly"
	case w.Secure:
		return "through the proxy https://" + w.Proxy
	default:
		return "through the proxy http://" + w.Proxy
	}
}

// Login reports whether there is a user name and a password for the proxy.
func (w Way) Login() bool { return w.login != "" }

// Ways returns the ways to an address (host:port) in the order in which they are tried
// first, and what could not be made use of, in sentences.
func (r *Road) Ways(ctx context.Context, address string) (ways []Way, unused []string) {
	add := func(w Way) {
		same := func(o Way) bool { return o.Proxy == w.Proxy && o.Secure == w.Secure }
		if !slices.ContainsFunc(ways, same) {
			ways = append(ways, w)
		}
	}
	for _, step := range r.options.Steps {
		switch step {
		case Direct:
			add(Way{From: "the settings"})
		case System:
			found, more := r.found(ctx, address)
			unused = append(unused, more...)
			for _, w := range found {
				add(w)
			}
		default:
			w, err := parseProxy(step, "the settings")
			if err != nil {
				unused = append(unused, err.Error())
				continue
			}
			if w.login == "" {
				w.login = r.options.Login
			}
			add(w)
		}
	}
	return ways, unused
}

// found returns what environment and system say of the way to an address.
func (r *Road) found(ctx context.Context, address string) ([]Way, []string) {
	found := fromEnvironment(r.options.Environ)
	if found.silent() {
		found = r.ofSystem(ctx)
	}
	if len(found.Ways) == 0 || found.spared(address) {
		from := found.From
		if from == "" {
			from = "no proxy is configured"
		}
		return []Way{{From: from}}, found.Unused
	}
	return found.Ways, found.Unused
}

// ofSystem returns what the system says, or said a moment ago. Asking may take a while,
// which nobody else waits for; what was given up half-way, or is of the network before,
// is not kept.
func (r *Road) ofSystem(ctx context.Context) Found {
	r.mu.Lock()
	told, asked, moves := r.told, r.asked, r.moves
	r.mu.Unlock()
	now := time.Now()
	if !asked.IsZero() && now.Sub(asked).Abs() < systemAge {
		return told
	}
	told = r.system(ctx, r.options.Root)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() == nil && moves == r.moves {
		r.told, r.asked = told, now
	}
	return told
}

// dialTime is for how long a dial without a deadline may take.
const dialTime = 20 * time.Second

// Dial opens a connection to an address (host:port) by the first way that leads there.
func (r *Road) Dial(ctx context.Context, address string) (net.Conn, error) {
	ways, unused := r.Ways(ctx, address)
	if len(ways) == 0 {
		return nil, fmt.Errorf("no way to %s: %v", address, unused)
	}
	r.order(ways)
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(dialTime)
	}
	var problems []error
	for i, way := range ways {
		share := time.Until(deadline) / time.Duration(len(ways)-i)
		part, cancel := context.WithTimeout(ctx, share)
		conn, err := r.Take(part, way, address)
		cancel()
		if err == nil {
			r.mu.Lock()
			r.trying, r.local = way.String(), conn.LocalAddr()
			r.mu.Unlock()
			return conn, nil
		}
		problems = append(problems, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(problems...)
}

// Take opens a connection to an address by one way.
func (r *Road) Take(ctx context.Context, way Way, address string) (net.Conn, error) {
	if way.Proxy != "" {
		return r.connect(ctx, way, address)
	}
	conn, err := r.dial(ctx, "tcp", address)
	if err == nil {
		return conn, nil
	}
	if conn := r.translated(ctx, address); conn != nil {
		return conn, nil
	}
	return nil, unreachable(way, address, err)
}

// order puts the way that was good before the others, and those that were not last.
func (r *Road) order(ways []Way) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rank := func(w Way) int {
		switch name := w.String(); {
		case name == r.good:
			return 0
		case slices.Contains(r.bad, name):
			return 2
		default:
			return 1
		}
	}
	slices.SortStableFunc(ways, func(a, b Way) int { return rank(a) - rank(b) })
}

// Arrived notes that the collector was at the end of the last connection.
func (r *Road) Arrived() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.good, r.bad = r.trying, nil
}

// Missed notes that somebody else, or nobody, was at the end of the last connection.
func (r *Road) Missed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.good == r.trying {
		r.good = ""
	}
	if !slices.Contains(r.bad, r.trying) {
		r.bad = append(r.bad, r.trying)
	}
}

// Moved forgets which ways were good: the laptop is on another network, or slept.
func (r *Road) Moved() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.good, r.bad, r.asked = "", nil, time.Time{}
	r.moves++
}

// Taken says by which way the collector was reached last, empty where it was not.
func (r *Road) Taken() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.good
}

// Stranded reports whether the last connection is from an address that this laptop no
// longer has, so that nothing can come back on it.
func (r *Road) Stranded(addresses []net.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	local, ok := r.local.(*net.TCPAddr)
	if !ok || len(addresses) == 0 {
		return false
	}
	return !slices.ContainsFunc(addresses, func(a net.Addr) bool {
		network, ok := a.(*net.IPNet)
		return ok && network.IP.Equal(local.IP)
	})
}
