package faulty

import (
	"context"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Commit commits, or does not, or does and says that it did not.
func (s *Store) Commit(ctx context.Context, changes []store.Change) error {
	return put(ctx, s, "Commit", func() error { return s.Store.Commit(ctx, changes) })
}

// Device returns a device.
func (s *Store) Device(ctx context.Context, id string) (*store.Device, error) {
	return get(ctx, s, "Device", func() (*store.Device, error) { return s.Store.Device(ctx, id) })
}

// FindDevice returns a device.
func (s *Store) FindDevice(ctx context.Context, name string) (*store.Device, error) {
	return get(ctx, s, "FindDevice", func() (*store.Device, error) { return s.Store.FindDevice(ctx, name) })
}

// Devices lists devices.
func (s *Store) Devices(ctx context.Context, f store.DeviceFilter) ([]*fleetv1.DeviceSummary, string, error) {
	var next string
	page, err := get(ctx, s, "Devices", func() (page []*fleetv1.DeviceSummary, err error) {
		page, next, err = s.Store.Devices(ctx, f)
		return page, err
	})
	if err != nil {
		next = ""
	}
	return page, next, err
}

// EachDevice calls fn for every device, or for some.
func (s *Store) EachDevice(ctx context.Context, fn func(*store.Device) error) error {
	f := s.fate("EachDevice")
	if err := f.wait(ctx); err != nil {
		return err
	}
	if f.fail {
		return injected{"EachDevice"}
	}
	return s.Store.EachDevice(ctx, func(d *store.Device) error {
		if f.after--; f.tear && f.after < 0 {
			return injected{"EachDevice"}
		}
		return fn(d)
	})
}

// HighestSequence returns the highest committed sequence of a boot.
func (s *Store) HighestSequence(ctx context.Context, device, bootID string) (uint64, error) {
	return get(ctx, s, "HighestSequence", func() (uint64, error) { return s.Store.HighestSequence(ctx, device, bootID) })
}

// Timeline returns events.
func (s *Store) Timeline(ctx context.Context, device string, since time.Time, limit int) ([]*fleetv1.Event, error) {
	return get(ctx, s, "Timeline", func() ([]*fleetv1.Event, error) { return s.Store.Timeline(ctx, device, since, limit) })
}

// Alerts lists alerts.
func (s *Store) Alerts(ctx context.Context, f store.AlertFilter) ([]*fleetv1.Alert, error) {
	return get(ctx, s, "Alerts", func() ([]*fleetv1.Alert, error) { return s.Store.Alerts(ctx, f) })
}

// Alert returns an alert.
func (s *Store) Alert(ctx context.Context, id string) (*fleetv1.Alert, error) {
	return get(ctx, s, "Alert", func() (*fleetv1.Alert, error) { return s.Store.Alert(ctx, id) })
}

// OpenAlert returns an alert.
func (s *Store) OpenAlert(ctx context.Context, device string) (*fleetv1.Alert, error) {
	return get(ctx, s, "OpenAlert", func() (*fleetv1.Alert, error) { return s.Store.OpenAlert(ctx, device) })
}

// PendingOutbox returns rows.
func (s *Store) PendingOutbox(ctx context.Context, output string, limit int) ([]store.OutboxRow, error) {
	return get(ctx, s, "PendingOutbox", func() ([]store.OutboxRow, error) { return s.Store.PendingOutbox(ctx, output, limit) })
}

// AckOutbox marks rows as delivered.
func (s *Store) AckOutbox(ctx context.Context, output string, id int64) error {
	return put(ctx, s, "AckOutbox", func() error { return s.Store.AckOutbox(ctx, output, id) })
}

// Secrets lists secrets.
func (s *Store) Secrets(ctx context.Context) ([]store.Secret, error) {
	return get(ctx, s, "Secrets", func() ([]store.Secret, error) { return s.Store.Secrets(ctx) })
}

// Enroll spends a use of a secret.
func (s *Store) Enroll(ctx context.Context, secretHash []byte, id store.Identity, at time.Time) error {
	return put(ctx, s, "Enroll", func() error { return s.Store.Enroll(ctx, secretHash, id, at) })
}

// Identity returns a device's standing.
func (s *Store) Identity(ctx context.Context, device string) (store.Identity, error) {
	return get(ctx, s, "Identity", func() (store.Identity, error) { return s.Store.Identity(ctx, device) })
}

// TokenByHash returns a token.
func (s *Store) TokenByHash(ctx context.Context, hash []byte) (store.Token, error) {
	return get(ctx, s, "TokenByHash", func() (store.Token, error) { return s.Store.TokenByHash(ctx, hash) })
}

// Audit records who did what.
func (s *Store) Audit(ctx context.Context, e store.AuditEntry) error {
	return put(ctx, s, "Audit", func() error { return s.Store.Audit(ctx, e) })
}

// Forget forgets, or does not, or does and says that it did not.
func (s *Store) Forget(ctx context.Context, before store.Horizons, limit int) (int, error) {
	return get(ctx, s, "Forget", func() (int, error) { return s.Store.Forget(ctx, before, limit) })
}

// Setting returns a value.
func (s *Store) Setting(ctx context.Context, name string) ([]byte, error) {
	return get(ctx, s, "Setting", func() ([]byte, error) { return s.Store.Setting(ctx, name) })
}

// Chain returns a device's nonces.
func (s *Store) Chain(ctx context.Context, device string) (store.Chain, error) {
	return get(ctx, s, "Chain", func() (store.Chain, error) { return s.Store.Chain(ctx, device) })
}

// Epoch returns the store's epoch.
func (s *Store) Epoch(ctx context.Context) ([]byte, error) {
	return get(ctx, s, "Epoch", func() ([]byte, error) { return s.Store.Epoch(ctx) })
}

// Verdicts returns rows of a device's history.
func (s *Store) Verdicts(ctx context.Context, f store.VerdictFilter) ([]*fleetv1.PastVerdict, error) {
	return get(ctx, s, "Verdicts", func() ([]*fleetv1.PastVerdict, error) { return s.Store.Verdicts(ctx, f) })
}

// Verdict returns a row of a device's history.
func (s *Store) Verdict(ctx context.Context, device string, at time.Time, occasion string) (store.Verdict, error) {
	return get(ctx, s, "Verdict", func() (store.Verdict, error) { return s.Store.Verdict(ctx, device, at, occasion) })
}

// Content returns what a digest names.
func (s *Store) Content(ctx context.Context, digest string) ([]byte, error) {
	return get(ctx, s, "Content", func() ([]byte, error) { return s.Store.Content(ctx, digest) })
}
