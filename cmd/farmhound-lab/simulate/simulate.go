// Package simulate writes a drawn world as recorded reports that
// farmhound-collector replay reads, with the roster and the address data that
// belong to it and, apart from them, the labels.
//
// It may import proto/ and cmd/farmhound-lab/persona.
package simulate

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Command is the subcommand's flags.
type Command struct {
	Seed    uint64   `help:"Draws everything; the same seed and end give the same bytes." default:"1"`
	Days    int      `help:"How many days the world lives." default:"28"`
	Size    int      `help:"About how many laptops the world has." default:"60"`
	Casting string   `help:"Who lives in the world: everyday or former, whom the detector's weights were tried on, or reserved, whom they were not." enum:"everyday,former,reserved" default:"everyday"`
	Persona []string `help:"Keep only laptops of this persona; may be repeated. ${personas}" placeholder:"NAME" sep:"none"`
	Count   int      `help:"Draw at least so many laptops of each persona that was named, whole households and farms, rather than their share of a world." placeholder:"N"`
	Without []string `help:"What is missing: permissions (agents see neither input nor camera and microphone), roster, geo (address data)." enum:"permissions,roster,geo" placeholder:"WHAT"`

	Noise persona.Noise `embed:""`

	End    moment `help:"The world's last moment, RFC 3339; now, cut to the hour, if not given." placeholder:"TIME"`
	Output string `short:"o" help:"Where to write the recorded reports; files beside it take its name." required:"" placeholder:"FILE.jsonl" type:"path"`
}

// moment is a point in time as people write it.
type moment struct{ time.Time }

// UnmarshalText reads RFC 3339.
func (m *moment) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is no RFC 3339 time, such as 2026-03-02T15:00:00Z", text)
	}
	m.Time = t
	return nil
}

// label says what a simulated laptop is.
type label struct {
	Persona string `json:"persona"`
	Kind    string `json:"kind"`
	Serial  string `json:"serial"`
}

// files are what one simulation writes; empty is what it does not.
type files struct{ reports, labels, roster, geo, company string }

func (c *Command) files() files {
	base := strings.TrimSuffix(c.Output, ".jsonl")
	f := files{reports: c.Output, labels: base + ".labels.json"}
	if !slices.Contains(c.Without, "roster") {
		f.roster = base + ".roster.csv"
	}
	if !slices.Contains(c.Without, "geo") {
		f.geo = base + ".geo.mmdb"
	}
	if cmp.Or(c.Casting, persona.Everyday) != persona.Everyday {
		f.company = base + ".company.yaml"
	}
	return f
}

// replay is the command that judges them.
func (f files) replay() string {
	command := "farmhound-collector replay " + f.reports
	for _, one := range []struct{ flag, file string }{{"--roster", f.roster}, {"--geo", f.geo}, {"--company", f.company}} {
		if one.file != "" {
			command += " " + one.flag + " " + one.file
		}
	}
	return command
}

// Run draws the world and writes it. now is the moment that the world ends at if
// the command does not say; messages go to messages.
func (c *Command) Run(ctx context.Context, now time.Time, messages io.Writer) error {
	end := c.End.Time
	if end.IsZero() {
		end = now
	}
	world, err := persona.NewWorld(persona.Options{
		Seed: c.Seed, Days: c.Days, End: end, Personas: c.Persona, Count: c.Count, Size: c.Size, Casting: c.Casting,
		Unpermitted: slices.Contains(c.Without, "permissions"), Noise: c.Noise,
	})
	if err != nil {
		return err
	}
	f := c.files()
	count, err := writeReports(ctx, world, f.reports)
	if err != nil {
		return err
	}
	if err := writeBeside(world, f); err != nil {
		return err
	}
	fmt.Fprintf(messages, "%d reports of %d laptops from %s to %s are in %s, what the laptops are in %s.\n",
		count, len(world.Laptops()), world.Start().Format(time.RFC3339), world.End().Format(time.RFC3339), f.reports, f.labels)
	fmt.Fprintf(messages, "To judge them:\n  %s\n", f.replay())
	return nil
}

// writeReports writes one line for each report, in order of arrival. Half of a world is
// taken away again: it looks like a shorter one.
func writeReports(ctx context.Context, world *persona.World, path string) (count int, err error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("write reports: %w", err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	count, err = writeLines(ctx, world, out)
	if err == nil {
		err = out.Flush()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return count, errors.Join(fmt.Errorf("write reports to %s: %w", path, err), os.Remove(path))
	}
	return count, nil
}

// line is one recorded report.
type line struct {
	ObservedAt string          `json:"observed_at"`
	Device     string          `json:"device"`
	Serial     string          `json:"serial"`
	Peer       string          `json:"peer"`
	PeerRTT    float64         `json:"peer_rtt_ms,omitempty"`
	Paths      []path          `json:"paths,omitempty"`
	Report     json.RawMessage `json:"report"`
}

// path is one way out of a laptop.
type path struct {
	Address      string `json:"address"`
	Kind         string `json:"kind"`
	Tool         string `json:"tool,omitempty"`
	DefaultRoute bool   `json:"default_route,omitempty"`
}

// pathsOf are the ways out that were seen when the report told of the network.
func pathsOf(d persona.Delivery, report *farmhoundv1.Report) []path {
	if report.GetNetwork() == nil {
		return nil
	}
	var paths []path
	for _, w := range d.Ways {
		kind := strings.ToLower(strings.TrimPrefix(w.Kind.String(), "INTERFACE_KIND_"))
		paths = append(paths, path{w.Address.String(), kind, w.Tool, w.Default})
	}
	return paths
}

// writeLines lives the world and writes every report that arrives as a line. It
// returns how many there were.
func writeLines(ctx context.Context, world *persona.World, out io.Writer) (count int, err error) {
	for step := range world.Steps() {
		if err := ctx.Err(); err != nil {
			return count, err
		}
		at := step.At.Format(time.RFC3339)
		for _, d := range step.Deliveries {
			for _, report := range d.Reports {
				encoded, err := protojson.Marshal(report)
				if err != nil {
					return count, fmt.Errorf("encode report: %w", err)
				}
				// json.Marshal compacts what protojson spaces at random.
				text, err := json.Marshal(line{at, d.Laptop.DeviceID, d.Laptop.Serial, d.Peer.String(), d.RTTMillis, pathsOf(d, report), encoded})
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
	}{{f.labels, append(encoded, '\n')}, {f.roster, world.RosterCSV()}, {f.geo, geo}, {f.company, companyOf(world)}} {
		if file.path == "" {
			continue
		}
		if err := os.WriteFile(file.path, file.data, 0o644); err != nil {
			return fmt.Errorf("write beside the reports: %w", err)
		}
	}
	return nil
}

// companyOf is what an administrator would have entered, as a collector's configuration.
func companyOf(world *persona.World) []byte {
	quoted := func(networks []netip.Prefix) string {
		var words []string
		for _, n := range networks {
			words = append(words, strconv.Quote(n.String()))
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	latitude, longitude := world.Collector()
	return fmt.Appendf(nil, "company:\n  offices: %s\n  networks: %s\n  place: {latitude: %g, longitude: %g}\n",
		quoted(world.Offices()), quoted(world.Networks()), latitude, longitude)
}
