package fleet

import (
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// contact is control from one peer through one tool on one day.
type contact struct {
	*fleetv1.Contact
	// seconds are the contact's own, no more than windows counted for the tool that day.
	seconds uint64
}

// dayTool names control through one tool on one day.
type dayTool struct {
	day  uint32
	tool string
}

// contacts returns what sessions tell of control. A session that stays open over
// the night lasts longer than anybody could control a laptop that slept, was off or
// did not report: where windows count control, no more than they counted is believed.
func (f *Fleet) contacts(pic *fleetv1.Picture) []contact {
	if len(pic.GetContacts())+len(pic.GetSessions()) == 0 {
		return nil
	}
	all := make([]contact, 0, len(pic.GetContacts())+2*len(pic.GetSessions()))
	for _, c := range pic.GetContacts() {
		all = append(all, contact{c, uint64(c.GetSeconds())})
	}
	for _, s := range pic.GetSessions() {
		for _, c := range contactsOf(s, f.near(pic, s)) {
			all = append(all, contact{c, uint64(c.GetSeconds())})
		}
	}
	told := make(map[dayTool]uint64, len(all))
	for _, c := range all {
		told[dayTool{c.GetDay(), c.GetTool()}] += c.seconds
	}
	counted, counts := countedControl(pic)
	if !counts {
		return all
	}
	for i, c := range all {
		id := dayTool{c.GetDay(), c.GetTool()}
		if most := counted[id]; told[id] > most {
			all[i].seconds = c.seconds * most / told[id]
		}
	}
	return all
}

// countedControl returns the seconds that windows counted, and whether any did.
func countedControl(pic *fleetv1.Picture) (counted map[dayTool]uint64, counts bool) {
	counted = make(map[dayTool]uint64)
	for _, d := range pic.GetDays() {
		counts = counts || d.GetControlKnownSeconds() > 0
		for _, c := range d.GetControl() {
			counted[dayTool{d.GetDay(), c.GetTool()}] = uint64(c.GetSeconds())
		}
	}
	return counted, counts
}

// nearShare returns, by tool, the share of a day's control whose controlling side
// was near, as the sessions tell.
func (v *view) nearShare(day uint32, tool string) float64 {
	near, all := 0.0, 0.0
	for _, c := range v.contacts {
		if c.GetDay() != day || c.GetTool() != tool {
			continue
		}
		all += float64(c.GetSeconds())
		if c.GetNear() {
			near += float64(c.GetSeconds())
		}
	}
	if all == 0 {
		return 0
	}
	return near / all
}
