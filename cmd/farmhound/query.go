package main

import (
	"context"
	"errors"
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
	Verdict []string `help:"Only these verdicts: clear, watch, likely, near_certain." placeholder:"VERDICT"`
	Prefix  string   `arg:"" optional:"" help:"Only devices whose id, serial, host name or person starts with this."`
}

// Run lists every page.
func (c *devicesCmd) Run(env *environment) error {
	var all []*fleetv1.DeviceSummary
	var doubts []string
	for token := ""; ; {
		page, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.ListDevicesResponse, error) {
			return fleet.ListDevices(ctx, &fleetv1.ListDevicesRequest{Verdicts: c.Verdict, Prefix: c.Prefix, PageToken: token})
		})
		if err != nil {
			return err
		}
		all, doubts = append(all, page.GetDevices()...), append(doubts, page.GetDoubts()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	r := rows{header: []string{"device", "verdict", "risk", "host", "person", "identity", "last_report", "kind", "serial", "controlled_by", "os", "reports"}}
	for _, d := range all {
		r.add(short(env, d.GetId()), d.GetVerdict(), risk(env, d.GetRisk()), d.GetHostname(), d.GetPerson(), identity(d), at(d.GetLastReportAt()),
			d.GetKind(), d.GetSerial(), strings.Join(d.GetControlledBy(), "; "), d.GetOs(), strconv.FormatUint(d.GetReports(), 10))
	}
	if err := list(env, all, r); err != nil {
		return err
	}
	for _, d := range doubts {
		sayDoubt(env, d)
	}
	return nil
}

// identity says whether the device's certificate is still taken; the usual is not said.
func identity(d *fleetv1.DeviceSummary) string {
	switch {
	case d.GetRevoked():
		return "revoked"
	case d.GetSupersededBy() != "":
		return "superseded"
	}
	return ""
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
	r := rows{header: []string{"field", "value"}, prose: true}
	add := func(name, value string) {
		if value != "" {
			r.add(name, value)
		}
	}
	add("device", s.GetId())
	add("serial", s.GetSerial())
	add("host", s.GetHostname())
	add("model", model(d.GetSystem().GetManufacturer(), d.GetSystem().GetModel()))
	add("os", strings.TrimSpace(s.GetOs()+" "+d.GetSystem().GetOsVersion()))
	add("person", s.GetPerson())
	if p := d.GetPerson(); p.GetExempt() {
		add("exempt", strings.TrimSpace("until "+at(p.GetExemptUntil())+" "+p.GetExemptReason()))
	}
	add("identity", identity(s))
	add("superseded by", short(env, s.GetSupersededBy()))
	add("supersedes", short(env, s.GetSupersedes()))
	add("enrolled", at(s.GetEnrolledAt()))
	add("last report", at(s.GetLastReportAt()))
	add("agent", s.GetAgentVersion())
	add("verdict", fmt.Sprintf("%s (%s, %s)", a.GetVerdict(), a.GetKind(), percent(a.GetRisk())))
	q := a.GetQuestions()
	add("remote?", q.GetRemote().GetSentence())
	add("abroad?", q.GetAbroad().GetSentence())
	add("farm?", q.GetFarm().GetSentence())
	for _, t := range d.GetTools() {
		add("tool", fmt.Sprintf("%s (%s), first seen %s, last seen %s%s", t.GetName(), t.GetCategory(), at(t.GetFirstSeenAt()), at(t.GetLastSeenAt()), standing(t)))
	}
	add("egress", strings.TrimSpace(d.GetEgress().GetAddress()+" "+d.GetEgress().GetCountry()+" "+d.GetEgress().GetAsName()))
	for _, w := range d.GetEgress().GetWays() {
		add("way out", way(w))
	}
	members := make([]string, 0, len(a.GetSite().GetMembers()))
	for _, id := range a.GetSite().GetMembers() {
		members = append(members, short(env, id))
	}
	if site := a.GetSite(); site != nil {
		add("site", site.GetId()+" of "+strings.Join(members, " "))
	}
	add("gaps", gapSums(d.GetTrust().GetGapSums()))
	for _, g := range d.GetTrust().GetGaps() {
		add("gap", gapWords(g))
	}
	for _, u := range a.GetUnknown() {
		add("unknown", u)
	}
	for _, u := range got.GetDoubts() {
		add("doubtful", u)
	}
	return one(env, got, r)
}

// standing says whether the company approves of a tool; the usual is not said.
func standing(t *fleetv1.ToolSighting) string {
	switch {
	case t.GetOtherInstallation():
		return ", another installation than the company's"
	case t.GetApprovedBy() != "":
		return ", approved: " + t.GetApprovedBy()
	case t.GetApproved():
		return ", approved for the person"
	}
	return ""
}

// way says under which address one way out is seen.
func way(w *fleetv1.Way) string {
	text := strings.TrimSpace(w.GetAddress() + " " + w.GetCountry() + " " + w.GetAsName())
	kind := w.GetKind()
	if kind == "" {
		kind = "unknown"
	}
	text += " over " + kind
	if w.GetTool() != "" {
		text += " of " + w.GetTool()
	}
	if w.GetDefaultRoute() {
		text += ", the default route"
	}
	return text
}

// model names a laptop once where the maker stands in the model already.
func model(manufacturer, name string) string {
	if strings.HasPrefix(strings.ToLower(name), strings.ToLower(manufacturer)) {
		return name
	}
	return manufacturer + " " + name
}

type timelineCmd struct {
	Device string `arg:"" help:"Id, unique prefix of it, or serial."`
	Since  span   `help:"Only what happened in this last while, for example 48h or 7d." placeholder:"SPAN"`
}

// span is a length of time as people write it.
type span time.Duration

// UnmarshalText reads a duration, in which days may stand for hours.
func (s *span) UnmarshalText(text []byte) error {
	days, isDays := strings.CutSuffix(string(text), "d")
	d, err := time.ParseDuration(string(text))
	if n, notDays := strconv.ParseUint(days, 10, 16); isDays && notDays == nil {
		d, err = time.Duration(n)*24*time.Hour, nil
	}
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no length of time, such as 48h or 7d", text)
	}
	*s = span(d)
	return nil
}

// mostEvents is how many events of a timeline are asked for, the latest.
const mostEvents = 10000

// Run prints the events.
func (c *timelineCmd) Run(env *environment) error {
	req := &fleetv1.GetTimelineRequest{Device: c.Device, Limit: mostEvents}
	if c.Since > 0 {
		req.Since = timestamppb.New(time.Now().Add(-time.Duration(c.Since)))
	}
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.GetTimelineResponse, error) {
		return fleet.GetTimeline(ctx, req)
	})
	if err != nil {
		return err
	}
	atMost(env, len(got.GetEvents()), mostEvents)
	r := rows{header: []string{"at", "kind", "summary"}, prose: true}
	for _, e := range got.GetEvents() {
		r.add(at(e.GetAt()), e.GetKind(), e.GetSummary())
	}
	return list(env, got.GetEvents(), r)
}

type whyCmd struct {
	Device string `arg:"" help:"Id, unique prefix of it, or serial."`
	At     past   `help:"What was concluded then: a day (2026-03-02) or a time (RFC 3339). It is judged again from what is kept." placeholder:"TIME"`

	WhatIf       bool     `help:"Which evidence carries the verdict, and what would change it."`
	Without      []string `help:"What it would be without these signals or families." placeholder:"SIGNAL"`
	WithApproved []string `help:"What it would be if these tools were approved, and had been all along." placeholder:"TOOL"`
	Set          []string `help:"What it would be if a field of the picture were otherwise; farmhound-collector rules fields lists them." placeholder:"FIELD=VALUE" sep:"none"`
}

// Run prints the ledger.
func (c *whyCmd) Run(env *environment) error {
	supposes := c.WhatIf || len(c.Without)+len(c.WithApproved)+len(c.Set) > 0
	switch {
	case supposes && !c.At.IsZero():
		return errors.New("what if is asked of now: leave --at out")
	case supposes:
		return c.whatIf(env)
	case !c.At.IsZero():
		return whyThen(env, c.Device, c.At.Time)
	}
	got, err := getDevice(env, c.Device)
	if err != nil {
		return err
	}
	a := got.GetAssessment()
	if env.format == "table" {
		return printWhy(env, got.GetSummary(), a, got.GetDoubts()...)
	}
	return one(env, a, evidenceRows(a))
}

// evidenceRows is the ledger as a table.
func evidenceRows(a *fleetv1.Assessment) rows {
	r := rows{header: []string{"signal", "family", "question", "db", "first_seen", "last_seen", "because", "benign", "on_trial"}}
	add := func(e *fleetv1.Evidence, trial string) {
		r.add(e.GetSignal(), e.GetFamily(), e.GetQuestion(), decibans(e.GetDb()), at(e.GetFirstSeen()), at(e.GetLastSeen()),
			e.GetBecause(), strings.Join(e.GetBenign(), "; "), trial)
	}
	for _, e := range a.GetEvidence() {
		add(e, "")
	}
	for _, e := range a.GetShadow() {
		add(e, "yes")
	}
	return r
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
	State  []string `help:"Only these states: open, acknowledged, closed." placeholder:"STATE"`
	Device string   `help:"Only this device: id, unique prefix of it, or serial." placeholder:"DEVICE"`
}

// mostAlerts is how many alerts are asked for, the newest.
const mostAlerts = 1000

// atMost says where an answer may have been cut.
func atMost(env *environment, got, most int) {
	if got >= most {
		fmt.Fprintf(env.errOut, "farmhound: only the latest %d are shown\n", most)
	}
}

// Run lists alerts.
func (c *alertsListCmd) Run(env *environment) error {
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.ListAlertsResponse, error) {
		return fleet.ListAlerts(ctx, &fleetv1.ListAlertsRequest{States: c.State, Device: c.Device, Limit: mostAlerts})
	})
	if err != nil {
		return err
	}
	atMost(env, len(got.GetAlerts()), mostAlerts)
	return list(env, got.GetAlerts(), alertRows(env, got.GetAlerts()...))
}

type alertsAckCmd struct {
	ID   string `arg:"" help:"Alert id."`
	Note string `help:"A note to keep with it." placeholder:"TEXT"`
}

// Run acknowledges.
func (c *alertsAckCmd) Run(env *environment) error {
	return updateAlert(env, &fleetv1.UpdateAlertRequest{Id: c.ID, State: "acknowledged", Note: c.Note})
}

type alertsCloseCmd struct {
	ID     string `arg:"" help:"Alert id."`
	Reason string `required:"" enum:"confirmed,false_positive,benign,expected,other" help:"confirmed, false_positive, benign, expected or other." placeholder:"REASON"`
	Note   string `help:"A note to keep with it." placeholder:"TEXT"`
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
	r := rows{header: []string{"alert", "state", "verdict", "device", "person", "opened", "standing", "reason", "kind", "severity", "serial", "changed", "changed_by", "note", "title", "course"}}
	for _, a := range alerts {
		standing := "settled"
		if a.GetProvisional() {
			standing = "provisional"
		}
		r.add(a.GetId(), a.GetState(), a.GetVerdict(), short(env, a.GetDevice()), a.GetPerson(), at(a.GetOpenedAt()), standing, a.GetReason(),
			a.GetKind(), a.GetSeverity(), a.GetSerial(), at(a.GetUpdatedAt()), a.GetChangedBy(), a.GetNote(), a.GetTitle(), a.GetCourse())
	}
	return r
}
