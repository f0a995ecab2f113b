package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// settingsTable is settings in memory.
type settingsTable struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (s *settingsTable) Setting(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value, ok := s.kept[name]; ok {
		return value, nil
	}
	return nil, store.ErrNotFound
}

func (s *settingsTable) PutSettingIfAbsent(_ context.Context, name string, value []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.kept[name]; !ok {
		s.kept[name] = value
	}
	return s.kept[name], nil
}

func idsOf(keys []FleetKey) (ids []uint32) {
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestFleetKeys(t *testing.T) {
	t.Parallel()
	s, now := &settingsTable{kept: map[string][]byte{"fleet_key_1": bytes.Repeat([]byte{7}, 32)}}, time.Unix(1e9, 0)
	check := func(want ...uint32) []FleetKey {
		t.Helper()
		keys, err := FleetKeys(t.Context(), s)
		if err != nil || !slices.Equal(idsOf(keys), want) {
			t.Fatalf("keys %v, %v; want %v", idsOf(keys), err, want)
		}
		return keys
	}
	if first := check(1)[0]; !bytes.Equal(first.secret, bytes.Repeat([]byte{7}, 32)) || !first.CreatedAt.IsZero() {
		t.Error("the key of an older store is another one now")
	}
	if _, err := RetireFleetKey(t.Context(), s, 1, now); !errors.Is(err, ErrOneKey) {
		t.Errorf("the only key: %v", err)
	}
	for range 3 {
		if _, err := RotateFleetKey(t.Context(), s, now); err != nil {
			t.Fatal(err)
		}
	}
	keys := check(4, 3, 2, 1)
	if !keys[0].CreatedAt.Equal(now) || bytes.Equal(keys[0].secret, keys[1].secret) {
		t.Errorf("the newest was made at %v", keys[0].CreatedAt)
	}
	if _, err := RotateFleetKey(t.Context(), s, now); !errors.Is(err, ErrKeysFull) {
		t.Errorf("a fifth key: %v", err)
	}
	if gone, err := RetireFleetKey(t.Context(), s, 1, now); err != nil || gone.ID != 1 {
		t.Errorf("retired %v, %v", gone, err)
	}
	// Whoever looked at key 1 has not looked at the one that is the oldest now.
	if _, err := RetireFleetKey(t.Context(), s, 1, now); !errors.Is(err, ErrNotOldest) {
		t.Errorf("retired once more: %v", err)
	}
	check(4, 3, 2)
	if next, err := RotateFleetKey(t.Context(), s, now); err != nil || next.ID != 5 {
		t.Errorf("after a retired key: %v, %v; a number is never used again", next, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if got := fmt.Sprintf(verb, keys[0]); got != "fleet key 4" {
			t.Errorf("printed with %s: %s", verb, got)
		}
	}
	s.kept["fleet_key_5"] = []byte("short and secret")
	if _, err := FleetKeys(t.Context(), s); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a damaged key: %v", err)
	}
}

// TestRotationsAtOnce: of rotations at the same time each makes a key of its own or
// says that another did.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	s := &settingsTable{kept: map[string][]byte{}}
	var running sync.WaitGroup
	made := make([]uint32, 3)
	for i := range made {
		running.Go(func() {
			if k, err := RotateFleetKey(t.Context(), s, time.Unix(int64(i), 0)); err == nil {
				made[i] = k.ID
			}
		})
	}
	running.Wait()
	made = slices.DeleteFunc(made, func(id uint32) bool { return id == 0 })
	slices.Sort(made)
	if distinct := slices.Compact(slices.Clone(made)); len(made) == 0 || len(distinct) != len(made) {
		t.Errorf("made keys %v", made)
	}
}

// interrupted are settings between two uses of which somebody else does something.
type interrupted struct {
	settings
	after int // uses
	do    func()
}

func (i *interrupted) use() {
	if i.after--; i.after == 0 {
		i.do()
	}
}

func (i *interrupted) Setting(ctx context.Context, name string) ([]byte, error) {
	i.use()
	return i.settings.Setting(ctx, name)
}

func (i *interrupted) PutSettingIfAbsent(ctx context.Context, name string, value []byte) ([]byte, error) {
	i.use()
	return i.settings.PutSettingIfAbsent(ctx, name, value)
}

// TestRotationsThatMeet: wherever others interrupt a rotation, no more keys are in use
// than fit a policy.
func TestRotationsThatMeet(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	for inUse := 1; inUse <= fleetkey.MaxKeys; inUse++ {
		for after, ended := 1, false; !ended; after++ {
			s := &settingsTable{kept: map[string][]byte{}}
			for range inUse - 1 {
				if _, err := RotateFleetKey(t.Context(), s, now); err != nil {
					t.Fatal(err)
				}
			}
			ended = true
			_, _ = RotateFleetKey(t.Context(), &interrupted{s, after, func() {
				ended = false
				_, _ = RetireFleetKey(t.Context(), s, 1, now)
				for range fleetkey.MaxKeys {
					_, _ = RotateFleetKey(t.Context(), s, now)
				}
			}}, now)
			if keys, err := FleetKeys(t.Context(), s); err != nil || len(keys) > fleetkey.MaxKeys || len(keys) < inUse {
				t.Errorf("%d keys, interrupted before use %d: then there are %v, %v", inUse, after, idsOf(keys), err)
			}
		}
	}
}

// TestPolicyChanges: what is read stays as it was, and the next reader sees the change.
func TestPolicyChanges(t *testing.T) {
	t.Parallel()
	p := newPolicy(DefaultConfig().Agents)
	before := p.Policy()
	var running sync.WaitGroup
	running.Go(func() { p.setKeys([]*farmhoundv1.FleetKey{{Id: 2}, {Id: 1}}) })
	running.Go(func() { p.setCatalog("00ff") })
	running.Go(func() { _ = p.Policy().GetFleetKeys() })
	running.Wait()
	now := p.Policy()
	if len(before.GetFleetKeys()) != 0 || before.GetCatalogDigest() != "" {
		t.Error("a policy that was read changed")
	}
	if len(now.GetFleetKeys()) != 2 || now.GetCatalogDigest() != "00ff" || now.GetScanInterval() == nil {
		t.Errorf("of two changes at once one is lost: %v", now.GetCatalogDigest())
	}
}
