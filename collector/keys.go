package collector

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Overlap is how long a fleet key stays needed after a newer one was made: the time in
// which laptops come that were switched off, and see again what they saw before. It is
// a compromise. Pictures keep networks and peripherals by count and not by age, and one
// that is seen again only later counts as a new one then.
const Overlap = 35 * 24 * time.Hour

// settings is the part of the store that keeps keys.
type settings interface {
	// Setting returns a value, store.ErrNotFound without one.
	Setting(ctx context.Context, name string) ([]byte, error)
	// PutSettingIfAbsent stores a value unless there is one, and returns what is stored.
	PutSettingIfAbsent(ctx context.Context, name string, value []byte) ([]byte, error)
}

// FleetKey is one of the keys that laptops hash with.
type FleetKey struct {
	ID uint32
	// CreatedAt is zero for the first key, which is as old as the store.
	CreatedAt time.Time
	secret    []byte
	retired   bool
}

// String keeps keys out of logs.
func (k FleetKey) String() string { return fmt.Sprint("fleet key ", k.ID) }

// GoString keeps keys out of logs.
func (k FleetKey) GoString() string { return k.String() }

// Refusals of RotateFleetKey and RetireFleetKey.
var (
	ErrKeysFull  = fmt.Errorf("%d fleet keys are in use, no more fit a policy", fleetkey.MaxKeys)
	ErrOneKey    = errors.New("there is one fleet key, and laptops need it")
	ErrNotOldest = errors.New("it is not the oldest fleet key in use any more: look again which one that is")
)

// Keys are settings of the store, numbered from 1 without gaps, so that reading and
// writing them needs nothing of a store but values that are put once. A key is 32
// random bytes, and for all but the first what follows is when it was made. The
// setting that retires a key stays.
func keySetting(id uint32) string { return "fleet_key_" + strconv.FormatUint(uint64(id), 10) }

func retiredSetting(id uint32) string { return keySetting(id) + "_retired" }

// FleetKeys returns the keys in use, newest first. A new store gets its first one.
func FleetKeys(ctx context.Context, kept settings) ([]FleetKey, error) {
	all, err := everyKey(ctx, kept)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(k FleetKey) bool { return k.retired }), nil
}

// everyKey returns all keys there ever were, newest first.
func everyKey(ctx context.Context, kept settings) (all []FleetKey, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read the fleet keys: %w", err)
		}
	}()
	for id := uint32(1); ; id++ {
		value, err := kept.Setting(ctx, keySetting(id))
		if id == 1 && errors.Is(err, store.ErrNotFound) {
			value, err = kept.PutSettingIfAbsent(ctx, keySetting(id), freshKey())
		}
		if errors.Is(err, store.ErrNotFound) {
			slices.Reverse(all)
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		k, err := decodeKey(id, value)
		if err != nil {
			return nil, err
		}
		if k.retired, err = isRetired(ctx, kept, id); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
}

func isRetired(ctx context.Context, kept settings, id uint32) (bool, error) {
	_, err := kept.Setting(ctx, retiredSetting(id))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func freshKey() []byte {
	fresh := make([]byte, fleetkey.KeySize)
	_, _ = rand.Read(fresh) // never fails
	return fresh
}

func decodeKey(id uint32, value []byte) (FleetKey, error) {
	k := FleetKey{ID: id}
	switch len(value) {
	case fleetkey.KeySize:
	case fleetkey.KeySize + 8:
		k.CreatedAt = time.Unix(int64(binary.BigEndian.Uint64(value[fleetkey.KeySize:])), 0).UTC()
	default:
		return k, fmt.Errorf("fleet key %d is damaged: %d bytes", id, len(value))
	}
	k.secret = value[:fleetkey.KeySize:fleetkey.KeySize]
	return k, nil
}

// RotateFleetKey makes a new key, which laptops hash with from their next delivery on,
// and under the others as well until those are retired.
func RotateFleetKey(ctx context.Context, kept settings, now time.Time) (FleetKey, error) {
	all, err := everyKey(ctx, kept)
	if err != nil {
		return FleetKey{}, err
	}
	inUse := slices.DeleteFunc(slices.Clone(all), func(k FleetKey) bool { return k.retired })
	if len(inUse) >= fleetkey.MaxKeys {
		return FleetKey{}, ErrKeysFull
	}
	id := all[0].ID + 1
	fresh := binary.BigEndian.AppendUint64(freshKey(), uint64(now.Unix()))
	value, err := kept.PutSettingIfAbsent(ctx, keySetting(id), fresh)
	if err != nil {
		return FleetKey{}, fmt.Errorf("keep fleet key %d: %w", id, err)
	}
	if !bytes.Equal(value, fresh) {
		return FleetKey{}, fmt.Errorf("keep fleet key %d: another rotation made it at the same time", id)
	}
	return decodeKey(id, value)
}

// OldestFleetKey returns the key that can be retired next, and the one after it;
// ErrOneKey where there is no other.
func OldestFleetKey(ctx context.Context, kept settings) (oldest, next FleetKey, err error) {
	inUse, err := FleetKeys(ctx, kept)
	if err != nil {
		return oldest, next, err
	}
	if len(inUse) < 2 {
		return oldest, next, ErrOneKey
	}
	return inUse[len(inUse)-1], inUse[len(inUse)-2], nil
}

// RetireFleetKey ends a key, which must be the oldest in use: the one that the caller
// looked at, whatever was retired meanwhile.
func RetireFleetKey(ctx context.Context, kept settings, id uint32, now time.Time) (FleetKey, error) {
	oldest, _, err := OldestFleetKey(ctx, kept)
	if err != nil {
		return FleetKey{}, err
	}
	if oldest.ID != id {
		return FleetKey{}, fmt.Errorf("retire fleet key %d: %w", id, ErrNotOldest)
	}
	_, err = kept.PutSettingIfAbsent(ctx, retiredSetting(oldest.ID), binary.BigEndian.AppendUint64(nil, uint64(now.Unix())))
	if err != nil {
		return FleetKey{}, fmt.Errorf("retire fleet key %d: %w", oldest.ID, err)
	}
	return oldest, nil
}

// takeKeys puts the keys of the store into the policy, where they changed.
func (c *Collector) takeKeys(ctx context.Context) error {
	inUse, err := FleetKeys(ctx, c.store)
	if err != nil {
		return err
	}
	keys := make([]*farmhoundv1.FleetKey, 0, len(inUse))
	for _, k := range inUse {
		keys = append(keys, &farmhoundv1.FleetKey{Id: k.ID, Key: k.secret})
	}
	same := func(a, b *farmhoundv1.FleetKey) bool { return a.GetId() == b.GetId() }
	if before := c.policy.Policy().GetFleetKeys(); !slices.EqualFunc(before, keys, same) {
		c.policy.setKeys(keys)
		c.log.InfoContext(ctx, "fleet keys in use", "keys", len(keys), "newest", inUse[0].ID)
		return c.redeclare(ctx) // the ids of the company's own tenants have hashes under the new one
	}
	return nil
}

// followKeys looks for new and retired keys until ctx ends: another process makes them.
func (c *Collector) followKeys(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := c.takeKeys(ctx); err != nil && ctx.Err() == nil {
			c.log.ErrorContext(ctx, "the fleet keys stay as they were", "error", err)
		}
	}
}
