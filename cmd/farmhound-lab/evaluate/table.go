package evaluate

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

func rounded(x float64) float64 { return math.Round(x*100) / 100 }

// table prints what a terminal has room for.
func (r *Result) table(out io.Writer) error {
	if r.Interrupted {
		fmt.Fprintf(out, "Interrupted: this is of the worlds %s.\n", r.Seeds)
	}
	fmt.Fprintln(out, strings.Join(r.Summary.words(), "\n"))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nPERSONA\tKIND\tLAPTOPS\tWATCH\tLIKELY\tNEAR CERTAIN\tAS\tDAYS TO FIND, MEDIAN\tP90\tDECIBANS ON DAYS 1, 3, 5, 20")
	for _, p := range r.Personas {
		fmt.Fprintln(t, strings.Join(p.cells(), "\t"))
	}
	for _, s := range r.Without {
		fmt.Fprintf(t, "\n%s:\n%s\n", s.Title, strings.Join(s.Summary.words(), "\n"))
	}
	if len(r.Fairness) > 0 {
		fmt.Fprintf(t, "\n%s\n%s\n", noLanguage, strings.ToUpper(strings.Join(fairnessColumns, "\t")))
		for _, g := range r.Fairness {
			fmt.Fprintln(t, strings.Join(g.cells(), "\t"))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, group := range []struct {
		title string
		cases []Case
	}{{"Honest and flagged", r.Wronged}, {"Farmed and missed", r.Missed}} {
		for _, c := range group.cases {
			fmt.Fprintf(out, "\n%s: %s\n", group.title, strings.Join(c.lines(), "\n"))
		}
	}
	return nil
}

func (s *Summary) words() []string {
	var lines []string
	if s.Farmed > 0 {
		lines = append(lines, fmt.Sprintf("Found %d of %d farmed laptops (%.1f %%), the median within %s working days, nine of ten within %s.",
			s.Found, s.Farmed, 100*s.Recall, days(s.Median), days(s.P90)))
	}
	if s.HonestMonths > 0 {
		lines = append(lines, fmt.Sprintf("Flagged %d honest laptops in %.0f device-months: %.2f per 10,000, at most %.2f with 95 %% confidence; %d near certain.",
			s.Wronged, s.HonestMonths, s.Rate, s.Upper, s.NearCertain))
	}
	if s.Farmed > 0 && s.Precision != nil && s.AtOneInThousand != nil && s.AtLeast != nil {
		lines = append(lines, fmt.Sprintf("Precision %.3f here, where farms are many; %.3f where one laptop in a thousand is farmed, at least %.3f with 95 %% confidence.",
			*s.Precision, *s.AtOneInThousand, *s.AtLeast))
	}
	return lines
}

// noLanguage is why no group differs in a keyboard's language; a test holds it.
const noLanguage = "No report has a field that a keyboard's language could show in."

var fairnessColumns = []string{"honest people", "laptops", "watch or above", "likely or above", "per 10,000 device-months", "judged differently", "p, watch", "p, likely"}

func (g *Group) cells() []string {
	differ := "drawn anew"
	if g.Differ != nil {
		differ = strconv.Itoa(*g.Differ)
	}
	return []string{
		g.Name, strconv.Itoa(g.Laptops), strconv.Itoa(g.Watched), strconv.Itoa(g.Flagged), fmt.Sprintf("%.1f", g.Rate), differ,
		fmt.Sprintf("%.3f", g.PWatched), fmt.Sprintf("%.3f", g.PFlagged),
	}
}

func days(x *float64) string {
	if x == nil {
		return "never"
	}
	return strconv.FormatFloat(*x, 'f', 1, 64)
}

func (p *Persona) cells() []string {
	as := ""
	switch {
	case p.Hosted > 0 && p.Displaced > 0:
		as = fmt.Sprintf("hosted %d, displaced %d", p.Hosted, p.Displaced)
	case p.Hosted > 0:
		as = "hosted"
	case p.Displaced > 0:
		as = "displaced"
	}
	cells := []string{
		p.Name, p.Kind, strconv.Itoa(p.Laptops), strconv.Itoa(p.Watch), strconv.Itoa(p.Likely), strconv.Itoa(p.NearCertain), as,
	}
	if p.Kind == persona.Honest {
		return append(cells, "", "", "")
	}
	var weights []string
	for _, w := range p.Weights {
		if w == nil {
			weights = append(weights, "–")
		} else {
			weights = append(weights, strconv.FormatFloat(*w, 'f', 1, 64))
		}
	}
	return append(cells, days(p.Median), days(p.P90), strings.Join(weights, " "))
}

func (c *Case) lines() []string {
	lines := []string{fmt.Sprintf("%s, %s of world %d: %s (%s), risk %.4f", c.Persona, c.Serial, c.Seed, c.Verdict, c.Kind, c.Risk)}
	for _, e := range c.Ledger {
		lines = append(lines, fmt.Sprintf("  %+5.1f %s: %s", e.DB, e.Signal, e.Because))
	}
	for _, l := range c.Lacks {
		lines = append(lines, "  "+l)
	}
	return lines
}
