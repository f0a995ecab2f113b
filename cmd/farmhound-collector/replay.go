package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/geo"
	"github.com/farmhound-security/farmhound/collector/roster"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

type replayCmd struct {
	File    string   `arg:"" help:"Recorded reports, JSON, one per line; - reads standard input."`
	Roster  string   `help:"Roster, CSV or JSON, or a folder of them. JSON can also hold approved tools and offices." type:"path" placeholder:"FILE"`
	Geo     []string `help:"Address data: Country or City, ASN, Anonymous-IP." type:"existingfile" placeholder:"MMDB"`
	Signals string   `help:"Folder with signals of your own." type:"existingdir" placeholder:"DIR"`
	Company string   `help:"Configuration whose company section holds (offices, approved tools, home countries, where the collector stands)." type:"existingfile" placeholder:"FILE"`
	Until   moment   `help:"Judge at this moment (RFC 3339); without it, at the last line's." placeholder:"TIME"`
	Output  string   `short:"o" help:"table, or json: one assessment per line." enum:"table,json" default:"table"`
}

// Run judges the lines. Lines and rows that cannot be used are named, the rest is judged.
func (c *replayCmd) Run(s *surroundings) error {
	rooms, usable, err := c.rooms(s)
	if err != nil {
		return err
	}
	in, name := s.in, "standard input"
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("read the replay: %w", err)
		}
		defer f.Close()
		in, name = f, c.File
	}
	replay := collector.Replay{Rooms: rooms, Until: c.Until.Time}
	assessments, problems, err := replay.Run(s.ctx, name, in)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(s.errOut, "farmhound-collector:", printable(p.Error()))
	}
	if len(assessments) == 0 && len(problems) == 0 {
		fmt.Fprintf(s.errOut, "farmhound-collector: %s has no report to judge%s\n", name, before(c.Until))
	}
	if err := printAssessments(s.out, assessments, c.Output); err != nil {
		return err
	}
	if len(problems) > 0 || !usable {
		return errSaid
	}
	return nil
}

func before(until moment) string {
	if until.IsZero() {
		return ""
	}
	return " up to " + day(until.Time)
}

// rooms opens what the flags name, and says whether all of it could be used.
func (c *replayCmd) rooms(s *surroundings) (rooms collector.Rooms, usable bool, err error) {
	usable = true
	if rooms.Rules, err = collector.LoadRules(c.Signals); err != nil {
		return rooms, false, err
	}
	if c.Company != "" {
		config, err := collector.ReadConfig(c.Company)
		if err != nil {
			return rooms, false, err
		}
		rooms.Company = config.Company
		if rooms.Catalog, err = collector.ReadCatalog(config.Catalog); err != nil {
			return rooms, false, err
		}
		for _, p := range rooms.Unknown() {
			fmt.Fprintln(s.errOut, "farmhound-collector:", printable(p.Error()))
			usable = false
		}
	}
	if c.Roster != "" {
		read, problems, err := collector.ReadRoster(c.Roster, collector.Knows(rooms.Catalog))
		if err != nil {
			return rooms, false, err
		}
		for _, p := range problems {
			fmt.Fprintln(s.errOut, "farmhound-collector:", printable(p.Error()))
			usable = false
		}
		sayUncompared(s, read)
		rooms.Roster, rooms.Book = read, read
	}
	if len(c.Geo) > 0 {
		// Address data may be older than its makers wish: a replay is of the past.
		log := slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: slog.LevelError}))
		places, err := geo.Open(s.ctx, c.Geo, log)
		if err != nil {
			return rooms, false, err
		}
		rooms.Places = places
	}
	return rooms, usable, nil
}

// sayUncompared says which approvals cover more in a replay than in a collector.
func sayUncompared(s *surroundings, book *roster.Book) {
	for _, t := range book.Tools() {
		if len(t.Tenants)+len(t.Accounts) > 0 {
			fmt.Fprintf(s.errOut, "farmhound-collector: %s approves certain installations or accounts; without the fleet's keys a replay cannot tell them apart, and all of %s counts as approved\n", t.Name, t.ID)
		}
	}
}

func printAssessments(out io.Writer, all []*fleetv1.Assessment, format string) error {
	if format == "json" {
		for _, a := range all {
			line, err := collector.AssessmentJSON(a)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(out, "%s\n", line); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE\tVERDICT\tKIND\tRISK\tLIKELY SINCE\tREMOTE\tABROAD\tFARM\tHEAVIEST")
	for _, a := range all {
		q := a.GetQuestions()
		likely := "-"
		if t := a.GetFirstAt().GetLikely(); t != nil {
			likely = t.AsTime().Format(time.DateOnly)
		}
		heaviest := "-"
		if len(a.GetEvidence()) > 0 {
			heaviest = a.GetEvidence()[0].GetFamily()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%+.0f dB\t%+.0f dB\t%+.0f dB\t%s\n", clip(printable(a.GetDevice())), a.GetVerdict(), a.GetKind(),
			percent(a.GetRisk()), likely, q.GetRemote().GetDb(), q.GetAbroad().GetDb(), q.GetFarm().GetDb(), printable(heaviest))
	}
	return w.Flush()
}

// clip keeps a table within a screen; json has the whole.
func clip(name string) string {
	const most = 32
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return name
}

// percent prints a probability. None is certain, and none is printed so.
func percent(p float64) string {
	switch {
	case p > 0.9994:
		return ">99.9 %"
	case p > 0 && p < 0.0005:
		return "<0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*p)
}

// printable keeps what a laptop said from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
