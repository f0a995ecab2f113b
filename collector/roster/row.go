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
func (p *parser) row(line, column int, row map[string]cell) {
	good := true
	check := func(name string, err error) {
		if err != nil {
			p.wrong(row, name, line, column, err)
			good = false
		}
	}
	var err error
	e := &entry{person: &fleetv1.Person{}}
	person := e.person
	short := func(column string) string {
		text := row[column].text
		if len(text) > maxName {
			check(column, fmt.Errorf("longer than %d bytes", maxName))
		}
		return text
	}
	serial := short("serial")
	if serial == "" {
		check("serial", errors.New("empty; a row needs the laptop's serial"))
	}
	person.Id, person.Region, person.Role, person.Household = short("person"), short("region"), short("role"), short("household")
	e.reason = row["exempt_reason"].text
	person.Country, err = country(row["country"].text)
	check("country", err)
	loc, err := p.zones.load(row["time_zone"].text)
	check("time_zone", err)
	person.TimeZone = row["time_zone"].text
	person.ShipTo, err = shipTo(row["ship_to"].text)
	check("ship_to", err)
	person.WorkDays, err = workDays(row["work_days"].text)
	check("work_days", err)
	person.WorkStartMinute, err = clock(row["work_start"].text)
	check("work_start", err)
	person.WorkEndMinute, err = clock(row["work_end"].text)
	check("work_end", err)
	unknown, err := p.approvedTools(row["approved_tools"].text, e)
	check("approved_tools", err)
	e.travel, err = travels(row["approved_travel"].text, loc)
	check("approved_travel", err)
	e.exemptUntil, e.until, err = exemptUntil(row["exempt_until"].text, loc)
	check("exempt_until", err)
	if e.reason != "" && e.until == "" && row["exempt_until"].text == "" {
		unknown = append(unknown, leftOut{"exempt_reason", "exempt_reason: a reason without exempt_until exempts nobody"})
		e.reason = ""
	}

	key := serialKey(serial)
	if first, again := p.lines[key]; again && key != "" {
		check("serial", fmt.Errorf("%q is already on line %d, which counts", serial, first))
	}
	for _, part := range unknown {
		if good {
			part.reason += "; the row counts without it"
		}
		at := row[part.column]
		p.note(Problem{p.file, cmp.Or(at.line, line), max(at.column, 1), part.reason, good})
	}
	if !good {
		p.spoilt(row)
		return
	}
	p.lines[key] = line
	p.into.Laptops.entries[key] = e
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
