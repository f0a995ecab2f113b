// Package simulate writes a drawn world as recorded reports that
// farmhound-collector replay reads, with the roster and the address data that
// belong to it and, apart from them, the labels.
//
// It may import proto/ and cmd/farmhound-lab/persona.
package simulate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

// Command is the subcommand's flags.
type Command struct {
	Seed    uint64    `help:"Draws everything; the same seed and end give the same bytes." default:"1"`
	Days    int       `help:"How many days the world lives." default:"28"`
	Size    int       `help:"About how many laptops the world has." default:"60"`
	Persona []string  `help:"Keep only laptops of this persona; may be repeated. ${personas}" placeholder:"NAME" sep:"none"`
	End     time.Time `help:"The world's last moment, RFC 3339; now, cut to the hour, if not given." placeholder:"TIME"`
	Output  string    `short:"o" help:"Where to write the recorded reports; files beside it take its name." required:"" placeholder:"FILE.jsonl" type:"path"`
}

// label says what a simulated laptop is.
type label struct {
	Persona string `json:"persona"`
	Kind    string `json:"kind"`
	Serial  string `json:"serial"`
}

// files are what one simulation writes.
type files struct{ reports, labels, roster, geo string }

func filesBeside(reports string) files {
	base := strings.TrimSuffix(reports, ".jsonl")
	return files{reports, base + ".labels.json", base + ".roster.csv", base + ".geo.mmdb"}
}

// Run draws the world and writes it. now is the moment that the world ends at if
// the command does not say; messages go to messages.
func (c *Command) Run(now time.Time, messages io.Writer) error {
	end := c.End
	if end.IsZero() {
		end = now
	}
	world, err := persona.NewWorld(persona.Options{Seed: c.Seed, Days: c.Days, End: end, Personas: c.Persona, Size: c.Size})
	if err != nil {
		return err
	}
	f := filesBeside(c.Output)
	count, err := writeReports(world, f.reports)
	if err != nil {
		return err
	}
	if err := writeBeside(world, f); err != nil {
		return err
	}
	fmt.Fprintf(messages, "%d reports of %d laptops from %s to %s are in %s, what the laptops are in %s.\n",
		count, len(world.Laptops()), world.Start().Format(time.RFC3339), world.End().Format(time.RFC3339), f.reports, f.labels)
	fmt.Fprintf(messages, "To judge them:\n  farmhound-collector replay %s --roster %s --geo %s\n", f.reports, f.roster, f.geo)
	return nil
}

// writeReports writes one line for each report, in order of arrival.
func writeReports(world *persona.World, path string) (count int, err error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("write reports: %w", err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	count, err = writeLines(world, out)
	if err == nil {
		err = out.Flush()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return count, fmt.Errorf("write reports to %s: %w", path, err)
	}
	return count, nil
}

// line is one recorded report.
type line struct {
	ObservedAt string          `json:"observed_at"`
	Device     string          `json:"device"`
	Serial     string          `json:"serial"`
	Peer       string          `json:"peer"`
	Report     json.RawMessage `json:"report"`
}

// writeLines lives the world and writes every report that arrives as a line. It
// returns how many there were.
func writeLines(world *persona.World, out io.Writer) (count int, err error) {
	for step := range world.Steps() {
		at := step.At.Format(time.RFC3339)
		for _, d := range step.Deliveries {
			for _, report := range d.Reports {
				encoded, err := protojson.Marshal(report)
				if err != nil {
					return count, fmt.Errorf("encode report: %w", err)
				}
				// json.Marshal compacts what protojson spaces at random.
				text, err := json.Marshal(line{at, d.Laptop.DeviceID, d.Laptop.Serial, d.Peer.String(), encoded})
				if err != nil {
					return count, fmt.Errorf("encode report: %w", err)
				}
				if _, err := out.Write(append(text, '\n')); err != nil {
					return count, err
				}
				count++
			}
		}
	}
	return count, nil
}

func writeBeside(world *persona.World, f files) error {
	labels := map[string]label{}
	for _, l := range world.Laptops() {
		labels[l.DeviceID] = label{l.Persona, l.Kind, l.Serial}
	}
	encoded, err := json.MarshalIndent(labels, "", "  ")
	if err != nil {
		return fmt.Errorf("encode labels: %w", err)
	}
	geo, err := world.GeoMMDB()
	if err != nil {
		return err
	}
	for _, file := range []struct {
		path string
		data []byte
	}{{f.labels, append(encoded, '\n')}, {f.roster, world.RosterCSV()}, {f.geo, geo}} {
		if err := os.WriteFile(file.path, file.data, 0o644); err != nil {
			return fmt.Errorf("write beside the reports: %w", err)
		}
	}
	return nil
}
