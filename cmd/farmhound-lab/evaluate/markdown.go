package evaluate

import (
	"fmt"
	"strings"
)

// markdown is the result as the laboratory's README shows it.
func (r *Result) markdown() []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "`%s`: %d worlds of %d days, %d signals.\n\n", r.Command, r.Worlds, r.Days, r.Signals)
	for _, w := range r.Summary.words() {
		fmt.Fprintf(&out, "- %s\n", w)
	}
	row := func(cells ...string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	out.WriteString("\n")
	row("persona", "kind", "laptops", "watch", "likely", "near certain", "as", "days to find, median", "p90", "decibans on days 1, 3, 5, 20")
	row("---", "---", "---:", "---:", "---:", "---:", "---", "---:", "---:", "---")
	for _, p := range r.Personas {
		row(p.cells()...)
	}
	out.WriteString("\nWhat was said at the end and what is true, weighed to one farmed laptop in a thousand:\n\n")
	row("probability said", "mean", "farmed", "honest", "share farmed")
	row("---", "---:", "---:", "---:", "---:")
	for _, b := range r.Reliability {
		if b.Farmed+b.Honest > 0 {
			row(fmt.Sprintf("%g to %g", b.From, b.To), fmt.Sprintf("%.4f", b.Said), fmt.Sprint(b.Farmed), fmt.Sprint(b.Honest), fmt.Sprintf("%.4f", b.Share))
		}
	}
	for _, s := range r.Without {
		fmt.Fprintf(&out, "\n%s:\n\n", s.Title)
		for _, w := range s.Summary.words() {
			fmt.Fprintf(&out, "- %s\n", w)
		}
	}
	if len(r.Fairness) > 0 {
		fmt.Fprintf(&out, "\nHonest people who differ from the first group in one thing only. %s\n\n", noLanguage)
		row(fairnessColumns...)
		row("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:")
		for _, g := range r.Fairness {
			row(g.cells()...)
		}
	}
	if a := r.Ablation; a != nil {
		fmt.Fprintf(&out, "\nWithout each signal in turn, judged once a day, %d farmed and %d honest laptops:\n\n", a.Whole.Farmed, a.Whole.Honest)
		row("without", "found", "wronged", "honest at watch or above", "days to find, median", "mean decibans, farmed", "honest")
		row("---", "---:", "---:", "---:", "---:", "---:", "---:")
		for _, s := range append([]Ablated{a.Whole}, a.Signals...) {
			name := s.Signal
			if name == "" {
				name = "(nothing)"
			}
			row(name, fmt.Sprint(s.Found), fmt.Sprint(s.Wronged), fmt.Sprint(s.Watched), days(s.Median), fmt.Sprintf("%.2f", s.FarmDB), fmt.Sprintf("%.2f", s.HonestDB))
		}
	}
	return []byte(out.String())
}
