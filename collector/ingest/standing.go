package ingest

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// standing is what is committed about one device. It is never modified.
type standing struct {
	// device is nil while nothing of it is committed.
	device *store.Device
	// open is its alert that is not closed, or nil.
	open *fleetv1.Alert
	// highest is the highest committed sequence of boot.
	boot    string
	highest uint64
	chain   store.Chain
}

// standing returns what is committed about a device, from memory where it is
// there. The caller holds the device's lock. An empty boot asks for no sequence.
func (p *Pipeline) standing(ctx context.Context, device, boot string) (standing, error) {
	s, ok := p.known.get(device)
	if !ok {
		var err error
		if s.device, err = p.store.Device(ctx, device); err != nil && !errors.Is(err, store.ErrNotFound) {
			return standing{}, fmt.Errorf("read device %s: %w", device, err)
		}
		if s.open, err = p.store.OpenAlert(ctx, device); err != nil && !errors.Is(err, store.ErrNotFound) {
			return standing{}, fmt.Errorf("read the alert of device %s: %w", device, err)
		}
		if s.chain, err = p.readChain(ctx, device); err != nil {
			return standing{}, err
		}
	}
	if boot != "" && s.boot != boot {
		highest, err := p.store.HighestSequence(ctx, device, boot)
		if err != nil {
			return standing{}, fmt.Errorf("read what is committed of device %s: %w", device, err)
		}
		s.boot, s.highest = boot, highest
	}
	return s, nil
}

// cache keeps the standing of the devices that were heard last.
type cache struct {
	mu     sync.Mutex
	limit  int
	order  *list.List // of cached, the latest first
	places map[string]*list.Element
}

type cached struct {
	device string
	standing
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), places: map[string]*list.Element{}}
}

func (c *cache) get(device string) (standing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.places[device]; ok {
		return e.Value.(cached).standing, true
	}
	return standing{}, false
}

// put remembers a device and forgets the one that was put longest ago.
func (c *cache) put(device string, s standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.places[device]; ok {
		e.Value = cached{device, s}
		c.order.MoveToFront(e)
		return
	}
	c.places[device] = c.order.PushFront(cached{device, s})
	if oldest := c.order.Back(); c.order.Len() > c.limit {
		delete(c.places, c.order.Remove(oldest).(cached).device)
	}
}

// replace puts a device that is remembered and leaves others alone.
func (c *cache) replace(device string, s standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.places[device]; ok {
		e.Value = cached{device, s}
	}
}

func (c *cache) drop(device string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.places[device]; ok {
		c.order.Remove(e)
		delete(c.places, device)
	}
}
