package collector

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// policy is what agents are told with every acknowledgement. It is read for each of
// them, so that a change reaches every laptop with its next delivery. It is safe for
// concurrent use.
type policy struct {
	changing sync.Mutex
	now      atomic.Pointer[farmhoundv1.Policy]
}

// newPolicy returns the schedule with no keys and the built-in catalogue.
func newPolicy(a Agents) *policy {
	p := &policy{}
	p.now.Store(&farmhoundv1.Policy{
		ScanInterval: durationpb.New(a.ScanInterval), WindowInterval: durationpb.New(a.WindowInterval),
	})
	return p
}

// Policy returns what holds now. It must not be changed.
func (p *policy) Policy() *farmhoundv1.Policy { return p.now.Load() }

// setKeys sets the keys that agents hash with, newest first.
func (p *policy) setKeys(keys []*farmhoundv1.FleetKey) {
	p.change(func(next *farmhoundv1.Policy) { next.FleetKeys = keys })
}

// setCatalog sets the digest of the catalogue that agents are to use; empty for the
// one they bring along.
func (p *policy) setCatalog(digest string) {
	p.change(func(next *farmhoundv1.Policy) { next.CatalogDigest = digest })
}

// change replaces the policy: acknowledgements under way keep the one they read.
func (p *policy) change(change func(next *farmhoundv1.Policy)) {
	p.changing.Lock()
	defer p.changing.Unlock()
	next := proto.CloneOf(p.now.Load())
	change(next)
	p.now.Store(next)
}
