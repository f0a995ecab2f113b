package ingest_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// deliverer is one laptop with the identity d1: what it remembers is its nonce.
type deliverer struct {
	boot  string
	nonce []byte
}

// links runs a pipeline over a store and keeps how each report was linked.
type links struct {
	t *testing.T
	p *ingest.Pipeline
	// seen are the links of the last delivery's reports.
	seen []fleet.Link
	stop func()
}

func newLinks(t *testing.T, s ingest.Store) *links {
	l := &links{t: t}
	judge := &tally{report: func(dev *store.Device, _ *fleetv1.Alert, obs fleet.Observation) (store.Change, error) {
		l.seen = append(l.seen, obs.Link)
		return counts(dev, obs), nil
	}}
	l.p, l.stop = run(t, ingest.Config{Store: s, Judge: judge})
	return l
}

// deliver sends reports. Where the acknowledgement is lost, the laptop learns nothing.
func (l *links) deliver(from *deliverer, first, last uint64, lost bool, want ...fleet.Link) {
	l.t.Helper()
	l.seen = nil
	receipt, err := l.p.Report(l.t.Context(), from.nonce, batch("d1", from.boot, first, last))
	must(l.t, err)
	if receipt.Sequence < last {
		l.t.Errorf("acknowledged %d of %d", receipt.Sequence, last)
	}
	if !slices.Equal(l.seen, want) {
		l.t.Errorf("%s %d to %d: links %v, want %v", from.boot, first, last, l.seen, want)
	}
	if !lost {
		from.nonce = receipt.Nonce
	}
}

const (
	held   = fleet.LinkHeld
	forked = fleet.LinkForked
)

func TestDeliveriesInStepAreLinked(t *testing.T) {
	t.Parallel()
	l, a := newLinks(t, openStore(t)), &deliverer{boot: "a"}
	l.deliver(a, 1, 2, false, held, held)
	l.deliver(a, 3, 3, false, held)
	// The acknowledgement is lost, twice; the answer is the same again.
	l.deliver(a, 4, 5, true, held, held)
	l.deliver(a, 4, 5, true)
	l.deliver(a, 4, 4, false) // in a smaller batch
	l.deliver(a, 5, 5, false)
	l.deliver(a, 6, 6, false, held)
	a.boot = "b" // a restart
	l.deliver(a, 1, 1, false, held)
}

func TestARepeatedDeliveryIsAnsweredTheSame(t *testing.T) {
	t.Parallel()
	l := newLinks(t, openStore(t))
	var first ingest.Receipt
	for i := range 3 {
		got, err := l.p.Report(t.Context(), nil, batch("d1", "a", 1, 4))
		must(t, err)
		if i == 0 {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("answer %d: %s", i, diff)
		}
	}
	if len(first.Nonce) < 16 || len(first.Nonce) > 32 {
		t.Errorf("the nonce has %d bytes", len(first.Nonce))
	}
}

// One laptop that lost an acknowledgement and its memory of what it had sent, or
// was restored, is out of step once.
func TestOneForkHeals(t *testing.T) {
	t.Parallel()
	l, a := newLinks(t, openStore(t)), &deliverer{boot: "a"}
	l.deliver(a, 1, 1, false, held)
	l.deliver(a, 2, 2, true, held)
	l.deliver(a, 2, 4, false, forked, held) // with more than was sent before
	l.deliver(a, 5, 5, false, held)
	image := *a
	l.deliver(a, 6, 6, false, held)
	l.deliver(a, 7, 7, false, held)
	image.boot = "b"
	l.deliver(&image, 1, 2, false, forked, held)
	l.deliver(&image, 3, 3, false, held)
}

func TestTwoLaptopsPutEachOtherOutOfStep(t *testing.T) {
	t.Parallel()
	l, a := newLinks(t, openStore(t)), &deliverer{boot: "a"}
	l.deliver(a, 1, 3, false, held, held, held)
	b := &deliverer{boot: "b", nonce: a.nonce}
	l.deliver(a, 4, 4, false, held)
	l.deliver(b, 1, 1, false, forked)
	l.deliver(a, 5, 5, false, forked)
	// Repeating what is known, its own or the other's, does not bring it into step.
	l.deliver(b, 1, 1, false)
	copied := &deliverer{boot: "a", nonce: b.nonce}
	l.deliver(copied, 3, 3, false)
	b.nonce = copied.nonce
	l.deliver(b, 2, 2, false, forked)
	// Neither does forgetting the nonce or making one up.
	b.nonce = nil
	l.deliver(a, 6, 6, false, forked)
	l.deliver(b, 3, 3, false, forked)
	l.deliver(a, 7, 7, false, forked)
	b.nonce = []byte("another epoch, they say")
	l.deliver(b, 4, 4, false, forked)
}

// What a restored store does not remember accuses nobody.
func TestARestoredStoreTakesTheFirstDeliveryAsItComes(t *testing.T) {
	t.Parallel()
	m := newMemory()
	l, a := newLinks(t, m), &deliverer{boot: "a"}
	l.deliver(a, 1, 1, false, held)
	backup := m.backup()
	l.deliver(a, 2, 2, false, held)
	l.deliver(a, 3, 3, true, held)
	l.stop()

	backup.epoch = "epoch 2."
	l = newLinks(t, backup)
	l.deliver(a, 3, 4, true, held, held)
	l.deliver(a, 3, 4, false) // its acknowledgement was lost
	l.deliver(a, 5, 5, false, held)
	// From there on the chain holds as before.
	b := &deliverer{boot: "b"}
	l.deliver(b, 1, 1, false, forked)
	l.stop()

	// With the same epoch the restored store would have accused it.
	backup = m.backup()
	l = newLinks(t, backup)
	a.nonce = nil
	l.deliver(a, 9, 9, false, forked)
}
