// Command farmhound-lab is the laboratory: simulated laptops, honest and farmed,
// whose reports try out collector and rules.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/evaluate"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/footprint"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/load"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/simulate"
)

// cli is every command.
type cli struct {
	Demo     demo.Command     `cmd:"" help:"A collector, this computer's agent and a simulated fleet living four weeks in about a minute."`
	Simulate simulate.Command `cmd:"" help:"Write a simulated fleet's reports for farmhound-collector replay."`
	Evaluate evaluate.Command `cmd:"" help:"Measure the detector on simulated fleets: what it finds, how soon, and whom it wrongs."`

	Load       load.Command `cmd:"" help:"How much a collector takes, beside a bare gRPC echo of the same payload: throughput, latency, processor time and bytes."`
	LoadServer load.Server  `cmd:"" hidden:"" help:"One of the servers that load measures."`

	Footprint footprint.Command `cmd:"" help:"What the agent costs this computer: memory, processor, disk and wire."`
}

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its surroundings as arguments. It returns 0, 1 for a failure
// and 2 for a command that was not understood.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("farmhound-lab"),
		kong.Description("Simulated laptops, honest and farmed, to try Farmhound on."),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.Vars{"personas": "Everyday ones are " + strings.Join(persona.Personas(), ", ") + "; of the former and the reserved casting also " + strings.Join(notEveryday(), ", ") + "."},
	)
	if err != nil {
		fmt.Fprintln(errOut, "farmhound-lab:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(errOut, "farmhound-lab:", err)
		return 2
	}
	parsed.Bind(time.Now())
	parsed.BindTo(errOut, (*io.Writer)(nil))
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(&demo.Surroundings{Version: version, Out: out, Progress: errOut})
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(errOut, "farmhound-lab:", err)
		return 1
	}
	return 0
}

// notEveryday are the personas that the everyday casting does not have.
func notEveryday() []string {
	known := persona.Personas()
	var names []string
	for _, name := range append(persona.PersonasOf(persona.Reserved), persona.PersonasOf(persona.Former)...) {
		if !slices.Contains(known, name) {
			known, names = append(known, name), append(names, name)
		}
	}
	return names
}
