package fleet

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What is counted is kept by UTC days: that needs neither a roster nor an order of
// arrival. Days that are judged or told are the person's: an evening in California is on
// the next day in UTC, and a morning in New Zealand on the one before.

// slotsADay is every half hour of a day.
const slotsADay = 1<<(daySeconds/slotSeconds) - 1

// part is what of a UTC day's counts belongs to one date of the person's.
type part struct {
	*fleetv1.Day
	side uint64 // the UTC day's half hours on that date
	// Of all the day's half hours in use, these are the ones from lo to hi.
	lo, hi, all uint8
	// main says that what happened once that day, nobody knows when, counts on this date.
	main bool
}

// of returns the part's portion of a count. Portions are differences of a running total,
// so that those of both parts add up to it.
func (p *part) of(n uint64) uint64 {
	if p.whole() {
		return n
	}
	return n*uint64(p.hi)/uint64(p.all) - n*uint64(p.lo)/uint64(p.all)
}

// count is of for what is counted in 32 bits.
func (p *part) count(n uint32) uint64 { return p.of(uint64(n)) }

// share is that of the day's use.
func (p *part) share() float64 { return float64(p.hi-p.lo) / float64(p.all) }

// slots are the half hours in which activity was seen.
func (p *part) slots() uint64 { return p.GetSlots() & p.side }

func (p *part) whole() bool { return p.hi-p.lo == p.all }

// hours returns those of a day's hours that begin on the part's side of midnight.
func (p *part) hours(all uint32) uint32 {
	if p.whole() {
		return all
	}
	on := uint32(0)
	for left := all; left != 0; left &= left - 1 {
		if hour := bits.TrailingZeros32(left); p.side>>(2*hour)&1 == 1 {
			on |= 1 << hour
		}
	}
	return on
}

// workday is one date of the person's, made of at most two UTC days.
type workday struct {
	date  uint32 // days since 1970 of the person's calendar
	n     int
	parts [2]part // the later first
	// stood is the egress of the laptop's own interface for most of its reports, and left the
	// one from which most of them arrived; nil where there is none.
	stood, left *fleetv1.EgressState
}

func (w *workday) each() []part { return w.parts[:w.n] }

// atOffice says whether the laptop was at an office on the date. A UTC day only tells that
// it was, not when: of two days both must, or one evening there were two days.
func (w *workday) atOffice() bool {
	return !slices.ContainsFunc(w.each(), func(p part) bool { return !p.GetOffice() })
}

// lastOf returns the latest day, of so many dates in use, of which something holds.
func (v *view) lastOf(dates int, holds func(*fleetv1.Day) bool) *fleetv1.Day {
	for _, w := range v.active[:min(dates, len(v.active))] {
		for _, p := range w.each() {
			if holds(p.Day) {
				return p.Day
			}
		}
	}
	return nil
}

// clock is the person's: the roster's, else the laptop's, else UTC.
type clock struct {
	loc *time.Location
	// begins is when a date begins, in seconds after its midnight: a declared night shift
	// counts on the date on which it starts.
	begins int64
	// Between from and to it is ahead of UTC by offset, in seconds.
	from, to, offset int64
}

func (v *view) personsClock() clock {
	zones := []string{v.person.GetTimeZone()}
	// A laptop may send any number of names that are no place's, and looking for one takes long.
	if set := v.pic.GetTimeZone(); strings.Contains(set, "/") {
		zones = append(zones, set)
	}
	for _, zone := range zones {
		if loc := v.f.zones.location(zone); loc != nil {
			return clock{loc: loc, begins: dateBegins(v.person)}
		}
	}
	return clock{loc: time.UTC}
}

// dateBegins is the middle of the rest of whoever is declared to work through midnight.
func dateBegins(p *fleetv1.Person) int64 {
	start, end := int64(p.GetWorkStartMinute()), int64(p.GetWorkEndMinute())
	if p == nil || p.WorkStartMinute == nil || p.WorkEndMinute == nil || end >= start {
		return 0
	}
	return (start + end) / 2 * 60
}

// ahead returns by how many seconds the clock is ahead of UTC at a moment.
func (c *clock) ahead(unix int64) int64 {
	if unix < c.from || unix >= c.to {
		at := time.Unix(unix, 0).In(c.loc)
		_, offset := at.Zone()
		c.offset, c.from, c.to = int64(offset), unix, unix+1
		if from, to := at.ZoneBounds(); !to.IsZero() {
			c.to = to.Unix()
			if !from.IsZero() {
				c.from = from.Unix()
			}
		}
	}
	return c.offset
}

// date returns the date at a moment.
func (c *clock) date(unix int64) uint32 { return dateOf(unix + c.ahead(unix) - c.begins) }

// start returns the moment at which a date begins.
func (c *clock) start(date uint32) int64 {
	local := int64(date)*daySeconds + c.begins
	return local - c.ahead(local-c.ahead(local))
}

func dateOf(local int64) uint32 { return uint32(max(local, 0) / daySeconds) }

// midnight returns the date on which a UTC day begins and its half hours before that
// date ends. A half hour that lies on both lies where its middle does.
func (c *clock) midnight(day uint32) (date uint32, before uint64) {
	start := int64(day) * daySeconds
	passed := func(ahead int64) int64 { return ((-ahead)%daySeconds + daySeconds) % daySeconds }
	ahead := c.ahead(start+daySeconds/2) - c.begins
	// Clocks may be changed that day.
	ahead = c.ahead(start+passed(ahead)) - c.begins
	if passed(ahead) == 0 {
		return dateOf(start + ahead), slotsADay
	}
	return dateOf(start + ahead), 1<<((passed(ahead)+slotSeconds/2-1)/slotSeconds) - 1
}

// split is how a UTC day lies on the person's dates: the one on which it begins, and the
// half hours before that date ends, of those in use so many.
type split struct {
	date         uint32
	early, all   uint8
	earlierSlots uint64
}

func (c *clock) split(d *fleetv1.Day) split {
	date, before := c.midnight(d.GetDay())
	used := usedSlots(d)
	return split{date, uint8(bits.OnesCount64(used & before)), uint8(bits.OnesCount64(used)), before}
}

func (s *split) late() uint8 { return s.all - s.early }

// parts returns what of a UTC day belongs to the date on which it begins and to the next.
// A day that is in use on one side of midnight only belongs there as a whole.
func (s *split) parts(d *fleetv1.Day) (early, late part) {
	early = part{Day: d, side: s.earlierSlots, hi: s.early, all: s.all}
	late = part{Day: d, side: slotsADay &^ s.earlierSlots, lo: s.early, hi: s.all, all: s.all}
	return early, late
}

// usedSlots are the half hours in which a laptop was in use on a day, or, where nobody
// knows, those that windows counted.
func usedSlots(d *fleetv1.Day) uint64 {
	if slots := d.GetSlots() & slotsADay; slots != 0 {
		return slots
	}
	slots := uint64(0)
	for i := 0; i+1 < len(d.GetCounted()); i += 2 {
		for slot := d.GetCounted()[i] / slotSeconds; slot*slotSeconds < d.GetCounted()[i+1]; slot++ {
			slots |= 1 << slot
		}
	}
	return slots & slotsADay
}

// contactDate returns the person's date on which a contact counts: that of the use on
// its day, or its own where no use is known.
func (v *view) contactDate(c *fleetv1.Contact) uint32 {
	days := v.pic.GetDays()
	i, found := slices.BinarySearchFunc(days, c.GetDay(), func(d *fleetv1.Day, day uint32) int { return compare(d.GetDay(), day) })
	if found && usedSlots(days[i]) != 0 {
		return v.dates[i]
	}
	return v.clock.date((c.GetFirstUnix() + c.GetLastUnix()) / 2)
}

// mainDates finds the person's date on which each UTC day counts as a whole: where all of
// its use lies, else on the side of midnight where most of the use of all days does, so
// that the shifts of who works around midnight stay as many as they are.
func (v *view) mainDates() {
	days := v.pic.GetDays()
	v.dates, v.splits = make([]uint32, len(days)), make([]split, len(days))
	earlier, later := 0, 0
	for i, d := range days {
		s := v.clock.split(d)
		v.splits[i] = s
		earlier, later = earlier+int(s.early), later+int(s.late())
		switch {
		case s.all == 0:
			v.dates[i] = v.clock.heardOn(d)
		case s.early == 0:
			v.dates[i] = s.date + 1
		default:
			v.dates[i] = s.date
		}
	}
	if later < earlier {
		return
	}
	for i, s := range v.splits {
		if s.early > 0 && s.late() > 0 {
			v.dates[i] = s.date + 1
		}
	}
}

// heardOn is the date on which a day's first report arrived that tells when, else that of
// its noon.
func (c *clock) heardOn(d *fleetv1.Day) uint32 {
	hour := 12
	if d.GetRttHours() != 0 {
		hour = bits.TrailingZeros32(d.GetRttHours())
	}
	return c.date(int64(d.GetDay())*daySeconds + int64(hour)*3600)
}

// partDays finds the days in use, latest first.
func (v *view) partDays() {
	v.mainDates()
	v.active = make([]workday, 0, activeSpan)
	today := v.now.Unix() / daySeconds
	var open workday
	for i, d := range slices.Backward(v.pic.GetDays()) {
		if len(v.active) == activeSpan {
			return
		}
		// A window may end a little ahead of the collector's clock.
		if int64(d.GetDay()) > today+1 {
			continue
		}
		early, late := v.splits[i].parts(d)
		for _, p := range [...]*part{&late, &early} {
			if p.hi == p.lo {
				continue
			}
			on := v.splits[i].date
			if p == &late {
				on++
			}
			p.main = on == v.dates[i]
			if open.n == len(open.parts) || open.date != on {
				v.use(&open)
				open = workday{date: on}
			}
			open.parts[open.n] = *p
			open.n++
		}
	}
	v.use(&open)
}

// use adds a date to the days in use if it is one.
func (v *view) use(w *workday) {
	if len(v.active) < activeSpan && w.inUse() {
		w.stood, w.left = v.mostOf(w, (*fleetv1.DayEgress).GetPhysical), v.mostOf(w, (*fleetv1.DayEgress).GetReports)
		v.active = append(v.active, *w)
	}
}
