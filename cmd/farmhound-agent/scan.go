package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/plain"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

type scanCommand struct {
	Output   string        `short:"o" enum:"text,json,jsonl" default:"text" help:"text (plain words with the purpose of every field), json (one indented document) or jsonl (one line per report)."`
	Watch    bool          `help:"Go on until interrupted, and print a whole report whenever something changed."`
	Interval time.Duration `default:"5s" help:"Pause between looks with --watch, at least 100ms."`
	Root     string        `type:"existingdir" placeholder:"DIR" help:"Look at a recorded file tree instead of this machine."`
}

// Help says what a scan is.
func (scanCommand) Help() string {
	return `A scan observes with the same senses as the service and prints what a first delivery would carry. ` +
		`Nothing is sent and nothing is written. It works without enrolment and as an ordinary user; ` +
		`what that user may not see is named. Without the fleet's keys, which come with enrolment, nothing is hashed.`
}

// Run scans once, or until interrupted.
func (c scanCommand) Run(ctx context.Context, cli *commandLine, p process) error {
	if c.Interval < 100*time.Millisecond {
		return usageError{fmt.Errorf("--interval is %v, must be at least 100ms", c.Interval)}
	}
	s, err := cli.load(p, true)
	if err != nil {
		return err
	}
	if cli.Setting.LogLevel == nil {
		// What a sense has to say is in the report; the log is for the service.
		s.LogLevel = max(s.LogLevel, levelQuiet)
	}
	config := agentConfig(s, p)
	config.Root = c.Root
	show := c.printer(p.stdout, s, agent.ReadCatalogue(config))
	if !c.Watch {
		report, err := agent.Scan(ctx, config)
		if err != nil {
			return fmt.Errorf("scan: %w", err)
		}
		return show(report)
	}
	err = agent.Watch(ctx, config, c.Interval, show)
	if errors.Is(err, os.ErrClosed) || isBrokenPipe(err) {
		return nil // whoever read has gone
	}
	return err
}

// levelQuiet is above every level that the senses log at.
const levelQuiet = 12

func (c scanCommand) printer(w io.Writer, s settings.Settings, known agent.Catalogue) func(*farmhoundv1.Report) error {
	switch c.Output {
	case "json":
		return func(r *farmhoundv1.Report) error { return printJSON(w, r, true) }
	case "jsonl":
		return func(r *farmhoundv1.Report) error { return printJSON(w, r, false) }
	default:
		return func(r *farmhoundv1.Report) error { return printPlain(w, r, s, known) }
	}
}

// printJSON writes a report as protojson with the schema's own names. protojson
// varies its spaces on purpose; they are made the same each time.
func printJSON(w io.Writer, r *farmhoundv1.Report, indent bool) error {
	data, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(r)
	if err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	var out bytes.Buffer
	if indent {
		err = json.Indent(&out, data, "", "  ")
	} else {
		err = json.Compact(&out, data)
	}
	if err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err = w.Write(out.Bytes())
	return err
}

func printPlain(w io.Writer, r *farmhoundv1.Report, s settings.Settings, known agent.Catalogue) error {
	where := "No collector is set, so nothing leaves this laptop."
	if s.Collector != "" {
		where = "It would go to " + escape(s.Collector) + "."
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "This is all that a first report of this laptop carries: %d bytes before compression. %s\n", proto.Size(r), where)
	out.WriteString("Beside each field stands why it is needed, the first time it appears.\n")
	for _, sense := range r.GetHealth().GetSenses() {
		if sense.GetState() != farmhoundv1.SenseState_SENSE_STATE_OK {
			fmt.Fprintf(&out, "Hidden from the %s sense (%s): %s.\n", escape(sense.GetName()), agent.SenseWord(sense.GetState()), escape(sense.GetDetail()))
		}
	}
	if hint := privilegeHint(); hint != "" {
		out.WriteString(hint + "\n")
	}
	out.WriteByte('\n')
	if err := plain.Report(&out, r); err != nil {
		return err
	}
	printCatalogue(&out, known)
	_, err := w.Write(out.Bytes())
	return err
}

// printCatalogue says what is looked for and which changes of it this laptop has seen.
// None of it is sent but the digest.
func printCatalogue(out *bytes.Buffer, known agent.Catalogue) {
	kind := "the one built into this program"
	if !known.IssuedAt.IsZero() {
		kind = "signed for this company, of " + known.IssuedAt.Local().Format(time.RFC3339)
	}
	fmt.Fprintf(out, "\nWhat is looked for is catalogue %.12s, %s, with %d entries.\n", known.Digest, kind, known.Entries)
	if known.Refused != "" {
		fmt.Fprintf(out, "Another one was offered and refused: %s.\n", escape(known.Refused))
	}
	if len(known.Changes) == 0 {
		out.WriteString("It has not changed on this laptop, as far as this user may read.\n")
		return
	}
	out.WriteString("It changed on this laptop:\n")
	for _, c := range known.Changes {
		fmt.Fprintf(out, "  %s  %.12s to %.12s: %d entries added, %d removed, %d changed", c.At.Local().Format(time.RFC3339), escape(c.From), escape(c.To), c.Added, c.Removed, c.Changed)
		if len(c.Named) > 0 {
			fmt.Fprintf(out, " (%s)", escape(strings.Join(c.Named, " ")))
		}
		out.WriteByte('\n')
	}
}

// escape makes a text safe for a terminal.
func escape(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}
