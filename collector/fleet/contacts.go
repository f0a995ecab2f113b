package fleet

import (
	"cmp"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// contact is control from one peer through one tool on one day.
type contact struct {
	*fleetv1.Contact
	// seconds are the contact's own, no more than windows counted for the tool that day.
	seconds uint64
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
	counted, counts := countedControl(pic)
	if !counts {
		return all
	}
	for i := range all {
		if c := counted.of(all[i].Contact); c != nil {
			c.told += all[i].seconds
		}
	}
	for i := range all {
		switch c := counted.of(all[i].Contact); {
		case c == nil:
			all[i].seconds = 0
		case c.told > c.counted:
			all[i].seconds = all[i].seconds * c.counted / c.told
		}
	}
	return all
}

// dayControl is control through one tool on one day: what windows counted of it, and
// what sessions tell.
type dayControl struct {
	day           uint32
	tool          string
	counted, told uint64
}

// dayControls are ordered by day: a map of them would cost more than all the rest of
// a picture.
type dayControls []dayControl

// countedControl returns what windows counted, and whether they count control at all.
func countedControl(pic *fleetv1.Picture) (counted dayControls, counts bool) {
	n := 0
	for _, d := range pic.GetDays() {
		counts = counts || d.GetControlKnownSeconds() > 0
		n += len(d.GetControl())
	}
	if !counts {
		return nil, false
	}
	counted = make(dayControls, 0, n)
	for _, d := range pic.GetDays() {
		for _, c := range d.GetControl() {
			counted = append(counted, dayControl{day: d.GetDay(), tool: c.GetTool(), counted: uint64(c.GetSeconds())})
		}
	}
	return counted, true
}

// of returns what was counted through a contact's tool on its day, nil for nothing.
func (all dayControls) of(c *fleetv1.Contact) *dayControl {
	i, _ := slices.BinarySearchFunc(all, c.GetDay(), func(d dayControl, day uint32) int { return cmp.Compare(d.day, day) })
	for ; i < len(all) && all[i].day == c.GetDay(); i++ {
		if all[i].tool == c.GetTool() {
			return &all[i]
		}
	}
	return nil
}

// answeredLate says whether no controller of a day's sessions through a tool answered as soon as
// the laptop's own network does: what passes on control from elsewhere is near, and whoever
// controls is not.
func (v *view) answeredLate(day uint32, tool string) bool {
	late := false
	for _, c := range v.contacts {
		if c.GetDay() != day || c.GetTool() != tool {
			continue
		}
		if c.GetNear() || !c.GetDirect() || c.GetRttMinUs() <= routedMs*1000 {
			return false
		}
		late = true
	}
	return late
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
