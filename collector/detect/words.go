package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What follows writes values the one way in which sentences show them.

// percent writes a share of 0..1.
func percent(share float64) string {
	p := math.Round(share * 100)
	switch {
	case share > 0 && p < 1:
		return "under 1 %"
	case share < 1 && p > 99:
		return "over 99 %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// number writes at most one decimal, and none from ten up.
func number(x float64) string {
	if abs(x) >= 10 {
		return strconv.FormatFloat(math.Round(x), 'f', 0, 64)
	}
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}

func hours(x float64) string {
	n := number(x)
	if n == "1" {
		return "1 hour"
	}
	return n + " hours"
}

// atLeastMilliseconds and atMostMilliseconds round bounds so that they stay true.
func atLeastMilliseconds(x float64) string { return number(toward(x, math.Floor)) + " ms" }
func atMostMilliseconds(x float64) string  { return number(toward(x, math.Ceil)) + " ms" }

// toward rounds to what number shows of a value.
func toward(x float64, round func(float64) float64) float64 {
	if abs(x) >= 10 {
		return round(x)
	}
	return round(x*10) / 10
}

// count writes a number of whole things; what is begun does not count.
func count(n float64, one, many string) string {
	var b [64]byte
	return string(appendCount(b[:0], n, one, many))
}

// What begins with append adds words to those before, so that a sentence is made at once.

func appendCount(b []byte, n float64, one, many string) []byte {
	if n = math.Floor(n); n == 1 {
		many = one
	}
	return append(append(strconv.AppendFloat(b, n, 'f', 0, 64), ' '), many...)
}

const day = 24 * time.Hour

func date(t time.Time) string {
	var b [16]byte
	return string(appendDate(b[:0], t))
}

func appendDate(b []byte, t time.Time) []byte {
	if t.Unix() <= 0 {
		return append(b, "an unknown date"...)
	}
	return t.UTC().AppendFormat(b, "2 Jan 2006")
}

// appendDates writes a span of days whose end is the midnight after the last.
func appendDates(b []byte, from, to time.Time) []byte {
	from, to = from.UTC(), to.UTC().Add(-time.Nanosecond)
	switch {
	case from.Unix() <= 0 || to.Before(from):
		return append(b, "unknown dates"...)
	case from.Year() != to.Year():
		b = append(appendDate(b, from), " – "...)
	case from.Month() != to.Month():
		b = append(from.AppendFormat(b, "2 Jan"), " – "...)
	case from.Day() != to.Day():
		b = append(from.AppendFormat(b, "2"), "–"...)
	}
	return appendDate(b, to)
}

// period writes the days that an activity is summed over.
func period(a *fleetv1.Activity) string {
	var b [96]byte
	return string(appendPeriod(b[:0], a))
}

func appendPeriod(b []byte, a *fleetv1.Activity) []byte {
	if a.GetDays() == 1 && a.GetFrom() != nil && a.GetTo() != nil {
		return appendDates(append(b, "on "...), a.GetFrom().AsTime(), a.GetTo().AsTime())
	}
	return appendDays(append(b, "over "...), a)
}

// seesActivity says whether a sense told when the laptop was in use.
func seesActivity(a *fleetv1.Activity) bool {
	return a == nil || a.ActiveHours != nil || a.InputHours != nil
}

// ofTime says of what a share of activity is a share.
func ofTime(a *fleetv1.Activity) string {
	if a.ActiveHours == nil {
		return "of the time that it was awake (ten hours a day at most)"
	}
	return "of its active time"
}

// names lists names, each once, the first few in full.
func names(list []string) string {
	const most = 4
	if len(list) == 0 {
		return "an unnamed tool"
	}
	clean := make([]string, 0, len(list))
	for _, name := range list {
		if name = plain(name); !slices.Contains(clean, name) {
			clean = append(clean, name)
		}
	}
	rest := len(clean) - most
	clean = clean[:min(len(clean), most)]
	last := clean[len(clean)-1]
	switch {
	case rest > 0:
		return strings.Join(clean, ", ") + " and " + strconv.Itoa(rest) + " more"
	case len(clean) == 1:
		return last
	}
	return strings.Join(clean[:len(clean)-1], ", ") + " and " + last
}

// longest bounds words that did not come from us, in bytes.
const longest = 64

// plain makes words that may come from a device safe to stand in a sentence: one
// bounded line of printable text.
func plain(s string) string { return printable(s, longest) }

// longestClause bounds what one observation says, in bytes.
const longestClause = 600

// printable keeps the printable part of a text, on one line and bounded.
func printable(s string, longest int) string {
	if len(s) <= longest && isPrintable(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s)
	if len(s) <= longest {
		return s
	}
	cut := longest
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// isPrintable says whether there is nothing else in a text, as is so of most.
func isPrintable(s string) bool {
	for _, r := range s {
		if (r < ' ' || r > '~') && (r == utf8.RuneError || !unicode.IsGraphic(r)) {
			return false
		}
	}
	return true
}

// said quotes a device's own words, so that they cannot pass for ours.
func said(s string) string { return strconv.QuoteToGraphic(plain(s)) }

// sentence makes a clause one: observations are kept as clauses, so that they can
// stand alone or be joined. A name that is written small stays so.
func sentence(clause string) string {
	r, size := utf8.DecodeRuneInString(clause)
	if size == 0 {
		return ""
	}
	first, _, _ := strings.Cut(clause, " ")
	if !strings.ContainsFunc(first, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsDigit(r) }) {
		r = unicode.ToUpper(r)
	}
	return string(r) + clause[size:] + "."
}

// lower makes a sentence's beginning one that may follow other words.
func lower(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToLower(r)) + s[size:]
}

// decibans writes a weight with its sign.
func decibans(db float64) string { return fmt.Sprintf("%+.1f dB", db) }

// round1 is the precision in which weights are shown; sums are made of what is shown.
func round1(x float64) float64 {
	r := math.Round(x*10) / 10
	if r == 0 {
		return 0 // not minus zero
	}
	return r
}
