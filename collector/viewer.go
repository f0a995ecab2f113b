package collector

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/geo"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Viewer derives devices from a store as its collector does, and changes nothing: the
// collector may be running meanwhile.
type Viewer struct {
	Rules *detect.Rules

	judge  *judge
	places *geo.Database
}

// OpenViewer opens what deriving needs. It reads every picture in the store, because
// who else is where a laptop is belongs to its picture. Close must follow.
func OpenViewer(ctx context.Context, config *Config, kept store.Store, log *slog.Logger) (v *Viewer, err error) {
	v = &Viewer{}
	defer func() {
		if err != nil {
			_ = v.Close()
		}
	}()
	rooms := Rooms{Company: config.Company}
	if rooms.Rules, err = LoadRules(config.Signals); err != nil {
		return v, err
	}
	v.Rules = rooms.Rules
	if rooms.Catalog, err = ReadCatalog(config.Catalog); err != nil {
		return v, err
	}
	if rooms.Secret, err = kept.Setting(ctx, "hash_secret"); err != nil {
		return v, fmt.Errorf("read the store's hash_secret, which its collector made when it first started: %w", err)
	}
	if v.places, err = geo.Open(ctx, config.Geo, log); err != nil {
		return v, err
	}
	offices := &officePlaces{inner: v.places}
	rooms.Places = offices
	// What files say, the collector has written into the store.
	books := newBooks(kept, "", Knows(rooms.Catalog), log)
	if err := books.reload(ctx, true); err != nil {
		return v, err
	}
	rooms.Roster = books
	keys, err := everyKey(ctx, kept)
	if err != nil {
		return v, err
	}
	if v.judge, err = rooms.judge(); err != nil {
		return v, err
	}
	book := books.inForce.Load()
	offices.use(book)
	v.judge.useCompany(declare(config.Company.fleet(), book, rooms.Catalog, keys))
	err = kept.EachDevice(ctx, func(d *store.Device) error {
		v.judge.Restore(d)
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("read the pictures of all laptops: %w", err)
	}
	return v, nil
}

// Device returns a stored device as its signals see it at a moment.
func (v *Viewer) Device(d *store.Device, now time.Time) *fleetv1.Device {
	return v.judge.fleet.Load().Device(d.Picture, now)
}

// Doubts returns which lines many laptops contradict, if a book came into force.
func (v *Viewer) Doubts(ctx context.Context, config *Config, kept store.Store, book *roster.Book) ([]*fleetv1.RosterDoubt, error) {
	return doubtsIf(ctx, kept, v.judge.fleet.Load(), config.Company, book, time.Now())
}

// Close releases what OpenViewer opened.
func (v *Viewer) Close() error {
	if v.places == nil {
		return nil
	}
	return v.places.Close()
}
