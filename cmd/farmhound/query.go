package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

type whoamiCmd struct{}

// Run prints whose token it is.
func (whoamiCmd) Run(env *environment) error {
	who, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.WhoAmIResponse, error) {
		return fleet.WhoAmI(ctx, &fleetv1.WhoAmIRequest{})
	})
	if err != nil {
		return err
	}
	r := rows{header: []string{"name", "role", "collector"}}
	r.add(who.GetName(), who.GetRole(), who.GetCollectorVersion())
	return one(env, who, r)
}

type devicesCmd struct {
	Verdict []string `help:"Only these verdicts: clear, watch, likely, near_certain."`
	Prefix  string   `arg:"" optional:"" help:"Only devices whose id, serial, host name or person starts with this."`
}

// Run lists every page.
func (c *devicesCmd) Run(env *environment) error {
	var all []*fleetv1.DeviceSummary
	for token := ""; ; {
		page, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.ListDevicesResponse, error) {
			return fleet.ListDevices(ctx, &fleetv1.ListDevicesRequest{Verdicts: c.Verdict, Prefix: c.Prefix, PageToken: token})
		})
		if err != nil {
			return err
		}
		all = append(all, page.GetDevices()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	r := rows{header: []string{"device", "serial", "host", "os", "person", "verdict", "kind", "risk", "controlled_by", "last_report", "reports"}}
	for _, d := range all {
		r.add(short(env, d.GetId()), d.GetSerial(), d.GetHostname(), d.GetOs(), d.GetPerson(), d.GetVerdict(), d.GetKind(),
			percent(d.GetRisk()), strings.Join(d.GetControlledBy(), " "), at(d.GetLastReportAt()), strconv.FormatUint(d.GetReports(), 10))
	}
	return list(env, all, r)
}

type deviceCmd struct {
	Show deviceShowCmd `cmd:"" help:"The whole picture of one device."`
}

type deviceShowCmd struct {
	Device string `arg:"" help:"Id, unique prefix of it, or serial."`
}

// Run prints the picture in the order an analyst asks: which, verdict, three
// questions, tools, place, and what cannot be known.
func (c *deviceShowCmd) Run(env *environment) error {
	got, err := getDevice(env, c.Device)
	if err != nil {
		return err
	}
	s, d, a := got.GetSummary(), got.GetDevice(), got.GetAssessment()
	r := rows{header: []string{"field", "value"}}
	add := func(name, value string) {
		if value != "" {
			r.add(name, value)
		}
	}
	add("device", s.GetId())
	add("serial", s.GetSerial())
	add("host", s.GetHostname())
	add("model", strings.TrimSpace(d.GetSystem().GetManufacturer()+" "+d.GetSystem().GetModel()))
	add("os", strings.TrimSpace(s.GetOs()+" "+d.GetSystem().GetOsVersion()))
	add("person", s.GetPerson())
	add("enrolled", at(s.GetEnrolledAt()))
	add("last report", at(s.GetLastReportAt()))
	add("agent", s.GetAgentVersion())
	add("verdict", fmt.Sprintf("%s (%s, %s)", a.GetVerdict(), a.GetKind(), percent(a.GetRisk())))
	q := a.GetQuestions()
	add("remote?", q.GetRemote().GetSentence())
	add("abroad?", q.GetAbroad().GetSentence())
	add("farm?", q.GetFarm().GetSentence())
	for _, t := range d.GetTools() {
		add("tool", fmt.Sprintf("%s (%s), first seen %s, last seen %s", t.GetName(), t.GetCategory(), at(t.GetFirstSeenAt()), at(t.GetLastSeenAt())))
	}
	add("egress", strings.TrimSpace(d.GetEgress().GetAddress()+" "+d.GetEgress().GetCountry()+" "+d.GetEgress().GetAsName()))
	add("site", strings.Join(a.GetSite().GetMembers(), " "))
	for _, u := range a.GetUnknown() {
		add("unknown", u)
	}
	return one(env, got, r)
}

type timelineCmd struct {
	Device string        `arg:"" help:"Id, unique prefix of it, or serial."`
	Since  time.Duration `help:"Only what happened in this last while, for example 48h."`
}

// Run prints the events.
func (c *timelineCmd) Run(env *environment) error {
	req := &fleetv1.GetTimelineRequest{Device: c.Device}
	if c.Since > 0 {
		req.Since = timestamppb.New(time.Now().Add(-c.Since))
	}
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.GetTimelineResponse, error) {
		return fleet.GetTimeline(ctx, req)
	})
	if err != nil {
		return err
	}
	r := rows{header: []string{"at", "kind", "summary"}}
	for _, e := range got.GetEvents() {
		r.add(at(e.GetAt()), e.GetKind(), e.GetSummary())
	}
	return list(env, got.GetEvents(), r)
}

type whyCmd struct {
	Device string `arg:"" help:"Id, unique prefix of it, or serial."`
}

// Run prints the ledger.
func (c *whyCmd) Run(env *environment) error {
	got, err := getDevice(env, c.Device)
	if err != nil {
		return err
	}
	a := got.GetAssessment()
	if env.format == "table" {
		return printWhy(env, a)
	}
	r := rows{header: []string{"signal", "family", "question", "db", "first_seen", "last_seen", "because", "benign"}}
	for _, e := range a.GetEvidence() {
		r.add(e.GetSignal(), e.GetFamily(), e.GetQuestion(), decibans(e.GetDb()), at(e.GetFirstSeen()), at(e.GetLastSeen()),
			e.GetBecause(), strings.Join(e.GetBenign(), "; "))
	}
	return one(env, a, r)
}

func printWhy(env *environment, a *fleetv1.Assessment) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s, %s at %s\n", a.GetDevice(), a.GetVerdict(), a.GetKind(), percent(a.GetRisk()), at(a.GetAssessedAt()))
	q := a.GetQuestions()
	for _, x := range []struct {
		name string
		q    *fleetv1.Question
	}{{"Remote?", q.GetRemote()}, {"Abroad?", q.GetAbroad()}, {"Farm?", q.GetFarm()}} {
		fmt.Fprintf(&b, "  %-8s %6s dB  %s\n", x.name, decibans(x.q.GetDb()), printable(x.q.GetSentence()))
	}
	b.WriteString("\nEvidence, heaviest first (dB that counted):\n")
	for _, e := range a.GetEvidence() {
		fmt.Fprintf(&b, "  %6s  %s (%s, %s)\n          %s\n          first seen %s, last seen %s\n", decibans(e.GetDb()),
			printable(e.GetSignal()), printable(e.GetFamily()), printable(e.GetQuestion()), printable(e.GetBecause()), at(e.GetFirstSeen()), at(e.GetLastSeen()))
		for _, benign := range e.GetBenign() {
			fmt.Fprintf(&b, "          could also be: %s\n", printable(benign))
		}
	}
	if len(a.GetEvidence()) == 0 {
		b.WriteString("  none\n")
	}
	for _, u := range a.GetUnknown() {
		fmt.Fprintf(&b, "Not known: %s\n", printable(u))
	}
	for _, w := range a.GetWouldChange() {
		fmt.Fprintf(&b, "Would change it: %s\n", printable(w))
	}
	_, err := fmt.Fprint(env.out, b.String())
	return err
}

func getDevice(env *environment, name string) (*fleetv1.GetDeviceResponse, error) {
	return asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.GetDeviceResponse, error) {
		return fleet.GetDevice(ctx, &fleetv1.GetDeviceRequest{Device: name})
	})
}

type alertsCmd struct {
	List  alertsListCmd  `cmd:"" help:"List alerts, newest first; without --state, those not closed."`
	Ack   alertsAckCmd   `cmd:"" help:"Acknowledge an alert: somebody looks at it."`
	Close alertsCloseCmd `cmd:"" help:"Close an alert with a reason."`
}

type alertsListCmd struct {
	State  []string `help:"Only these states: open, acknowledged, closed."`
	Device string   `help:"Only this device."`
}

// Run lists alerts.
func (c *alertsListCmd) Run(env *environment) error {
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.ListAlertsResponse, error) {
		return fleet.ListAlerts(ctx, &fleetv1.ListAlertsRequest{States: c.State, Device: c.Device})
	})
	if err != nil {
		return err
	}
	return list(env, got.GetAlerts(), alertRows(env, got.GetAlerts()...))
}

type alertsAckCmd struct {
	ID   string `arg:"" help:"Alert id."`
	Note string `help:"A note to keep with it."`
}

// Run acknowledges.
func (c *alertsAckCmd) Run(env *environment) error {
	return updateAlert(env, &fleetv1.UpdateAlertRequest{Id: c.ID, State: "acknowledged", Note: c.Note})
}

type alertsCloseCmd struct {
	ID     string `arg:"" help:"Alert id."`
	Reason string `required:"" enum:"confirmed,false_positive,benign,expected,other" help:"confirmed, false_positive, benign, expected or other."`
	Note   string `help:"A note to keep with it."`
}

// Run closes.
func (c *alertsCloseCmd) Run(env *environment) error {
	return updateAlert(env, &fleetv1.UpdateAlertRequest{Id: c.ID, State: "closed", Reason: c.Reason, Note: c.Note})
}

func updateAlert(env *environment, req *fleetv1.UpdateAlertRequest) error {
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.UpdateAlertResponse, error) {
		return fleet.UpdateAlert(ctx, req)
	})
	if err != nil {
		return err
	}
	return one(env, got.GetAlert(), alertRows(env, got.GetAlert()))
}

func alertRows(env *environment, alerts ...*fleetv1.Alert) rows {
	r := rows{header: []string{"alert", "severity", "state", "device", "serial", "person", "verdict", "kind", "opened", "title", "reason"}}
	for _, a := range alerts {
		r.add(a.GetId(), a.GetSeverity(), a.GetState(), short(env, a.GetDevice()), a.GetSerial(), a.GetPerson(), a.GetVerdict(), a.GetKind(),
			at(a.GetOpenedAt()), a.GetTitle(), a.GetReason())
	}
	return r
}
