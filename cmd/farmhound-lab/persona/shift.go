package persona

import (
	"fmt"
	"time"
)

// habits are when somebody works, by the clock of a zone.
type habits struct {
	zone string
	// start and end are hours after midnight; end may pass 24.
	start, end float64
	// spread is by how many hours both vary from day to day.
	spread float64
	// weekend is the chance to work on a day of the weekend, sick that to miss a day.
	weekend, sick float64
	// away are days off, counted from the world's first day.
	away [2]int
	// workweek are the days that are worked, Sunday first.
	workweek [7]bool
}

var mondayToFriday = [7]bool{false, true, true, true, true, true, false}

// regular draws the habits of somebody who works by day.
func regular(d draw, zone string, days int) habits {
	start := min(max(d.around(8.8, 0.7), 6.5), 10.5)
	h := habits{
		zone: zone, start: start, end: start + d.between(7.6, 9.4), spread: d.between(0.15, 0.5),
		weekend: pick(d, 0, 0, 0.05, 0.15), sick: d.between(0, 0.04), workweek: mondayToFriday,
	}
	if d.chance(0.2) {
		first := d.IntN(days + 1)
		h.away = [2]int{first, first + d.whole(1, 5)}
	}
	return h
}

// clock is a time of day for the roster, to the half hour.
func clock(hours float64) string {
	half := int(hours*2+0.5) % 48
	return fmt.Sprintf("%02d:%02d", half/2, half%2*30)
}

// declare writes the habits into the roster.
func (l *Laptop) declare(h habits) { l.person.start, l.person.end = clock(h.start), clock(h.end) }

// shifts draws the working days of the world's life.
func (w *World) shifts(d draw, h habits) []span {
	loc := w.clocks.load(h.zone)
	first := w.start.In(loc)
	var out []span
	for n := -1; n <= w.opts.Days; n++ {
		midnight := time.Date(first.Year(), first.Month(), first.Day()+n, 0, 0, 0, 0, loc)
		start, end := d.around(h.start, h.spread), d.around(h.end, h.spread)
		works := h.workweek[midnight.Weekday()]
		chance := d.Float64()
		if !works {
			works = chance < h.weekend
			end = start + (end-start)*0.4
		} else {
			works = chance >= h.sick && (n < h.away[0] || n >= h.away[1])
		}
		if !works || end <= start {
			continue
		}
		s := span{midnight.Unix() + int64(start*3600), midnight.Unix() + int64(end*3600)}
		if s.to > w.start.Unix() && s.from < w.end.Unix() {
			out = append(out, s)
		}
	}
	return out
}

// manner is how somebody uses a laptop while at work.
type manner struct {
	active, input, variation float64
	hands                    hands
	assistive                bool
	// calls are how many there are in a day.
	calls float64
	// linger is how many minutes the laptop stays awake after the last use, off the
	// chance that it is then switched off, and naps whether it sleeps at noon.
	linger, off float64
	naps        bool
}

// ordinary draws the manner of somebody at the laptop's own keyboard, or to a share
// at one that is attached.
func ordinary(d draw, attached float64) manner {
	return manner{
		active: d.between(0.5, 0.82), input: d.between(0.35, 0.6), variation: d.between(1.3, 2.8),
		hands: hands{builtIn: 1 - attached, attached: attached}, calls: d.between(0, 3.5),
		linger: d.between(5, 40), off: pick(d, 0, 0, 0.1, 0.8), naps: d.chance(0.4),
	}
}

// live lays working days into the laptop's life.
func (l *Laptop) live(m manner, shifts []span) {
	d := l.d
	for _, s := range shifts {
		end := s.to + int64(m.linger*60)
		noon := s.from + int64(d.between(0.4, 0.6)*float64(s.seconds()))
		lunch := noon + int64(d.between(25, 65)*60)
		first := wake{span{s.from - 45, end}, l.off}
		if m.naps && lunch < s.to {
			first.to = noon + 300
			l.life.awake = append(l.life.awake, wake{span{lunch - 30, end}, false})
		}
		l.life.awake = append(l.life.awake, first)
		l.life.work = append(l.life.work, l.pieces(m, span{s.from, noon})...)
		l.life.work = append(l.life.work, l.pieces(m, span{lunch, s.to})...)
		l.meet(m, s)
		l.off = d.chance(m.off)
	}
}

// neverSleeps keeps the laptop awake from a moment on, but for the restarts that
// updates ask for.
func (l *Laptop) neverSleeps(w *World, from int64) {
	end := w.end.Unix() + daySeconds
	l.life.awake = nil
	for at := from; at < end; {
		until := min(at+int64(l.d.between(6, 16)*daySeconds), end)
		l.life.awake = append(l.life.awake, wake{span{at, until}, true})
		at = until + int64(l.d.between(60, 300))
	}
}

// pieces cuts a stretch of work by pauses.
func (l *Laptop) pieces(m manner, s span) []work {
	var out []work
	for at := s.from; at < s.to; {
		end := min(at+int64(l.d.between(40, 140)*60), s.to)
		out = append(out, work{
			span: span{at, end}, active: m.active, input: m.input, hands: m.hands, variation: m.variation, assistive: m.assistive,
		})
		at = end + int64(l.d.between(3, 18)*60)
	}
	return out
}

// meet draws a day's calls.
func (l *Laptop) meet(m manner, s span) {
	for n := int(m.calls + l.d.Float64()); n > 0; n-- {
		from := s.from + int64(l.d.Float64()*float64(s.seconds()))
		l.life.calls = append(l.life.calls, span{from, min(from+int64(l.d.between(15, 60)*60), s.to)})
	}
}
