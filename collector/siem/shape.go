package siem

import "encoding/json"

// The part of OCSF's Detection Finding and its objects that findings fill.
type (
	finding struct {
		ActivityID      int          `json:"activity_id"`
		ActivityName    string       `json:"activity_name"`
		CategoryUID     int          `json:"category_uid"`
		CategoryName    string       `json:"category_name"`
		ClassUID        int          `json:"class_uid"`
		ClassName       string       `json:"class_name"`
		TypeUID         int          `json:"type_uid"`
		TypeName        string       `json:"type_name"`
		Time            int64        `json:"time"`
		StartTime       int64        `json:"start_time,omitempty"`
		SeverityID      int          `json:"severity_id"`
		Severity        string       `json:"severity"`
		StatusID        int          `json:"status_id"`
		Status          string       `json:"status"`
		StatusDetail    string       `json:"status_detail,omitempty"`
		VerdictID       int          `json:"verdict_id,omitempty"`
		Verdict         string       `json:"verdict,omitempty"`
		IsAlert         bool         `json:"is_alert"`
		ConfidenceID    int          `json:"confidence_id"`
		ConfidenceScore int          `json:"confidence_score"`
		RiskScore       int          `json:"risk_score"`
		Message         string       `json:"message"`
		Metadata        metadata     `json:"metadata"`
		Device          *device      `json:"device"`
		FindingInfo     findingInfo  `json:"finding_info"`
		Evidences       []evidences  `json:"evidences,omitempty"`
		Observables     []observable `json:"observables,omitempty"`
		Unmapped        unmapped     `json:"unmapped"`
	}
	metadata struct {
		Version  string   `json:"version"`
		UID      string   `json:"uid"`
		LogName  string   `json:"log_name"`
		Profiles []string `json:"profiles"`
		Product  product  `json:"product"`
	}
	product struct {
		Name       string `json:"name"`
		VendorName string `json:"vendor_name"`
	}
	device struct {
		UID      string    `json:"uid"`
		TypeID   int       `json:"type_id"`
		Type     string    `json:"type"`
		Hostname string    `json:"hostname,omitempty"`
		IP       string    `json:"ip,omitempty"`
		Vendor   string    `json:"vendor_name,omitempty"`
		Model    string    `json:"model,omitempty"`
		HWInfo   *hwInfo   `json:"hw_info,omitempty"`
		OS       *system   `json:"os,omitempty"`
		Owner    *user     `json:"owner,omitempty"`
		Location *location `json:"location,omitempty"`
	}
	hwInfo struct {
		SerialNumber string `json:"serial_number"`
	}
	system struct {
		Name    string `json:"name"`
		TypeID  int    `json:"type_id"`
		Version string `json:"version,omitempty"`
	}
	user struct {
		UID string `json:"uid"`
	}
	location struct {
		Country string `json:"country"`
	}
	findingInfo struct {
		UID           string   `json:"uid"`
		Title         string   `json:"title"`
		Desc          string   `json:"desc,omitempty"`
		CreatedTime   int64    `json:"created_time"`
		ModifiedTime  int64    `json:"modified_time"`
		FirstSeenTime int64    `json:"first_seen_time,omitempty"`
		LastSeenTime  int64    `json:"last_seen_time,omitempty"`
		Analytic      analytic `json:"analytic"`
		Attacks       []attack `json:"attacks,omitempty"`
		Types         []string `json:"types"`
	}
	analytic struct {
		Name   string `json:"name"`
		UID    string `json:"uid"`
		TypeID int    `json:"type_id"`
		Type   string `json:"type"`
	}
	attack struct {
		Technique technique `json:"technique"`
	}
	technique struct {
		UID string `json:"uid"`
	}
	evidences struct {
		Name string          `json:"name"`
		UID  string          `json:"uid"`
		Data evidenceDetails `json:"data"`
	}
	evidenceDetails struct {
		Family    string   `json:"family"`
		Question  string   `json:"question"`
		Decibans  float64  `json:"db"`
		Because   string   `json:"because"`
		FirstSeen string   `json:"first_seen,omitempty"`
		LastSeen  string   `json:"last_seen,omitempty"`
		Benign    []string `json:"benign"`
	}
	observable struct {
		Name   string `json:"name"`
		TypeID int    `json:"type_id"`
		Value  string `json:"value"`
	}
	unmapped struct {
		Kind        string          `json:"kind"`
		Verdict     string          `json:"farmhound_verdict"`
		Transition  string          `json:"transition"`
		Questions   json.RawMessage `json:"questions,omitempty"`
		SiteID      string          `json:"site_id,omitempty"`
		SiteMembers []string        `json:"site_members,omitempty"`
		Peers       []string        `json:"control_peers,omitempty"`
		Reason      string          `json:"reason,omitempty"`
		Note        string          `json:"note,omitempty"`
		// Provisional is while the alert's day is under way; Course is what became of it by itself.
		Provisional bool   `json:"provisional,omitempty"`
		Course      string `json:"course,omitempty"`
	}
)
