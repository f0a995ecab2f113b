package roster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	maxName = 128
	maxList = 64
)

// row turns one row, which begins at a place, into an entry, or names everything that
// is wrong with it.
func (p *parser) row(line, column int, cells map[string]cell) {
	r := &rowReader{parser: p, cells: cells, line: line, column: column, good: true}
	e := &entry{}
	serial := r.person(e)
	unknown := r.permissions(e)
	key := serialKey(serial)
	if first, again := p.lines[key]; again && key != "" {
		r.check("serial", fmt.Errorf("%q is already on line %d, which counts", serial, first))
	}
	for _, part := range unknown {
		if r.good {
			part.reason += "; the row counts without it"
		}
		at := cells[part.column]
		p.note(Problem{p.file, cmp.Or(at.line, line), max(at.column, 1), part.reason, r.good})
	}
	if !r.good {
		p.spoilt(cells)
		return
	}
	p.lines[key] = line
	p.into.Laptops.entries[key] = e
}

// rowReader reads one row.
type rowReader struct {
	*parser

	cells        map[string]cell
	line, column int  // where the row begins
	good         bool // nothing was wrong yet
}

func (r *rowReader) raw(name string) string { return r.cells[name].text }

func (r *rowReader) check(name string, err error) {
	if err != nil {
		r.wrong(r.cells, name, r.line, r.column, err)
		r.good = false
	}
}

func (r *rowReader) short(name string) string {
	text := r.raw(name)
	if len(text) > maxName {
		r.check(name, fmt.Errorf("longer than %d bytes", maxName))
	}
	return text
}

// person reads whose laptop it is, and where and when they work.
func (r *rowReader) person(e *entry) (serial string) {
	if serial = r.short("serial"); serial == "" {
		r.check("serial", errors.New("empty; a row needs the laptop's serial"))
	}
	var err error
	person := &fleetv1.Person{Id: r.short("person"), Region: r.short("region"), Role: r.short("role"), Household: r.short("household"), TimeZone: r.raw("time_zone")}
	person.Country, err = country(r.raw("country"))
	r.check("country", err)
	_, err = r.zones.load(person.GetTimeZone())
	r.check("time_zone", err)
	person.ShipTo, err = shipTo(r.raw("ship_to"))
	r.check("ship_to", err)
	person.WorkDays, err = workDays(r.raw("work_days"))
	r.check("work_days", err)
	person.WorkStartMinute, err = clock(r.raw("work_start"))
	r.check("work_start", err)
	person.WorkEndMinute, err = clock(r.raw("work_end"))
	r.check("work_end", err)
	e.person = person
	return serial
}

// permissions reads what a person may, in their zone, and what of it the rest can count
// without.
func (r *rowReader) permissions(e *entry) []leftOut {
	loc, _ := r.zones.load(e.person.GetTimeZone()) // a wrong one is UTC here, and was named
	unknown, err := r.approvedTools(r.raw("approved_tools"), e)
	r.check("approved_tools", err)
	e.travel, err = travels(r.raw("approved_travel"), loc)
	r.check("approved_travel", err)
	e.exemptUntil, e.until, err = exemptUntil(r.raw("exempt_until"), loc)
	r.check("exempt_until", err)
	if e.reason = r.raw("exempt_reason"); e.reason != "" && e.until == "" && r.raw("exempt_until") == "" {
		unknown = append(unknown, leftOut{"exempt_reason", "exempt_reason: a reason without exempt_until exempts nobody"})
		e.reason = ""
	}
	return unknown
}

// approvedTools reads the tools that a person may have, and what of them the catalogue does
// not know, which would approve nothing.
func (p *parser) approvedTools(text string, e *entry) (unknown []leftOut, err error) {
	e.person.ApprovedTools, err = tools(text, func(id string) error {
		if p.known(strings.ToLower(id)) {
			return nil
		}
		err := fmt.Errorf("the catalogue has no entry %q; an id is such as anydesk", id)
		if p.lenient {
			unknown = append(unknown, leftOut{"approved_tools", fmt.Sprintf("approved_tools: %v", err)})
			e.unknown = append(e.unknown, strings.ToLower(id))
			return errLeftOut
		}
		return err
	})
	return unknown, err
}

// leftOut is a part of a row that the rest can count without.
type leftOut struct{ column, reason string }

// wrong names what is wrong with a value of a row that begins at a place.
func (p *parser) wrong(row map[string]cell, name string, line, column int, err error) {
	if at, ok := row[name]; ok {
		line, column = cmp.Or(at.line, line), at.column
	}
	p.problem(line, column, fmt.Sprintf("%s: %v", name, err))
}

// spoilt remembers whose row cannot be used: what was known of that laptop before is
// better than nothing.
func (p *parser) spoilt(row map[string]cell) {
	if key := serialKey(row["serial"].text); key != "" && len(key) <= maxName {
		p.into.spoilt = append(p.into.spoilt, key)
	}
}

func country(text string) (string, error) {
	code := strings.ToUpper(text)
	if code != "" && !isCountry(code) {
		return "", fmt.Errorf("%q is no ISO 3166-1 country code, such as US", text)
	}
	return code, nil
}

// zones remembers the zones that were loaded.
type zones map[string]*time.Location

func (z zones) load(name string) (*time.Location, error) {
	if loc, ok := z[name]; ok {
		return loc, nil
	}
	if name == "" {
		return time.UTC, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC, fmt.Errorf("%q is no IANA time zone, such as America/New_York", name)
	}
	z[name] = loc
	return loc, nil
}

func shipTo(text string) (string, error) {
	code, region, cut := strings.Cut(text, "-")
	code, err := country(strings.TrimSpace(code))
	if err != nil {
		return "", fmt.Errorf("%w; expected a country or country-region, such as US-OH", err)
	}
	if !cut {
		return code, nil
	}
	if code == "" || strings.TrimSpace(region) == "" {
		return "", fmt.Errorf("%q: expected a country or country-region, such as US-OH", text)
	}
	return code + "-" + strings.TrimSpace(region), nil
}

// list cuts a cell at its semicolons and leaves out empty parts.
func list(text string) ([]string, error) {
	var parts []string
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) > maxList {
		return nil, fmt.Errorf("more than %d values", maxList)
	}
	return parts, nil
}

var weekdays = [...]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func weekday(text string) (int, error) {
	if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 8); err == nil && n >= 1 && n <= 7 {
		return int(n) - 1, nil // Monday is 1
	}
	if text = strings.ToLower(strings.TrimSpace(text)); len(text) >= 3 {
		if i := slices.Index(weekdays[:], text[:3]); i >= 0 && strings.HasPrefix(longDays[i], text) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is no day of the week; expected days such as mon-fri, mon;wed or 1-5", text)
}

var longDays = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

func workDays(text string) ([]uint32, error) {
	parts, err := list(text)
	if err != nil {
		return nil, err
	}
	var on [len(weekdays)]bool
	for _, part := range parts {
		first, last, isRange := strings.Cut(part, "-")
		from, err := weekday(first)
		if err != nil {
			return nil, err
		}
		to := from
		if isRange {
			if to, err = weekday(last); err != nil {
				return nil, err
			}
		}
		for day := from; ; day = (day + 1) % len(weekdays) {
			on[day] = true
			if day == to {
				break
			}
		}
	}
	var days []uint32
	for i, set := range on {
		if set {
			days = append(days, uint32(i+1))
		}
	}
	return days, nil
}

// clock reads HH:MM as minutes after midnight; nil for an empty cell.
func clock(text string) (*uint32, error) {
	if text == "" {
		return nil, nil
	}
	hour, minute, ok := strings.Cut(text, ":")
	h, errHour := strconv.ParseUint(hour, 10, 8)
	m, errMinute := strconv.ParseUint(minute, 10, 8)
	if !ok || errHour != nil || errMinute != nil || len(minute) != 2 || len(hour) > 2 || m > 59 || h > 24 || h == 24 && m > 0 {
		return nil, fmt.Errorf("%q is no time of day; expected HH:MM, such as 09:00", text)
	}
	minutes := uint32(h*60 + m)
	return &minutes, nil
}

// errLeftOut is of a part of a list that the rest counts without.
var errLeftOut = errors.New("left out")

func tools(text string, check func(id string) error) ([]string, error) {
	parts, err := list(text)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, part := range parts {
		switch err := check(part); {
		case errors.Is(err, errLeftOut):
		case err != nil:
			return nil, err
		default:
			ids = append(ids, strings.ToLower(part))
		}
	}
	return ids, nil
}

// travels reads journeys as COUNTRY:FIRST..LAST; a country alone is approved always.
func travels(text string, loc *time.Location) ([]travel, error) {
	parts, err := list(text)
	if err != nil {
		return nil, err
	}
	var all []travel
	for _, part := range parts {
		where, when, dated := strings.Cut(part, ":")
		code, err := country(strings.TrimSpace(where))
		if err != nil || code == "" {
			return nil, fmt.Errorf("%q: expected a journey such as DE:2026-01-01..2026-02-01", part)
		}
		t := travel{country: code}
		if dated {
			first, last, _ := strings.Cut(when, "..")
			from, errFrom := date(first, loc)
			to, errTo := date(last, loc)
			if errFrom != nil || errTo != nil {
				return nil, fmt.Errorf("%q: expected a journey such as DE:2026-01-01..2026-02-01", part)
			}
			if to.Before(from) {
				return nil, fmt.Errorf("%q ends before it begins", part)
			}
			t.from, t.to = from, to.AddDate(0, 0, 1)
			t.first, t.last = strings.TrimSpace(first), strings.TrimSpace(last)
		}
		all = append(all, t)
	}
	return all, nil
}

func date(text string, loc *time.Location) (time.Time, error) {
	return time.ParseInLocation(time.DateOnly, strings.TrimSpace(text), loc)
}

// exemptUntil reads the last day of an exemption, or its end to the second.
func exemptUntil(text string, loc *time.Location) (end time.Time, canonical string, err error) {
	if text == "" {
		return time.Time{}, "", nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, t.UTC().Format(time.RFC3339Nano), nil
	}
	t, err := date(text, loc)
	if err != nil {
		return time.Time{}, "", fmt.Errorf("%q is no date; expected one such as 2026-12-31", text)
	}
	return t.AddDate(0, 0, 1), text, nil
}
