package ingest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
)

// randomSize is the length of what follows the epoch in a nonce, in bytes.
const randomSize = 16

// Receipt is what a committed batch is acknowledged with.
type Receipt struct {
	// Sequence is the highest committed one of the boot.
	Sequence uint64
	// Nonce is what the next delivery is to come with.
	Nonce []byte
}

// newNonce returns a nonce of an epoch.
func newNonce(epoch []byte) []byte {
	nonce := make([]byte, len(epoch)+randomSize)
	copy(nonce, epoch)
	_, _ = rand.Read(nonce[len(epoch):]) // never fails
	return nonce
}

// link says how a delivery with a nonce and with new content follows. What was
// acknowledged in another life of the store may be unknown in this one, so that the
// first delivery of each life is taken as it comes; the nonce itself is the
// laptop's word and decides nothing about that.
func link(c store.Chain, epoch, nonce []byte) fleet.Link {
	if !bytes.HasPrefix(c.Current, epoch) || bytes.Equal(nonce, c.Current) {
		return fleet.LinkHeld
	}
	return fleet.LinkForked
}

// repeated returns the nonce that answers a delivery without new content: the same
// as before to who repeats the last delivery. Who is out of step stays so, and shows
// with the first new content.
func repeated(c store.Chain, epoch []byte, boot string, nonce []byte) []byte {
	if !bytes.HasPrefix(c.Current, epoch) || boot == c.BootID && bytes.Equal(nonce, c.Previous) {
		return c.Current
	}
	return nonce
}

// linked marks the first observation of a batch with how the delivery follows; the
// others follow it.
func linked(fresh []fleet.Observation, how fleet.Link) []fleet.Observation {
	out := make([]fleet.Observation, len(fresh))
	for i, o := range fresh {
		o.Link = fleet.LinkHeld
		if i == 0 {
			o.Link = how
		}
		out[i] = o
	}
	return out
}

// readChain returns where a device's deliveries stand; the zero chain where there
// was none.
func (p *Pipeline) readChain(ctx context.Context, device string) (store.Chain, error) {
	c, err := p.store.Chain(ctx, device)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Chain{}, fmt.Errorf("read where deliveries of device %s stand: %w", device, err)
	}
	return c, nil
}
