package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// whatIf asks what the verdict hangs on, and prints it.
func (c *whyCmd) whatIf(env *environment) error {
	got, err := asking(env, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.WhatIfResponse, error) {
		return fleet.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: c.Device, Without: c.Without, WithApproved: c.WithApproved, Set: c.Set})
	})
	if err != nil {
		return err
	}
	if env.format == "table" {
		return printWhatIf(env, got)
	}
	return one(env, got, whatIfRows(got))
}

// whatIfRows is the answer as a table: what is left out or added, and the verdict then.
func whatIfRows(a *fleetv1.WhatIfResponse) rows {
	r := rows{header: []string{"case", "signals", "family", "db", "verdict", "kind", "risk", "hosted_risk", "displaced_risk", "when"}}
	add := func(what, signals, family string, db float64, w *fleetv1.Weighing, when string) {
		r.add(what, signals, family, decibans(db), w.GetVerdict(), w.GetKind(), figure(w.GetRisk()), figure(w.GetHostedRisk()), figure(w.GetDisplacedRisk()), when)
	}
	stored := a.GetStored()
	r.add("stored", "", "", "", stored.GetVerdict(), stored.GetKind(), figure(stored.GetRisk()), figure(stored.GetHostedRisk()), figure(stored.GetDisplacedRisk()), "")
	add("now", "", "", a.GetNow().GetDb(), a.GetNow(), "")
	if w := a.GetSupposed(); w != nil {
		add("supposed", "", "", w.GetDb(), w, "")
	}
	for _, list := range []struct {
		what string
		all  []*fleetv1.Removal
	}{{"without piece", a.GetPieces()}, {"without family", a.GetFamilies()}, {"lowered without", a.GetLowers()}} {
		for _, x := range list.all {
			add(list.what, strings.Join(x.GetSignals(), " "), x.GetFamily(), x.GetDb(), x.GetThen(), "")
		}
	}
	for _, x := range a.GetRaises() {
		add("raised with", x.GetSignal(), x.GetFamily(), x.GetDb(), x.GetThen(), oneLine(x.GetWhen()))
	}
	return r
}

// figure is a probability as it is, for programs.
func figure(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) }

// printWhatIf prints the answer as an analyst asks: what is it, what carries it, what
// would lower it, and what would raise it.
func printWhatIf(env *environment, a *fleetv1.WhatIfResponse) error {
	var b strings.Builder
	line := func(first string, indent int, text string) {
		b.WriteString(strings.TrimRight(first+strings.TrimLeft(wrap(printable(text), indent, env.width), " "), " ") + "\n")
	}
	line("", 0, a.GetDevice())
	line("  stored    ", 12, weighed(a.GetStored()))
	line("  now       ", 12, fmt.Sprintf("%s at %s by rules %s", weighed(a.GetNow()), at(a.GetWeighedAt()), short(env, a.GetRules())))
	from := a.GetNow()
	if w := a.GetSupposed(); w != nil {
		from = w
		line("  supposed  ", 12, weighed(w))
	}
	for _, note := range a.GetNotes() {
		line("", 2, "Note: "+note)
	}
	pieces := slices.DeleteFunc(slices.Clone(a.GetPieces()), func(x *fleetv1.Removal) bool {
		// It speaks to the other hypothesis and changes nothing.
		return x.GetDb() == 0 && x.GetThen().GetVerdict() == from.GetVerdict() && x.GetThen().GetKind() == from.GetKind()
	})
	removals(&b, line, "Without each piece of evidence (dB that it counts):", "none", pieces, from, func(x *fleetv1.Removal) string {
		return fmt.Sprintf("%s (%s)", x.GetSignals()[0], x.GetFamily())
	})
	removals(&b, line, "Without each family:", "none", a.GetFamilies(), from, func(x *fleetv1.Removal) string {
		return fmt.Sprintf("%s (%s)", x.GetFamily(), strings.Join(x.GetSignals(), ", "))
	})
	if from.GetVerdict() != "clear" {
		removals(&b, line, "The least that has to fall away for a milder verdict:", "no one or two pieces are enough", a.GetLowers(), from, func(x *fleetv1.Removal) string {
			return strings.Join(x.GetSignals(), " and ")
		})
	}
	if from.GetVerdict() != "near_certain" {
		b.WriteString("\nWhat would raise it by itself, lightest first:\n")
		for _, x := range a.GetRaises() {
			line(fmt.Sprintf("  %6s  ", decibans(x.GetDb())), 10, fmt.Sprintf("%s (%s): %s", x.GetSignal(), x.GetFamily(), changed(from, x.GetThen())))
			line(strings.Repeat(" ", 10), 10, "when "+oneLine(x.GetWhen()))
		}
		if len(a.GetRaises()) == 0 {
			b.WriteString("  nothing that this laptop can show\n")
		}
	}
	for _, lack := range a.GetLacks() {
		line("", 2, "For the next verdict it lacks: "+lack)
	}
	_, err := io.WriteString(env.out, b.String())
	return err
}

// oneLine is a condition that was written over several.
func oneLine(condition string) string { return strings.Join(strings.Fields(condition), " ") }

func removals(b *strings.Builder, line func(string, int, string), title, none string, all []*fleetv1.Removal, from *fleetv1.Weighing, name func(*fleetv1.Removal) string) {
	b.WriteString("\n" + title + "\n")
	for _, x := range all {
		line(fmt.Sprintf("  %6s  ", decibans(x.GetDb())), 10, name(x)+": "+changed(from, x.GetThen()))
	}
	if len(all) == 0 {
		b.WriteString("  " + none + "\n")
	}
}

// weighed is a verdict with its probability and weight.
func weighed(w *fleetv1.Weighing) string {
	text := fmt.Sprintf("%s, %s, %s", w.GetVerdict(), w.GetKind(), percent(w.GetRisk()))
	if w.GetDb() != 0 {
		text += fmt.Sprintf(" (%s dB)", decibans(w.GetDb()))
	}
	return text
}

// changed says what becomes of a verdict.
func changed(from, to *fleetv1.Weighing) string {
	verb := "stays " + to.GetVerdict()
	if from.GetVerdict() != to.GetVerdict() {
		verb = "becomes " + to.GetVerdict()
	}
	if from.GetKind() != to.GetKind() {
		verb += ", " + to.GetKind()
	}
	return fmt.Sprintf("%s, %s (%s dB)", verb, percent(to.GetRisk()), decibans(to.GetDb()))
}
