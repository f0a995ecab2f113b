// Package siem tells the company's SIEM about alerts: the native form of an
// event (OCSF Detection Finding), the outputs that carry it, and the loop that
// drains the outbox into them at least once and in order per device.
//
// It may import proto/ and collector/store.
package siem

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// ocsfVersion is the schema that Finding follows.
const ocsfVersion = "1.8.0"

// The identifiers of OCSF's Detection Finding class.
const (
	classUID    = 2004
	categoryUID = 2

	activityCreate = 1
	activityUpdate = 2
	activityClose  = 3
)

// Finding renders an alert as an OCSF Detection Finding, one line of JSON. The
// transition is one of the alert package's; the finding's uid is the alert's, so
// that a receiver joins create, update and close.
func Finding(a *fleetv1.Alert, dev *fleetv1.Device, transition string, now time.Time) ([]byte, error) {
	activity, activityName := activityOf(transition)
	assessed := a.GetAssessment()
	severityID, severity := severityOf(a.GetSeverity())
	statusID, status := statusOf(a.GetState())
	f := finding{
		ActivityID: activity, ActivityName: activityName,
		CategoryUID: categoryUID, CategoryName: "Findings",
		ClassUID: classUID, ClassName: "Detection Finding",
		TypeUID: classUID*100 + activity, TypeName: "Detection Finding: " + activityName,
		Time:       now.UnixMilli(),
		SeverityID: severityID, Severity: severity,
		StatusID: statusID, Status: status, StatusDetail: a.GetReason(),
		IsAlert:         activity == activityCreate,
		ConfidenceID:    confidenceOf(assessed.GetRisk()),
		ConfidenceScore: percent(assessed.GetRisk()),
		RiskScore:       percent(assessed.GetRisk()),
		Message:         message(a, assessed),
		Metadata: metadata{
			Version: ocsfVersion, UID: EventKey(a, transition), LogName: "alerts",
			Profiles: []string{"host"},
			Product:  product{Name: "Farmhound", VendorName: "Farmhound"},
		},
		Device:      deviceOf(a, dev),
		FindingInfo: infoOf(a, assessed),
		Unmapped: unmapped{
			Kind: a.GetKind(), Verdict: a.GetVerdict(), Transition: transition,
			SiteID: assessed.GetSite().GetId(), SiteMembers: assessed.GetSite().GetMembers(),
			Reason: a.GetReason(), Note: a.GetNote(),
			Provisional: a.GetProvisional(), Course: a.GetCourse(),
		},
	}
	if f.VerdictID, f.Verdict = verdictOf(a); f.VerdictID != 0 {
		f.Metadata.Profiles = append(f.Metadata.Profiles, "incident") // whose attributes they are
	}
	f.Unmapped.Peers = peersOf(dev)
	f.Unmapped.Questions = questionsOf(assessed)
	for _, e := range assessed.GetEvidence() {
		f.Evidences = append(f.Evidences, evidenceOf(e))
	}
	f.Observables = observablesOf(a, dev, f.Unmapped.Peers)
	out, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("render alert %s as an OCSF finding: %w", a.GetId(), err)
	}
	return escaped(out), nil
}

// EventKey names one event of one alert, so that a receiver recognises a repeat.
func EventKey(a *fleetv1.Alert, transition string) string {
	return fmt.Sprintf("%s-%s-%d", a.GetId(), transition, a.GetUpdatedAt().AsTime().UnixMilli())
}

func activityOf(transition string) (int, string) {
	switch transition {
	case "opened":
		return activityCreate, "Create"
	case "closed":
		return activityClose, "Close"
	default:
		return activityUpdate, "Update"
	}
}

func severityOf(s string) (int, string) {
	switch s {
	case "critical":
		return 5, "Critical"
	case "high":
		return 4, "High"
	case "medium":
		return 3, "Medium"
	default:
		return 0, "Unknown"
	}
}

func statusOf(state string) (int, string) {
	switch state {
	case "open":
		return 1, "New"
	case "acknowledged":
		return 2, "In Progress"
	case "closed":
		return 4, "Resolved"
	default:
		return 0, "Unknown"
	}
}

// verdictOf is the verdict on an alert, which exists only once it is closed: an
// analyst's, or the collector's that the whole day did not uphold it.
func verdictOf(a *fleetv1.Alert) (int, string) {
	switch a.GetReason() {
	case "confirmed":
		return 2, "True Positive"
	case "false_positive":
		return 1, "False Positive"
	case "benign", "expected":
		return 5, "Benign"
	case "not_upheld":
		return 7, "Insufficient Data"
	case "other":
		return 99, "Other"
	default:
		return 0, ""
	}
}

func confidenceOf(risk float64) int {
	switch {
	case risk >= 0.97:
		return 3
	case risk >= 0.60:
		return 2
	default:
		return 1
	}
}

func percent(p float64) int { return int(math.Round(100 * max(0, min(1, p)))) }

func message(a *fleetv1.Alert, assessed *fleetv1.Assessment) string {
	q := assessed.GetQuestions()
	m := a.GetTitle()
	for _, s := range []string{q.GetRemote().GetSentence(), q.GetAbroad().GetSentence(), q.GetFarm().GetSentence()} {
		if s != "" {
			m += ". " + trimStop(s)
		}
	}
	return m + "."
}

func trimStop(s string) string {
	if n := len(s); n > 0 && s[n-1] == '.' {
		return s[:n-1]
	}
	return s
}

func deviceOf(a *fleetv1.Alert, dev *fleetv1.Device) *device {
	sys := dev.GetSystem()
	d := &device{
		UID: a.GetDevice(), TypeID: 3, Type: "Laptop",
		Hostname: sys.GetHostname(), Vendor: sys.GetManufacturer(), Model: sys.GetModel(),
		IP: dev.GetEgress().GetAddress(),
	}
	if sys.GetChassis() == farmhoundv1.Chassis_CHASSIS_VIRTUAL {
		d.TypeID, d.Type = 6, "Virtual"
	}
	if a.GetSerial() != "" {
		d.HWInfo = &hwInfo{SerialNumber: a.GetSerial()}
	}
	if a.GetPerson() != "" {
		d.Owner = &user{UID: a.GetPerson()}
	}
	if c := dev.GetEgress().GetCountry(); c != "" {
		d.Location = &location{Country: c}
	}
	switch sys.GetOs() {
	case farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX:
		d.OS = &system{Name: "Linux", TypeID: 200, Version: sys.GetOsVersion()}
	case farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS:
		d.OS = &system{Name: "Windows", TypeID: 100, Version: sys.GetOsVersion()}
	case farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS:
		d.OS = &system{Name: "macOS", TypeID: 300, Version: sys.GetOsVersion()}
	}
	return d
}

func infoOf(a *fleetv1.Alert, assessed *fleetv1.Assessment) findingInfo {
	info := findingInfo{
		UID: a.GetId(), Title: a.GetTitle(),
		CreatedTime:  a.GetOpenedAt().AsTime().UnixMilli(),
		ModifiedTime: a.GetUpdatedAt().AsTime().UnixMilli(),
		Analytic:     analytic{Name: "Farmhound " + a.GetKind(), UID: "farmhound." + a.GetKind(), TypeID: 3, Type: "Statistical"},
		Types:        []string{"Remote access", a.GetKind()},
	}
	var techniques []string
	for _, e := range assessed.GetEvidence() {
		if e.GetDb() <= 0 {
			continue
		}
		techniques = append(techniques, e.GetAttack()...)
		if first := e.GetFirstSeen(); first.IsValid() && (info.FirstSeenTime == 0 || first.AsTime().UnixMilli() < info.FirstSeenTime) {
			info.FirstSeenTime = first.AsTime().UnixMilli()
		}
		if last := e.GetLastSeen(); last.IsValid() {
			info.LastSeenTime = max(info.LastSeenTime, last.AsTime().UnixMilli())
		}
	}
	slices.Sort(techniques)
	for _, uid := range slices.Compact(techniques) {
		info.Attacks = append(info.Attacks, attack{technique{uid}})
	}
	return info
}

func evidenceOf(e *fleetv1.Evidence) evidences {
	data := evidenceDetails{
		Family: e.GetFamily(), Question: e.GetQuestion(), Decibans: e.GetDb(),
		Because: e.GetBecause(), Benign: append([]string{}, e.GetBenign()...),
	}
	if e.GetFirstSeen().IsValid() {
		data.FirstSeen = e.GetFirstSeen().AsTime().Format(time.RFC3339)
	}
	if e.GetLastSeen().IsValid() {
		data.LastSeen = e.GetLastSeen().AsTime().Format(time.RFC3339)
	}
	name := e.GetTitle()
	if name == "" {
		name = e.GetSignal()
	}
	return evidences{Name: name, UID: e.GetSignal(), Data: data}
}

func questionsOf(assessed *fleetv1.Assessment) json.RawMessage {
	type answer struct {
		Decibans float64 `json:"db"`
		Sentence string  `json:"sentence"`
	}
	q := assessed.GetQuestions()
	of := func(x *fleetv1.Question) answer { return answer{x.GetDb(), x.GetSentence()} }
	out, err := json.Marshal(map[string]answer{"remote": of(q.GetRemote()), "abroad": of(q.GetAbroad()), "farm": of(q.GetFarm())})
	if err != nil {
		return nil // NaN decibans: the finding goes out without them
	}
	return out
}

// peersOf lists the addresses that controlled the laptop, as many as a finding holds.
func peersOf(dev *fleetv1.Device) []string {
	const most = 16
	var all []string
	for _, p := range dev.GetOperator().GetPeers() {
		if address := p.GetAddress(); address != "" && len(all) < most && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}

// observablesOf names attributes of the finding, each by the path at which it stands.
func observablesOf(a *fleetv1.Alert, dev *fleetv1.Device, peers []string) []observable {
	const hostname, ipAddress, serialNumber = 1, 2, 37
	var out []observable
	add := func(name string, typeID int, value string) {
		if value != "" {
			out = append(out, observable{name, typeID, value})
		}
	}
	add("device.hostname", hostname, dev.GetSystem().GetHostname())
	add("device.hw_info.serial_number", serialNumber, a.GetSerial())
	add("device.ip", ipAddress, dev.GetEgress().GetAddress())
	for i, address := range peers {
		add(fmt.Sprintf("unmapped.control_peers[%d]", i), ipAddress, address)
	}
	return out
}
