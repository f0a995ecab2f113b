package ingest

import (
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Judge turns reports into what is to be stored. Its only state beside its
// configuration is the co-location index; everything else comes in and goes out
// through the device. Calls for one device never overlap; calls for different
// devices may. It must not modify the device passed in.
type Judge interface {
	// Restore tells the judge what is stored of a device: at start-up, and again where
	// what the judge made of it was not stored.
	Restore(*store.Device)
	// Report applies the reports of one delivery, at least one and in their order, to the
	// device (nil for a new one), judges it as of the last, and returns the change to
	// store, without Change.Reports. open is the device's alert that is not closed, or
	// nil, and Change.Alerts replaces it.
	Report(dev *store.Device, open *fleetv1.Alert, reports []fleet.Observation) (store.Change, error)
	// Reassess judges the device at a later time without a report, so that silence,
	// decay and other devices' reports can act. A nil Change.Device means nothing changed.
	Reassess(dev *store.Device, open *fleetv1.Alert, now time.Time) (store.Change, error)
}
