package fleet

import (
	"slices"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// ApprovedTool is one tool on the company's list.
type ApprovedTool struct {
	// ID is the catalogue id.
	ID string
	// Until is when the approval ends; zero for never.
	Until time.Time
	// Name is what the approval is called, and whose it is; empty where it has no name.
	Name string
	// Signed leaves out copies that the known signer did not sign.
	Signed bool
	// Installations are the only ones that are covered, Accounts the only ones from which
	// control is, as agents report them or as pictures keep them; without any, all are.
	// What an agent cannot tell is covered: unknown is no evidence.
	Installations, Accounts [][]byte
}

// approval is an ApprovedTool with stored names.
type approval struct {
	ApprovedTool
	installations, accounts map[key]bool
}

// approvals brings the company's list into the form in which it is asked.
func (f *Fleet) approvals(list []ApprovedTool) map[string][]approval {
	all := make(map[string][]approval, len(list))
	for _, t := range list {
		all[t.ID] = append(all[t.ID], approval{t, f.stored(hashInstallation, t.Installations), f.stored(hashAccount, t.Accounts)})
	}
	return all
}

// stored returns the names that pictures keep of what laptops hashed; what has their
// form is one already.
func (f *Fleet) stored(kind string, hashes [][]byte) map[key]bool {
	if len(hashes) == 0 {
		return nil
	}
	all := make(map[key]bool, len(hashes))
	for _, h := range hashes {
		k, ok := toKey(h)
		if !ok {
			k = f.hash(kind, h)
		}
		all[k] = true
	}
	return all
}

// called says whether a thing that a picture knows by a name is one of those that are
// wanted, under whichever fleet key they were named.
func called(pic *fleetv1.Picture, name []byte, wanted map[key]bool) bool {
	is := func(name []byte) bool {
		k, ok := toKey(name)
		return ok && wanted[k]
	}
	return is(name) || slices.ContainsFunc(pic.GetRenames(), func(r *fleetv1.Rename) bool {
		return string(r.GetFirst()) == string(name) && is(r.GetName())
	})
}

// covers says whether the company's list covers a tool as it is on a laptop at a time,
// by which approval, and, where none does, whether it covers the tool in another
// installation. Whose hands are on it is not asked.
func (f *Fleet) covers(pic *fleetv1.Picture, tool string, at time.Time) (by *approval, elsewhere bool) {
	list := f.approved[tool]
	if len(list) == 0 {
		return nil, false
	}
	var state *fleetv1.ToolState
	if i := slices.IndexFunc(pic.GetTools(), func(t *fleetv1.ToolState) bool { return t.GetId() == tool }); i >= 0 {
		state = pic.GetTools()[i]
	}
	for i := range list {
		a := &list[i]
		switch {
		case !a.Until.IsZero() && !at.Before(a.Until):
		case a.Signed && state != nil && state.SignerKnown != nil && !state.GetSignerKnown():
		case a.installations != nil && !f.installed(pic, state, list, at):
			elsewhere = true
		case by == nil || by.accounts != nil && a.accounts == nil: // the widest one
			by = a
		}
	}
	return by, by == nil && elsewhere
}

// ended returns the approval that covered a tool last, where it ended before a time and
// none covers the tool since.
func (f *Fleet) ended(pic *fleetv1.Picture, tool string, at time.Time) *approval {
	var last *approval
	for _, a := range f.approved[tool] {
		if a.Until.IsZero() || at.Before(a.Until) || last != nil && !a.Until.After(last.Until) {
			continue
		}
		if by, _ := f.covers(pic, tool, a.Until.Add(-time.Second)); by != nil {
			last = by
		}
	}
	return last
}

// installed says whether every installation of a tool on a laptop is one that some
// approval in force is of. One that no agent tells is.
func (f *Fleet) installed(pic *fleetv1.Picture, state *fleetv1.ToolState, list []approval, at time.Time) bool {
	approved := func(name []byte) bool {
		return len(name) == 0 || slices.ContainsFunc(list, func(a approval) bool {
			return (a.Until.IsZero() || at.Before(a.Until)) && (a.installations == nil || called(pic, name, a.installations))
		})
	}
	return approved(state.GetInstallation()) && !slices.ContainsFunc(state.GetOtherInstallations(), func(name []byte) bool { return !approved(name) })
}

// mayUse says whether a tool counts as approved on a person's laptop.
func (f *Fleet) mayUse(pic *fleetv1.Picture, tool string, person *fleetv1.Person, at time.Time) bool {
	if slices.Contains(person.GetApprovedTools(), tool) {
		return true
	}
	by, _ := f.covers(pic, tool, at)
	return by != nil
}

// mayControl says whether control counts as approved: on its day, so that an approval
// that ends makes no evidence of what it covered. One granted later covers what was
// before.
func (f *Fleet) mayControl(pic *fleetv1.Picture, c *fleetv1.Contact, person *fleetv1.Person) bool {
	if slices.Contains(person.GetApprovedTools(), c.GetTool()) {
		return true
	}
	by, _ := f.covers(pic, c.GetTool(), dayStart(c.GetDay()))
	switch {
	case by == nil:
		return false
	case by.accounts == nil || len(c.GetAccount()) == 0:
		return true
	}
	// Of several approvals any can be that of the account.
	return slices.ContainsFunc(f.approved[c.GetTool()], func(a approval) bool {
		return (a.Until.IsZero() || dayStart(c.GetDay()).Before(a.Until)) && called(pic, c.GetAccount(), a.accounts)
	})
}

// approvedShare is the share of a day's control through a tool that was approved. It is
// all or nothing but where control is approved from certain accounts only: then the
// sessions tell, and without any of that day all of it is.
func (v *view) approvedShare(tool string, day uint32) float64 {
	if !v.f.mayUse(v.pic, tool, v.person, dayStart(day)) {
		return 0
	}
	approved, all := 0.0, 0.0
	for _, c := range v.contacts {
		if c.GetDay() != day || c.GetTool() != tool || c.GetNear() {
			continue
		}
		all += float64(c.GetSeconds())
		if v.f.mayControl(v.pic, c.Contact, v.person) {
			approved += float64(c.GetSeconds())
		}
	}
	if all == approved { // also without any
		return 1
	}
	return approved / all
}

// WithCompany returns a Fleet that goes by what else the company says of itself. Both
// share what they know of where laptops are together, so that one can take the other's
// place at any time.
func (f *Fleet) WithCompany(c Company) *Fleet {
	other := *f
	other.use(c)
	return &other
}

// use takes what the company says of itself.
func (f *Fleet) use(c Company) {
	f.cfg.Company = c
	f.highRisk, f.home = set(c.HighRiskCountries), set(c.HomeCountries)
	f.offices = f.stored(hashGateway, c.OfficeGateways)
	f.approved = f.approvals(c.ApprovedTools)
}
