package ingest_test

import (
	"context"
	"maps"
	"sync"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// memory is a store without a disk, for tests in synthetic time. Commits go
// through commit first, where it is set.
type memory struct {
	commit func(context.Context, []store.Change) error

	mu      sync.Mutex
	devices map[string]*store.Device
	highest map[[2]string]uint64
	alerts  map[string]*fleetv1.Alert
	chains  map[string]store.Chain
	epoch   string
	events  map[string]int
	// groups are the sizes of the transactions, also of those that failed.
	groups []int
	reads  int
}

func newMemory() *memory {
	return &memory{
		devices: map[string]*store.Device{}, highest: map[[2]string]uint64{}, alerts: map[string]*fleetv1.Alert{}, events: map[string]int{},
		chains: map[string]store.Chain{}, epoch: "epoch 1.",
	}
}

func (m *memory) Commit(ctx context.Context, changes []store.Change) error {
	m.mu.Lock()
	m.groups = append(m.groups, len(changes))
	m.mu.Unlock()
	if m.commit != nil {
		if err := m.commit(ctx, changes); err != nil {
			return err
		}
	}
	m.apply(changes)
	return ctx.Err()
}

func (m *memory) apply(changes []store.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		id := c.Device.Summary.GetId()
		m.devices[id] = c.Device
		m.events[id] += len(c.Events)
		if c.Chain != nil {
			m.chains[id] = *c.Chain
		}
		for _, r := range c.Reports {
			key := [2]string{r.Device, r.BootID}
			m.highest[key] = max(m.highest[key], r.Sequence)
		}
		for _, a := range c.Alerts {
			if a.GetState() == "closed" {
				delete(m.alerts, id)
			} else {
				m.alerts[id] = a
			}
		}
	}
}

func (m *memory) Device(_ context.Context, id string) (*store.Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if d, ok := m.devices[id]; ok {
		return d, nil
	}
	return nil, store.ErrNotFound
}

func (m *memory) EachDevice(_ context.Context, fn func(*store.Device) error) error {
	m.mu.Lock()
	var all []*store.Device
	for _, d := range m.devices {
		all = append(all, d)
	}
	m.mu.Unlock()
	for _, d := range all {
		if err := fn(d); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) HighestSequence(_ context.Context, device, bootID string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return m.highest[[2]string{device, bootID}], nil
}

func (m *memory) OpenAlert(_ context.Context, device string) (*fleetv1.Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if a, ok := m.alerts[device]; ok {
		return a, nil
	}
	return nil, store.ErrNotFound
}

func (m *memory) Chain(_ context.Context, device string) (store.Chain, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if c, ok := m.chains[device]; ok {
		return c, nil
	}
	return store.Chain{}, store.ErrNotFound
}

func (m *memory) Epoch(context.Context) ([]byte, error) { return []byte(m.epoch), nil }

// backup returns a copy of what is stored.
func (m *memory) backup() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{
		devices: maps.Clone(m.devices), highest: maps.Clone(m.highest), alerts: maps.Clone(m.alerts), events: maps.Clone(m.events),
		chains: maps.Clone(m.chains), epoch: m.epoch,
	}
}

// seen returns the sizes of the transactions and the number of reads so far.
func (m *memory) seen() ([]int, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]int(nil), m.groups...), m.reads
}
