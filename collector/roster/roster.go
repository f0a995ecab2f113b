// Package roster reads who should be where: which person has which laptop, the
// place declared for them, approved tools and travel, and exemptions.
//
// A roster is CSV with a header, or JSON; columns may stand in any order and be left
// out. JSON can also hold the remote tools that the company itself uses, and its
// offices and networks. What cannot be right is named with its line and column, and the
// rest counts. A Book is what all sources say together.
//
// It may import proto/ only.
package roster

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Roster is a parsed roster. It is immutable and safe for concurrent use.
type Roster struct {
	entries map[string]*entry // by serial in upper case
	version string
}

// entry is one good row.
type entry struct {
	person      *fleetv1.Person // what does not depend on the time
	travel      []travel
	exemptUntil time.Time // zero: not exempt
	until       string    // the same as it was written
	reason      string
	unknown     []string // approved tools that the catalogue does not have
}

// travel is one approved journey, its last day included.
type travel struct {
	country  string
	from, to time.Time // both zero: always
	// First and last day as they were written.
	first, last string
}

// Len returns the number of laptops in the roster.
func (r *Roster) Len() int {
	if r == nil {
		return 0
	}
	return len(r.entries)
}

// Tools returns the ids of all tools that are approved for anybody, sorted.
func (r *Roster) Tools() []string {
	var all []string
	for _, e := range r.entries {
		all = append(all, e.person.GetApprovedTools()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Person returns a copy of the entry for a system serial as it stands at a time.
func (r *Roster) Person(serial string, at time.Time) (*fleetv1.Person, bool) {
	if r == nil {
		return nil, false
	}
	e, ok := r.entries[serialKey(serial)]
	if !ok {
		return nil, false
	}
	f := e.person
	p := &fleetv1.Person{
		Id: f.GetId(), Country: f.GetCountry(), Region: f.GetRegion(), TimeZone: f.GetTimeZone(), ShipTo: f.GetShipTo(),
		Role: f.GetRole(), Household: f.GetHousehold(),
		// Shared and never changed.
		ApprovedTools: f.GetApprovedTools(), WorkDays: f.GetWorkDays(),
		WorkStartMinute: f.WorkStartMinute, WorkEndMinute: f.WorkEndMinute,
	}
	for _, t := range e.travel {
		if t.holds(at) && !slices.Contains(p.GetTravelCountries(), t.country) {
			p.TravelCountries = append(p.TravelCountries, t.country)
		}
	}
	switch {
	case e.exemptUntil.IsZero():
	case at.Before(e.exemptUntil):
		p.Exempt, p.ExemptReason, p.ExemptUntil = true, e.reason, timestamppb.New(e.exemptUntil)
	default:
		p.ExemptionEndedAt = timestamppb.New(e.exemptUntil)
	}
	return p, true
}

func (t travel) holds(at time.Time) bool {
	return t.to.IsZero() || !at.Before(t.from) && at.Before(t.to)
}

// serialKey brings a serial into the form in which serials are compared: asset
// registers disagree on case and leave blanks.
func serialKey(serial string) string { return strings.ToUpper(strings.TrimSpace(serial)) }
