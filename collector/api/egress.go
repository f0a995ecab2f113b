package api

import (
	"context"
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Egress tells laptops where to ask under which address they are seen, and reads
// the answers that they bring back; collector/egress has what is behind it.
type Egress interface {
	// Responder is what a device is told.
	Responder(device string) *farmhoundv1.EgressResponder
	// Open returns under which address a device was seen, and when.
	Open(device string, seal []byte) (seen netip.Addr, at time.Time, err error)
}

const (
	// sealAge is how long before a report an answer may be: agents get a new one after
	// half a day, if they are awake.
	sealAge = 26 * time.Hour
	// sealAhead is how far collectors' clocks may be apart.
	sealAhead = 5 * time.Minute
)

// paths returns what a report's answers say. One that cannot be read, or is of
// another time, says nothing; its laptop may have kept it for that.
func (i *ingest) paths(ctx context.Context, device string, report *farmhoundv1.Report, received time.Time) (list []fleet.EgressPath) {
	if i.egress == nil {
		return nil
	}
	for _, p := range report.GetNetwork().GetEgress() {
		seen, at, err := i.egress.Open(device, p.GetSeal())
		if err != nil {
			i.log.WarnContext(ctx, "an answer about a way out is not this laptop's, and is left out", "device", device, "error", err)
			continue
		}
		observed := received
		if t := report.GetObservedAt(); t.IsValid() && t.AsTime().Before(received) {
			observed = t.AsTime() // of a report that waited for days
		}
		if at.After(received.Add(sealAhead)) || at.Before(observed.Add(-sealAge)) {
			continue
		}
		list = append(list, fleet.EgressPath{Address: seen, Kind: p.GetKind(), Tool: p.GetTool(), Default: p.GetDefaultRoute()})
	}
	return list
}
