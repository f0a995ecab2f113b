package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/collector/detect"
)

type rulesExplainCmd struct {
	ID string `arg:"" help:"Id of the signal; farmhound-collector rules list shows them."`
	ownSignals

	Output string `short:"o" help:"table or json." enum:"table,json" default:"table"`
}

// Run explains one signal.
func (c *rulesExplainCmd) Run(s *surroundings) error {
	rules, err := c.load(s)
	if err != nil {
		return err
	}
	signal, like, ok := rules.Signal(c.ID)
	if !ok && like != "" {
		return fmt.Errorf("there is no signal %q; did you mean %q?", c.ID, like)
	}
	if !ok {
		return fmt.Errorf("there is no signal %q; farmhound-collector rules list shows them", c.ID)
	}
	if c.Output == "json" {
		return writeJSON(s.out, signal)
	}
	_, err = io.WriteString(s.out, printableLines(explanation(signal)))
	return err
}

// questions are the words of the questions that signals answer.
var questions = map[string]string{
	"remote": "remote: is somebody who is not in front of this laptop at its controls?",
	"abroad": "abroad: is that somebody, or the laptop, elsewhere than supposed?",
	"farm":   "farm: is this laptop kept together with others, as hosted equipment?",
	"trust":  "trust: can the laptop's own word be trusted?",
}

// states are what the states of a signal mean.
var states = map[string]string{
	detect.StateOn:     "on",
	detect.StateShadow: "on trial: it is evaluated and shown, and weighs nothing",
	detect.StateOff:    "off: it is not evaluated",
}

// explanation is a signal in words, for people.
func explanation(signal detect.Signal) string {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-11s %s\n", name, text)
		}
	}
	fmt.Fprintf(&b, "%s: %s\n\n", signal.ID, signal.Title)
	line("question", questions[signal.Question])
	line("family", fmt.Sprintf("%s: %s", signal.Family, signal.FamilyMeans))
	for _, kind := range []string{"hosted", "displaced"} {
		if family := signal.CountsFor[kind]; family != "" {
			line("counts for", kind+" (as "+family+")")
		}
	}
	line("state", states[signal.State])
	line("note", strings.ReplaceAll(signal.Note, "\n", " "))
	line("half-life", signal.HalfLife.String()+" after it was last seen")
	line("needs", strings.Join(signal.Needs, ", "))
	line("except", strings.Join(signal.Except, ", "))
	if signal.OnlyWith != "" {
		line("only with", "evidence of the family "+signal.OnlyWith)
	}
	if signal.Beside > 0 {
		line("beside", fmt.Sprintf("at least %g dB of its own family", signal.Beside))
	}
	if signal.Circumstantial {
		line("so far", "circumstantial: it does not answer its question by itself")
	}
	line("ATT&CK", strings.Join(signal.Attack, ", "))
	b.WriteString("\nTiers; the first that holds counts:\n")
	for _, tier := range signal.Tiers {
		was := ""
		if tier.Was != nil {
			was = fmt.Sprintf(" (overridden; was %+g dB)", *tier.Was)
		}
		fmt.Fprintf(&b, "  %d  %+g dB%s\n", tier.Tier, tier.DB, was)
		fmt.Fprintf(&b, "     when  %s\n", indented(tier.When, 11))
		fmt.Fprintf(&b, "     says  %s\n", indented(tier.Because, 11))
	}
	if signal.Withdrawn != "" {
		fmt.Fprintf(&b, "\nWithdrawn at once when\n     %s\n", indented(signal.Withdrawn, 5))
	}
	listed(&b, "Could also be", signal.Benign)
	listed(&b, "Sources", signal.Sources)
	fmt.Fprintf(&b, "\n%d tests. Read from %s.\n", signal.Tests, signal.File)
	for _, o := range slices.Backward(signal.Overrides) {
		if len(o.Keys) > 0 {
			fmt.Fprintf(&b, "%s changes of %s: %s.\n", o.By, o.Of, strings.Join(o.Keys, ", "))
		} else {
			fmt.Fprintf(&b, "%s stands in the place of %s.\n", o.By, o.Of)
		}
	}
	return b.String()
}

func listed(b *strings.Builder, title string, all []string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, one := range all {
		fmt.Fprintf(b, "  %s\n", one)
	}
}

// indented keeps the lines of a text below each other.
func indented(text string, by int) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", by))
}

// printableLines is printable for a text of several lines.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
