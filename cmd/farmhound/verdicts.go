package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

type verdictsCmd struct {
	Device  string `arg:"" help:"Id, unique prefix of it, or serial."`
	Since   span   `help:"Only those of this last while, for example 48h or 30d." placeholder:"SPAN"`
	Changes bool   `help:"Only where the verdict became another."`
}

// Run prints what was concluded, and by which versions of what.
func (c *verdictsCmd) Run(env *environment) error {
	req := &fleetv1.ListVerdictsRequest{Device: c.Device, Limit: mostEvents, ChangesOnly: c.Changes}
	if c.Since > 0 {
		req.Since = timestamppb.New(time.Now().Add(-time.Duration(c.Since)))
	}
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.ListVerdictsResponse, error) {
		return fleet.ListVerdicts(ctx, req)
	})
	if err != nil {
		return err
	}
	atMost(env, len(got.GetVerdicts()), mostEvents)
	r := rows{header: []string{"at", "occasion", "verdict", "kind", "risk", "rules", "roster", "catalog", "collector", "judged_at"}}
	for _, v := range got.GetVerdicts() {
		b := v.GetBasis()
		r.add(at(v.GetAt()), v.GetOccasion(), v.GetVerdict(), v.GetKind(), risk(env, v.GetRisk()),
			short(env, b.GetRules()), short(env, b.GetRoster()), short(env, b.GetCatalog()), b.GetCollector(), at(v.GetJudgedAt()))
	}
	return list(env, got.GetVerdicts(), r)
}

// past is a moment as people write it: a time, or a day, of which its end is meant.
type past struct{ time.Time }

// UnmarshalText reads RFC 3339 or YYYY-MM-DD.
func (p *past) UnmarshalText(text []byte) error {
	if day, err := time.Parse(time.DateOnly, string(text)); err == nil {
		p.Time = day.AddDate(0, 0, 1).Add(-time.Second)
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is no day or time, such as 2026-03-02 or 2026-03-02T15:00:00Z", text)
	}
	p.Time = t
	return nil
}

// whyThen prints the ledger of a past verdict, and whether it comes out today.
func whyThen(env *environment, device string, then time.Time) error {
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.GetVerdictResponse, error) {
		return fleet.GetVerdict(ctx, &fleetv1.GetVerdictRequest{Device: device, At: timestamppb.New(then)})
	})
	if err != nil {
		return err
	}
	a := got.GetAssessment()
	if env.format != "table" {
		return one(env, got, evidenceRows(a))
	}
	var b strings.Builder
	say := func(text string) { b.WriteString(strings.TrimLeft(wrap(printable(text), 2, env.width), " ") + "\n") }
	v, by := got.GetVerdict(), got.GetVerdict().GetBasis()
	say(fmt.Sprintf("Concluded for %s: %s, %s, %s (%s).", at(v.GetAt()), v.GetVerdict(), v.GetKind(), percent(v.GetRisk()), occasions[v.GetOccasion()]))
	words := fmt.Sprintf("Judged by rules %s, catalogue %s, collector %s", short(env, by.GetRules()), short(env, by.GetCatalog()), by.GetCollector())
	if by.GetRoster() != "" {
		words += ", roster " + short(env, by.GetRoster())
	}
	say(words + ".")
	say(outcomes[got.GetReproduction().GetOutcome()])
	for _, note := range got.GetReproduction().GetNotes() {
		say(note)
	}
	b.WriteString("\n")
	if _, err := env.out.Write([]byte(b.String())); err != nil || a == nil {
		return err
	}
	return printWhy(env, &fleetv1.DeviceSummary{Id: a.GetDevice()}, a)
}

var occasions = map[string]string{
	"day_end": "what the day came to",
	"change":  "provisional: the day was under way",
}

var outcomes = map[string]string{
	"equal":       "Judged again by the same, it comes out the same.",
	"differs":     "Judged again, it comes out otherwise:",
	"unavailable": "It cannot be judged again:",
}
