package main

import (
	"fmt"
	"io"
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// printWhy prints the ledger as an analyst reads it: verdict, the three answers,
// every piece of evidence, and what is missing. doubts are on what the company says of it.
func printWhy(env *environment, s *fleetv1.DeviceSummary, a *fleetv1.Assessment, doubts ...string) error {
	var b strings.Builder
	line := func(first string, indent int, text string) {
		b.WriteString(first + strings.TrimLeft(wrap(printable(text), indent, env.width), " ") + "\n")
	}
	line("", 0, strings.Join(named(s), ", "))
	line("", 0, fmt.Sprintf("%s, %s, %s at %s", a.GetVerdict(), a.GetKind(), percent(a.GetRisk()), at(a.GetAssessedAt())))
	for _, d := range doubts {
		line("Doubtful: ", 10, d)
	}
	q := a.GetQuestions()
	for _, x := range []struct {
		name string
		q    *fleetv1.Question
	}{{"Remote?", q.GetRemote()}, {"Abroad?", q.GetAbroad()}, {"Farm?", q.GetFarm()}} {
		line(fmt.Sprintf("  %-7s %6s dB  ", x.name, decibans(x.q.GetDb())), 21, x.q.GetSentence())
	}
	b.WriteString("\nEvidence, heaviest first (dB that counted):\n")
	for _, e := range a.GetEvidence() {
		evidence(line, e)
	}
	if len(a.GetEvidence()) == 0 {
		b.WriteString("  none\n")
	}
	if len(a.GetShadow()) > 0 {
		b.WriteString("\nOn trial (dB that each would have counted; it counts nothing):\n")
	}
	for _, e := range a.GetShadow() {
		evidence(line, e)
	}
	if len(a.GetUnknown()) > 0 {
		b.WriteString("\nNot known, or not as usual:\n")
	}
	for _, u := range a.GetUnknown() {
		line("  ", 4, u)
	}
	if len(a.GetWouldChange()) > 0 {
		b.WriteString("\nWhat would change it:\n")
	}
	for _, w := range a.GetWouldChange() {
		line("  ", 4, w)
	}
	_, err := io.WriteString(env.out, b.String())
	return err
}

// evidence prints one piece of it.
func evidence(line func(first string, indent int, text string), e *fleetv1.Evidence) {
	line(fmt.Sprintf("  %6s  ", decibans(e.GetDb())), 10, fmt.Sprintf("%s (%s, %s)", e.GetSignal(), e.GetFamily(), e.GetQuestion()))
	line(strings.Repeat(" ", 10), 10, e.GetBecause())
	line(strings.Repeat(" ", 10), 10, fmt.Sprintf("first seen %s, last seen %s", at(e.GetFirstSeen()), at(e.GetLastSeen())))
	for _, benign := range e.GetBenign() {
		line(strings.Repeat(" ", 10), 12, "could also be: "+benign)
	}
}

// named are the names by which people know a device.
func named(s *fleetv1.DeviceSummary) []string {
	names := []string{s.GetId()}
	for _, x := range []struct{ what, name string }{{"host", s.GetHostname()}, {"serial", s.GetSerial()}, {"person", s.GetPerson()}, {"identity", identity(s)}} {
		if x.name != "" {
			names = append(names, x.what+" "+x.name)
		}
	}
	return names
}
