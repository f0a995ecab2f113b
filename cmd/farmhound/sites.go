package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

type sitesCmd struct {
	List sitesListCmd `cmd:"" default:"withargs" help:"List sites, most people first; without --all, those that nothing declared explains."`
	Show sitesShowCmd `cmd:"" help:"One site: who is there since when and why, and who left."`
}

type sitesListCmd struct {
	All bool `help:"Also offices, declared households and where all laptops are one person's."`
}

// Run lists every page.
func (c *sitesListCmd) Run(env *environment) error {
	var all []*fleetv1.SiteRow
	for token := ""; ; {
		page, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.ListSitesResponse, error) {
			return fleet.ListSites(ctx, &fleetv1.ListSitesRequest{All: c.All, PageToken: token})
		})
		if err != nil {
			return err
		}
		all = append(all, page.GetSites()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	r := rows{header: []string{"site", "people", "laptops", "verdict", "risk", "kind", "name", "since", "shared_peripheral", "turns_days", "joined_by", "unnamed"}}
	for _, s := range all {
		r.add(s.GetId(), persons(env, s), count(s.GetLaptops()), s.GetVerdict(), risk(env, s.GetRisk()), s.GetKind(), s.GetName(),
			at(s.GetSince()), s.GetSharedPeripheral(), count(s.GetTurnsDays()), s.GetJoinedBy(), count(s.GetUnnamed()))
	}
	return list(env, all, r)
}

// persons says how many people there are. Of laptops that the roster does not know nobody
// knows whose they are, and how many people's.
func persons(env *environment, s *fleetv1.SiteRow) string {
	if env.format == "table" && s.GetUnnamed() > 0 {
		return "up to " + count(s.GetPeople())
	}
	return count(s.GetPeople())
}

func days(n uint32) string {
	if n == 1 {
		return "1 day"
	}
	return count(n) + " days"
}

func count(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

type sitesShowCmd struct {
	Site string `arg:"" help:"Id of the site or a unique prefix of it; or a device in it by id, unique prefix or serial."`
}

// Run prints the site: what it is, then a line for each laptop and for each reason why it
// is there. csv has a line for each reason and the whole of its laptop in each.
func (c *sitesShowCmd) Run(env *environment) error {
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.GetSiteResponse, error) {
		return fleet.GetSite(ctx, &fleetv1.GetSiteRequest{Site: c.Site})
	})
	if err != nil {
		return err
	}
	if env.format != "table" {
		return one(env, got, siteReasons(env, got))
	}
	r := rows{header: []string{"field", "value"}, prose: true}
	add := func(name, value string) {
		if value != "" {
			r.add(name, value)
		}
	}
	s := got.GetSite()
	add("site", s.GetId())
	add("kind", strings.TrimSpace(s.GetKind()+" "+s.GetName()))
	add("people", people(got))
	add("since", at(s.GetSince()))
	add("worst verdict", fmt.Sprintf("%s (%s)", s.GetVerdict(), percent(s.GetRisk())))
	add("joined by", s.GetJoinedBy())
	add("shared", s.GetSharedPeripheral())
	if s.GetTurnsDays() > 0 {
		add("in turns", "on "+days(s.GetTurnsDays())+" laptops of several people were in use, but hardly at the same time")
	}
	for _, m := range got.GetMembers() {
		add("laptop", laptop(env, m)+fmt.Sprintf(", seen there on %s, first %s", days(m.GetDays()), at(m.GetCameAt())))
		for _, t := range m.GetTies() {
			add("  because", reason(env, t))
		}
	}
	for _, m := range got.GetFormer() {
		add("was there", laptop(env, m)+fmt.Sprintf(", seen there on %s, from %s to %s", days(m.GetDays()), at(m.GetCameAt()), at(m.GetLastSeenAt())))
	}
	return one(env, got, r)
}

// people says how many there are: of laptops that the roster does not know nobody knows
// how many people's they are.
func people(site *fleetv1.GetSiteResponse) string {
	unnamed := 0
	for _, m := range site.GetMembers() {
		if m.GetPerson() == "" {
			unnamed++
		}
	}
	text := fmt.Sprintf("%d with %d laptops", site.GetSite().GetPeople(), site.GetSite().GetLaptops())
	if unnamed > 0 {
		return fmt.Sprintf("up to %s, %d of which no person is known", text, unnamed)
	}
	return text
}

// laptop names a laptop of a site by all that there is to name it.
func laptop(env *environment, m *fleetv1.SiteMember) string {
	words := []string{short(env, m.GetDevice())}
	for _, w := range []string{m.GetHostname(), m.GetSerial(), m.GetPerson()} {
		if w != "" {
			words = append(words, w)
		}
	}
	text := strings.Join(words, " ")
	if m.GetVerdict() != "" {
		text += fmt.Sprintf(" (%s, %s)", m.GetVerdict(), percent(m.GetRisk()))
	}
	return text
}

// reason says what a laptop has in common with which others, when, and on whose word.
func reason(env *environment, t *fleetv1.SiteTie) string {
	with := make([]string, 0, len(t.GetWith()))
	for _, id := range t.GetWith() {
		with = append(with, short(env, id))
	}
	return fmt.Sprintf("%s, with %s, %s to %s: %s", t.GetWhat(), strings.Join(with, " "), at(t.GetFirstSeenAt()), at(t.GetLastSeenAt()), t.GetWord())
}

func siteReasons(env *environment, got *fleetv1.GetSiteResponse) rows {
	r := rows{header: []string{
		"site", "device", "serial", "host", "person", "verdict", "risk", "came", "last_seen", "days", "there", "because", "what", "with", "first_seen", "last_shared", "word",
	}}
	add := func(m *fleetv1.SiteMember, there string, t *fleetv1.SiteTie) {
		r.add(got.GetSite().GetId(), m.GetDevice(), m.GetSerial(), m.GetHostname(), m.GetPerson(), m.GetVerdict(), risk(env, m.GetRisk()),
			at(m.GetCameAt()), at(m.GetLastSeenAt()), count(m.GetDays()), there, t.GetKind(), t.GetWhat(), strings.Join(t.GetWith(), " "), at(t.GetFirstSeenAt()), at(t.GetLastSeenAt()), t.GetWord())
	}
	for _, m := range got.GetMembers() {
		for _, t := range m.GetTies() {
			add(m, "yes", t)
		}
		if len(m.GetTies()) == 0 {
			add(m, "yes", nil)
		}
	}
	for _, m := range got.GetFormer() {
		add(m, "no", nil)
	}
	return r
}
