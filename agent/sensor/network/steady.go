//go:build linux || windows

package network

import (
	"context"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// lookAgain is after what time everything is looked at anew although the system told
	// of no change: of who is on the network, of proxies and resolvers it does not tell.
	lookAgain = 5 * time.Minute
	// settled is for how long little changes wait.
	settled = time.Minute
	// mostMissing is how many looks in a row do not wait for what is missing.
	mostMissing = 8
)

// change is how much the system says has changed.
type change uint8

const (
	nothing change = iota
	// little is what comes by itself, such as an address that was renewed, and what is to
	// be assumed where the system does not tell.
	little
	// much is a link or a way out that came or went.
	much
)

// latest is the latest observation, with what it depended on.
type latest struct {
	at     time.Time
	config *config
	out    *farmhoundv1.Network
	err    error
	// missing counts the looks in a row that lacked what may be there soon: a gateway
	// has no hardware address before something was said to it.
	missing int
	// little says that little has changed since.
	little bool
}

// Observe fills Network. Where the system tells of changes and told of none, it is what
// was observed before.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	l := &s.system.latest
	use := s.config.Load()
	// Asked before the first look too, so that no change falls between.
	if changed := s.system.changed(s.host); l.stands(changed, s.host.Time(), use) && s.sameWaysOut() {
		into.Network = l.out
		return l.err
	}
	now, missing := s.host.Time(), 0
	out, again, err := s.look(ctx, use)
	if again {
		missing = l.missing + 1
	}
	*l = latest{}
	if out != nil {
		*l = latest{at: now, config: use, out: out, err: err, missing: missing}
		into.Network = out
	}
	return err
}

// stands reports whether what was observed is still true.
func (l *latest) stands(changed change, now time.Time, use *config) bool {
	age := now.Sub(l.at).Abs()
	switch {
	case l.out == nil || changed == much || l.config != use || age >= lookAgain:
		return false
	case l.missing > 0 && l.missing < mostMissing:
		return false
	case changed == little:
		l.little = true
	}
	waits := l.little || l.missing > 0
	return !waits || age < settled
}

// sameWaysOut reports whether the collector's answers are those of the latest look.
func (s *Sensor) sameWaysOut() bool {
	var known []*farmhoundv1.EgressPath
	if p := s.prober.Load(); p != nil {
		known = p.Known()
	}
	told := s.system.latest.out.GetEgress()
	return len(told) == len(known) && (len(known) == 0 || &told[0] == &known[0])
}
