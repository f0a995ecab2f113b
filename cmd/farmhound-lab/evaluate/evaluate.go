package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/geo"
)

// daysOfMonth makes every month hold twenty working days.
const daysOfMonth = 30

// Command is `farmhound-lab evaluate`.
type Command struct {
	Seeds    Seeds    `help:"Worlds to draw: one seed or a range of them." default:"1-4" placeholder:"A-B"`
	Months   int      `help:"How many months of 30 days each world lives, from 1 to 3." default:"1"`
	Size     int      `help:"About how many laptops each world has." default:"90"`
	Casting  string   `help:"Who lives in them: reserved, whom the detector's weights were not chosen on, or former or everyday, whom they were tried on." enum:"reserved,former,everyday" default:"reserved"`
	Personas []string `help:"Keep only laptops of these personas." placeholder:"NAME"`

	HonestOnly   bool `help:"Keep only honest laptops."`
	DeviceMonths int  `help:"Judge worlds, from the first seed on, until so many honest device-months are together. Interrupted, the result is that of the worlds so far." placeholder:"N"`

	Noise persona.Noise `embed:""`

	Ablate   int    `help:"Judge so many of the worlds without each signal in turn." default:"0" placeholder:"WORLDS"`
	Fairness int    `help:"Judge the honest people of so many of the worlds again, with other names, another method of input, declared in other countries." default:"0" placeholder:"WORLDS"`
	Missing  bool   `help:"Judge the worlds again without permissions for agents, without a roster, without address data, each time as --grid does."`
	Signals  string `help:"Folder with signals of your own." type:"existingdir" placeholder:"DIR"`
	Grid     bool   `help:"Judge every six hours rather than with every report as well: several times faster, blind to what lasts shorter."`
	Workers  int    `help:"How many worlds are judged at once; 0 is one for each processor." default:"0"`
	Output   string `short:"o" enum:"table,json" default:"table" help:"table or json."`
	Out      string `help:"Folder for the results as JSON, as a table in Markdown and as drawings, SVG and PNG." type:"path" placeholder:"DIR"`
}

// Seeds are worlds, both ends included.
type Seeds struct{ First, Last uint64 }

// UnmarshalText reads "7" or "1-40".
func (s *Seeds) UnmarshalText(text []byte) error {
	first, last, ranged := strings.Cut(string(text), "-")
	if !ranged {
		last = first
	}
	var errs [2]error
	s.First, errs[0] = strconv.ParseUint(first, 10, 63)
	s.Last, errs[1] = strconv.ParseUint(last, 10, 63)
	if errors.Join(errs[:]...) != nil || s.Last < s.First {
		return fmt.Errorf("%q are no seeds, such as 7 or 1-40", text)
	}
	return nil
}

func (s Seeds) String() string {
	if s.First == s.Last {
		return strconv.FormatUint(s.First, 10)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// lastMoment is when every world ends: results depend on nothing but flags.
var lastMoment = time.Date(2026, time.June, 26, 22, 0, 0, 0, time.UTC)

// Run evaluates and prints.
func (c *Command) Run(ctx context.Context, s *demo.Surroundings) error {
	if c.DeviceMonths < 0 {
		return fmt.Errorf("--device-months is a number above zero, not %d", c.DeviceMonths)
	}
	if honest := persona.HonestOf(c.Casting); c.DeviceMonths > 0 && len(c.Personas) > 0 && !slices.ContainsFunc(c.Personas, func(name string) bool { return slices.Contains(honest, name) }) {
		return errors.New("--device-months counts honest laptops, and none of these personas is honest")
	}
	if c.Months < 1 || c.Months > 3 {
		return fmt.Errorf("a world lives from 1 to 3 months, not %d", c.Months)
	}
	for name, n := range map[string]int{"--ablate": c.Ablate, "--fairness": c.Fairness, "--workers": c.Workers} {
		if n < 0 {
			return fmt.Errorf("%s is a number from zero on, not %d", name, n)
		}
	}
	if c.Out != "" { // what took hours must not be lost for want of a folder
		if err := os.MkdirAll(c.Out, 0o755); err != nil {
			return fmt.Errorf("make the folder for results: %w", err)
		}
	}
	if os.Getenv("GOGC") == "" {
		// Little is kept and much is drawn: collecting a quarter as often saves an eighth of the time.
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	result, err := c.evaluate(ctx, s.Progress)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := result.write(c.Out); err != nil {
			return err
		}
	}
	if c.Output == "json" {
		return result.json(s.Out)
	}
	return result.table(s.Out)
}

func (c *Command) evaluate(ctx context.Context, progress io.Writer) (*Result, error) {
	rules, err := collector.LoadRules(c.Signals)
	if err != nil {
		return nil, err
	}
	places, err := c.places(ctx)
	if err != nil {
		return nil, err
	}
	defer places.Close()
	all, judged, err := c.judgeAll(ctx, bench{rules: rules, places: places, roster: true, grid: c.Grid}, c.options(), progress)
	if err != nil {
		return nil, err
	}
	// The command that gives the same result names the worlds, however many there came to be.
	c.Seeds, c.DeviceMonths = judged, 0
	r := &Result{
		Command: c.line(), Casting: c.Casting, Seeds: c.Seeds.String(), Days: c.Months * daysOfMonth,
		Worlds: int(c.Seeds.Last - c.Seeds.First + 1), Signals: len(rules.Signals()), Interrupted: ctx.Err() != nil,
		Summary: summarise(all), Personas: byPersona(c.Casting, all), Reliability: reliability(all),
		Wronged: cases(all, func(s *seen) bool { return s.kind == persona.Honest && s.flagged() }),
		Missed:  cases(all, func(s *seen) bool { return s.kind == persona.Farm && !s.flagged() }),
	}
	if r.Interrupted {
		return r, nil
	}
	if c.Missing {
		if r.Without, err = c.without(ctx, bench{rules: rules, places: places, roster: true, grid: c.Grid}, progress); err != nil {
			return nil, err
		}
	}
	if c.Fairness > 0 {
		if r.Fairness, err = c.fairness(ctx, bench{rules: rules, places: places, roster: true}, progress); err != nil {
			return nil, err
		}
	}
	if c.Ablate > 0 {
		if r.Ablation, err = c.ablate(ctx, places, progress); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// places opens address data of the drawn worlds, which is the same for all of them.
func (c *Command) places(ctx context.Context) (*geo.Database, error) {
	world, err := persona.NewWorld(c.options().of(c.Seeds.First))
	if err != nil {
		return nil, err
	}
	data, err := world.GeoMMDB()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "farmhound-lab-")
	if err != nil {
		return nil, fmt.Errorf("write address data: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "geo.mmdb")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, fmt.Errorf("write address data: %w", err)
	}
	// It is read whole; that the worlds' days are long past is no reason to warn.
	return geo.Open(ctx, []string{path}, slog.New(slog.DiscardHandler))
}

// without judges the worlds again, each time with something missing or in disorder.
func (c *Command) without(ctx context.Context, b bench, progress io.Writer) ([]Scene, error) {
	b.grid = true // what is asked is what is found at all
	noRoster, noPlaces := b, b
	noRoster.roster, noPlaces.places = false, nil
	unpermitted, noisy := c.options(), c.options()
	unpermitted.Unpermitted = true
	noisy.Noise = persona.Noise{Lost: 0.05, Late: 0.1, Restarts: 0.5}
	var scenes []Scene
	for _, one := range []struct {
		title   string
		bench   bench
		options worldOptions
	}{
		{"Without agents' permissions", b, unpermitted}, {"Without a roster", noRoster, c.options()}, {"Without address data", noPlaces, c.options()},
		{"One report in twenty loses its windows, one delivery in ten is late, agents restart every other day", b, noisy},
	} {
		all, _, err := c.judgeAll(ctx, one.bench, one.options, progress)
		if err != nil {
			return nil, err
		}
		scenes = append(scenes, Scene{one.title, summarise(all)})
	}
	return scenes, ctx.Err()
}

// line is the command that gives the same result.
func (c *Command) line() string {
	words := []string{"farmhound-lab evaluate --seeds", c.Seeds.String(), "--months", strconv.Itoa(c.Months), "--size", strconv.Itoa(c.Size), "--casting", c.Casting}
	if c.HonestOnly {
		words = append(words, "--honest-only")
	}
	words = append(words, c.Noise.Flags()...)
	if len(c.Personas) > 0 {
		words = append(words, "--personas", strings.Join(c.Personas, ","))
	}
	if c.Signals != "" {
		words = append(words, "--signals", quoted(c.Signals))
	}
	if c.Ablate > 0 {
		words = append(words, "--ablate", strconv.Itoa(c.Ablate))
	}
	if c.Fairness > 0 {
		words = append(words, "--fairness", strconv.Itoa(c.Fairness))
	}
	if c.Grid {
		words = append(words, "--grid")
	}
	if c.Missing {
		words = append(words, "--missing")
	}
	return strings.Join(words, " ")
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if strings.ContainsAny(word, " \t\n\"'\\$`*?[]{}()<>|&;~#!") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

func (r *Result) json(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}
