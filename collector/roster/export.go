package roster

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Row is one laptop's row in canonical words: reading it again gives the same entry.
// Empty is what was not declared; lists are separated by semicolons.
type Row struct {
	Serial         string `json:"serial"`
	Person         string `json:"person,omitempty"`
	Country        string `json:"country,omitempty"`
	Region         string `json:"region,omitempty"`
	TimeZone       string `json:"time_zone,omitempty"`
	ShipTo         string `json:"ship_to,omitempty"`
	WorkDays       string `json:"work_days,omitempty"`
	WorkStart      string `json:"work_start,omitempty"`
	WorkEnd        string `json:"work_end,omitempty"`
	Role           string `json:"role,omitempty"`
	ApprovedTools  string `json:"approved_tools,omitempty"`
	ApprovedTravel string `json:"approved_travel,omitempty"`
	Household      string `json:"household,omitempty"`
	ExemptUntil    string `json:"exempt_until,omitempty"`
	ExemptReason   string `json:"exempt_reason,omitempty"`
}

// Cells returns the row's values in the order of Columns.
func (r *Row) Cells() []string {
	return []string{
		r.Serial, r.Person, r.Country, r.Region, r.TimeZone, r.ShipTo, r.WorkDays, r.WorkStart, r.WorkEnd,
		r.Role, r.ApprovedTools, r.ApprovedTravel, r.Household, r.ExemptUntil, r.ExemptReason,
	}
}

// Columns returns the names of a row's values, as the header of a CSV has them.
func Columns() []string { return slices.Clone(columns) }

// Rows returns every row, ordered by serial.
func (r *Roster) Rows() []Row {
	if r == nil {
		return nil
	}
	rows := make([]Row, 0, len(r.entries))
	for _, serial := range slices.Sorted(maps.Keys(r.entries)) {
		rows = append(rows, r.entries[serial].row(serial))
	}
	return rows
}

// Version names what the roster says: equal for rosters that say the same, whatever
// the order and spelling of their files. Empty without a roster.
func (r *Roster) Version() string {
	if r == nil {
		return ""
	}
	return r.version
}

// digest is Version's, computed once.
func (r *Roster) digest() string {
	sum := sha256.New()
	for _, row := range r.Rows() {
		// No cell holds a control character.
		_, _ = io.WriteString(sum, strings.Join(row.Cells(), "\x1f")+"\n") // never fails
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// WriteCSV writes rows so that Parse reads the same again.
func WriteCSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return fmt.Errorf("write the roster: %w", err)
	}
	for i := range rows {
		if err := out.Write(rows[i].Cells()); err != nil {
			return fmt.Errorf("write the roster: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the roster: %w", err)
	}
	return nil
}

// row is the entry in canonical words.
func (e *entry) row(serial string) Row {
	p := e.person
	row := Row{
		Serial: serial, Person: p.GetId(), Country: p.GetCountry(), Region: p.GetRegion(), TimeZone: p.GetTimeZone(),
		ShipTo: p.GetShipTo(), Role: p.GetRole(), Household: p.GetHousehold(), ExemptUntil: e.until, ExemptReason: e.reason,
		WorkStart: clockWords(p.WorkStartMinute), WorkEnd: clockWords(p.WorkEndMinute),
		ApprovedTools: strings.Join(slices.Concat(p.GetApprovedTools(), e.unknown), ";"),
	}
	var days, journeys []string
	for _, day := range p.GetWorkDays() {
		days = append(days, weekdays[day-1])
	}
	for _, t := range e.travel {
		journeys = append(journeys, t.words())
	}
	row.WorkDays, row.ApprovedTravel = strings.Join(days, ";"), strings.Join(journeys, ";")
	return row
}

func (t travel) words() string {
	if t.to.IsZero() {
		return t.country
	}
	return t.country + ":" + t.first + ".." + t.last
}

func clockWords(minutes *uint32) string {
	if minutes == nil {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", *minutes/60, *minutes%60)
}
