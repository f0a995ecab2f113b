// Package egress asks the collector's STUN responder under which address this
// laptop is seen: by the default route, and over every physical interface beside
// it. Where the two differ, a tunnel carries the traffic.
//
// The answers are sealed by the collector; the laptop carries them. Nothing is
// asked of anybody but the collector, and nothing without its token. The package
// imports proto/ only.
package egress

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/farmhound-security/farmhound/proto/egress"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// askAgain is after what time an unchanged laptop asks anew: addresses change
	// beyond the router unnoticed.
	askAgain = 3 * time.Hour
	// tryAgain is the pause after nobody answered over any way.
	tryAgain = 15 * time.Minute
	// settle lets a network that is just coming up finish.
	settle = 3 * time.Second
	// sealAge is from when on a seal is replaced although the address is the same: a
	// collector takes none that is much older than a day.
	sealAge = 12 * time.Hour
	// mostPaths is what a report may hold.
	mostPaths = 16
)

// Path is one way out.
type Path struct {
	// Interface is the interface to use; empty for the default route.
	Interface string
	// Kind is its kind, or that of the interface behind the default route.
	Kind farmhoundv1.InterfaceKind
	// Tool is the catalogue id of the tool that owns it, if it is a tunnel.
	Tool string
	// Links and Gateway tell one network from another behind the same interface: which
	// networks it is part of, and the hardware address of the router, empty while that
	// is not known. Neither is reported.
	Links, Gateway string
}

// same reports whether two are one way out of one network. A router that is not known
// for a moment is still the same.
func (p Path) same(o Path) bool {
	if p.Gateway == "" || o.Gateway == "" {
		p.Gateway, o.Gateway = "", ""
	}
	return p == o
}

// Prober asks when there is reason to. It is safe for concurrent use; Run is its
// only goroutine.
type Prober struct {
	// Changed is called when what is known changed. Nil is allowed. Set before Run.
	Changed func()
	log     *slog.Logger
	wake    chan struct{}

	mu        sync.Mutex
	collector string // host of the collector
	responder responder
	paths     []Path
	// era counts the changes after which what was being asked says nothing of now.
	era    uint64
	known  []known
	listed []*farmhoundv1.EgressPath // what Known returned, until known changes
}

// known is the latest answer over one path in one address family.
type known struct {
	path   Path
	family string
	seen   netip.Addr
	seal   []byte
	at     time.Time
}

// New returns a Prober for a laptop whose collector is at an address (host:port).
func New(collector string, log *slog.Logger) *Prober {
	host, _, err := net.SplitHostPort(collector)
	if err != nil {
		host = collector
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Prober{collector: host, log: log, wake: make(chan struct{}, 1)}
}

// Use says whom to ask, as an acknowledgement said; nil for nobody.
func (p *Prober) Use(r *farmhoundv1.EgressResponder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.responder.address
	p.responder = responder{}
	if len(r.GetToken()) == egress.TokenSize && r.GetPort() > 0 {
		host := r.GetHost()
		if host == "" {
			host = p.collector
		}
		p.responder = responder{net.JoinHostPort(host, strconv.FormatUint(uint64(r.GetPort()), 10)), r.GetToken(), r.GetTcp()}
	}
	if p.responder.address != before {
		p.signal()
	}
}

// Want says which ways out there are. A change, of the network behind one too, makes
// them asked soon.
func (p *Prober) Want(paths []Path) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.paths
	p.paths = slices.Clone(paths)
	for i := range p.paths {
		if at := slices.IndexFunc(before, p.paths[i].same); at >= 0 && p.paths[i].Gateway == "" {
			p.paths[i].Gateway = before[at].Gateway
		}
	}
	// What an interface that is gone was seen under says nothing of now, nor what one
	// was seen under from another network.
	p.known = p.current(p.known)
	if !slices.EqualFunc(p.paths, before, Path.same) {
		p.anew()
	}
}

// current keeps the answers over the ways out that there are, with what is known of
// these by now.
func (p *Prober) current(list []known) []known {
	kept := list[:0]
	for _, k := range list {
		if at := slices.IndexFunc(p.paths, k.path.same); at >= 0 {
			k.path = p.paths[at]
			kept = append(kept, k)
		}
	}
	return kept
}

// Moved says that the laptop slept or is elsewhere: what was known says nothing of now,
// however much the networks resemble each other.
func (p *Prober) Moved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = nil
	p.anew()
}

// anew has everything asked again.
func (p *Prober) anew() {
	p.era++
	p.listed = nil
	p.signal()
}

func (p *Prober) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Known returns what is known, the default route first: the same list until something
// changes. It is not to be changed.
func (p *Prober) Known() []*farmhoundv1.EgressPath {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listed != nil {
		return p.listed
	}
	for _, k := range p.known[:min(len(p.known), mostPaths)] {
		p.listed = append(p.listed, &farmhoundv1.EgressPath{Kind: k.path.Kind, Tool: k.path.Tool, DefaultRoute: k.path.Interface == "", Seal: k.seal})
	}
	return p.listed
}

// Run asks at every change and every few hours until ctx is done.
func (p *Prober) Run(ctx context.Context) {
	timer := time.NewTimer(askAgain)
	defer timer.Stop()
	for {
		select {
		case <-p.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		timer.Reset(settle)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		pause := askAgain
		if !p.askAll(ctx) {
			pause = tryAgain
		}
		timer.Reset(pause)
	}
}

// askAll asks over every path and reports whether there is nothing left to try
// soon: somebody answered, or nobody is to be asked.
func (p *Prober) askAll(ctx context.Context) bool {
	p.mu.Lock()
	whom, paths, era := p.responder, slices.Clone(p.paths), p.era
	p.mu.Unlock()
	if whom.address == "" {
		p.replace(nil, era)
		return true
	}
	var found []known
	for _, path := range paths {
		for _, family := range []string{"4", "6"} {
			a, err := whom.ask(ctx, path.Interface, family)
			if ctx.Err() != nil {
				return true
			}
			if err != nil {
				p.log.DebugContext(ctx, "the collector does not answer over one way out", "interface", path.Interface, "kind", path.Kind, "error", err)
				continue
			}
			found = append(found, known{path, family, a.seen, a.seal, time.Now()})
		}
	}
	p.replace(found, era)
	return len(found) > 0 || len(paths) == 0
}

// replace keeps the seal of an address that is still the same, so that a report
// has nothing new to tell. Answers to what was asked before a change are not kept:
// everything is asked again.
func (p *Prober) replace(found []known, era uint64) {
	p.mu.Lock()
	if era != p.era {
		p.mu.Unlock()
		return
	}
	found = p.current(found)
	changed := len(found) != len(p.known)
	for i := range found {
		k := &found[i]
		at := slices.IndexFunc(p.known, func(old known) bool {
			return old.path.same(k.path) && old.family == k.family && old.seen == k.seen && k.at.Sub(old.at) < sealAge
		})
		if at >= 0 {
			*k = p.known[at]
		}
		changed = changed || i >= len(p.known) || !bytes.Equal(k.seal, p.known[i].seal)
	}
	p.known, p.listed = found, nil
	notify := p.Changed
	p.mu.Unlock()
	if changed && notify != nil {
		notify()
	}
}
