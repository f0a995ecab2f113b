package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf16"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/detect"
)

type rulesCmd struct {
	Lint    rulesLintCmd    `cmd:"" help:"Check the shipped signals together with your own, and name everything that is wrong with its place."`
	Test    rulesTestCmd    `cmd:"" help:"Run the tests inside the signals."`
	List    rulesListCmd    `cmd:"" help:"List the signals with their question, family, state and weights."`
	Explain rulesExplainCmd `cmd:"" help:"Say what a signal means: conditions, weights, other explanations, sources, and who changed it."`
	Capture rulesCaptureCmd `cmd:"" help:"Write a laptop's picture as a test of a signal, in which whatever could name somebody is replaced."`
	Shadow  rulesShadowCmd  `cmd:"" help:"Count on how many laptops each signal on trial holds."`
	Fields  rulesFieldsCmd  `cmd:"" help:"List every field of the picture that conditions can name, with type, unit and meaning."`
}

// ownSignals are where a company's own signals are.
type ownSignals struct {
	Dirs []string `arg:"" optional:"" name:"dir" help:"Folders or files with signals of your own, later ones overriding earlier; without any, those that the configuration names, if there is one." type:"existingpath"`
}

// paths returns what was named, or else what the configuration names.
func (o *ownSignals) paths(s *surroundings) ([]string, error) {
	if len(o.Dirs) > 0 {
		return o.Dirs, nil
	}
	if _, err := os.Stat(s.config); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	config, err := collector.ReadConfig(s.config)
	if err != nil {
		return nil, err
	}
	return []string{config.Signals}, nil
}

func (o *ownSignals) load(s *surroundings) (*detect.Rules, error) {
	paths, err := o.paths(s)
	if err != nil {
		return nil, err
	}
	return collector.LoadRules(paths...)
}

type rulesLintCmd struct {
	ownSignals

	Output string `short:"o" help:"table, or json: an array of problems." enum:"table,json" default:"table"`
}

// problem is one thing wrong with a signal, as JSON has it.
type problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Reason string `json:"reason"`
}

// Run prints every problem with its place.
func (c *rulesLintCmd) Run(s *surroundings) error {
	paths, err := c.paths(s)
	if err != nil {
		return err
	}
	rules, problems, err := collector.LintRules(paths...)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		all := make([]problem, 0, len(problems))
		for _, p := range problems {
			all = append(all, problem(p))
		}
		if err := writeJSON(s.out, all); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			fmt.Fprintln(s.errOut, "farmhound-collector:", printable(p.Error()))
		}
	}
	if len(problems) > 0 {
		return errSaid
	}
	if c.Output == "table" {
		_, err = fmt.Fprintf(s.out, "%d signals are well formed. Their digest is %s.\n", len(rules.Signals()), rules.Digest())
	}
	return err
}

type rulesTestCmd struct {
	ownSignals

	Output string `short:"o" help:"table, or json: an array of failures." enum:"table,json" default:"table"`
}

// failure is a test that failed, as JSON has it.
type failure struct {
	Signal string `json:"signal"`
	problem
}

// Run prints every test that fails with its place, and what it looked at.
func (c *rulesTestCmd) Run(s *surroundings) error {
	rules, err := c.load(s)
	if err != nil {
		return err
	}
	failures := rules.Test()
	if c.Output == "json" {
		all := make([]failure, 0, len(failures))
		for _, f := range failures {
			all = append(all, failure{f.Signal, problem(f.Problem)})
		}
		if err := writeJSON(s.out, all); err != nil || len(failures) == 0 {
			return err
		}
		return errSaid
	}
	for _, f := range failures {
		fmt.Fprintln(s.errOut, "farmhound-collector:", printable(f.Error()))
	}
	if len(failures) > 0 {
		return fmt.Errorf("%d tests of signals failed", len(failures))
	}
	tests := 0
	for _, signal := range rules.Signals() {
		tests += signal.Tests
	}
	_, err = fmt.Fprintf(s.out, "The tests of %d signals pass, %d in all.\n", len(rules.Signals()), tests)
	return err
}

type rulesListCmd struct {
	ownSignals

	Output string `short:"o" help:"table or json." enum:"table,json" default:"table"`
}

// Run lists the signals.
func (c *rulesListCmd) Run(s *surroundings) error {
	rules, err := c.load(s)
	if err != nil {
		return err
	}
	all := rules.Signals()
	if c.Output == "json" {
		return writeJSON(s.out, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SIGNAL\tQUESTION\tFAMILY\tDB\tHALF-LIFE\tSTATE\tFILE\tTITLE")
	for _, signal := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(signal.ID), signal.Question, signal.Family, weights(signal),
			signal.HalfLife, signal.State, printable(signal.File), printable(signal.Title))
	}
	return w.Flush()
}

// weights are those of all tiers, as conditions of one row of a table.
func weights(signal detect.Signal) string {
	text := ""
	for i, tier := range signal.Tiers {
		if i > 0 {
			text += "|"
		}
		text += fmt.Sprintf("%+g", tier.DB)
	}
	return text
}

type rulesFieldsCmd struct {
	Prefix string `arg:"" optional:"" help:"Only fields whose path begins so, such as device.day5."`
	Output string `short:"o" help:"table or json." enum:"table,json" default:"table"`
}

// Run lists fields.
func (c *rulesFieldsCmd) Run(s *surroundings) error {
	all := make([]detect.Field, 0, 256)
	for _, f := range detect.Fields() {
		if hasPrefix(f.Path, c.Prefix) {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("no field begins with %q; farmhound-collector rules fields lists all of them", c.Prefix)
	}
	if c.Output == "json" {
		return writeJSON(s.out, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "FIELD\tTYPE\tUNIT\tMEANING")
	for _, f := range all {
		unit := f.Unit
		if unit == "" {
			unit = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Path, f.Type, unit, f.Meaning)
	}
	return w.Flush()
}

// hasPrefix takes a path with or without the variable that it begins with.
func hasPrefix(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) || strings.HasPrefix(strings.TrimPrefix(path, "device."), prefix)
}

// writeJSON prints a value for programs. What does not print is escaped: JSON itself
// leaves it to terminals to obey.
func writeJSON(out io.Writer, v any) error {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("render as JSON: %w", err)
	}
	var b strings.Builder
	for _, r := range text.String() {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
