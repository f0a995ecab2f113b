// Command farmhound is the analyst's command line: a client of the collector's
// services for analysts and nothing more. It may import proto/ only.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is every command and flag.
type cli struct {
	Config string `help:"Where login keeps the collector's address and the token." env:"FARMHOUND_CONFIG" placeholder:"FILE"`
	Output string `short:"o" help:"table, json, yaml or csv." enum:"table,json,yaml,csv" default:"table"`

	Login    loginCmd    `cmd:"" help:"Remember a collector and a token, after trying them."`
	Devices  devicesCmd  `cmd:"" help:"List devices, riskiest first."`
	Device   deviceCmd   `cmd:"" help:"One device."`
	Timeline timelineCmd `cmd:"" help:"What happened on a device, oldest first."`
	Why      whyCmd      `cmd:"" help:"The ledger: every piece of evidence with weight, dates and benign readings."`
	Verdicts verdictsCmd `cmd:"" help:"What was concluded about a device day by day, and by which rules, roster and catalogue."`
	Sites    sitesCmd    `cmd:"" help:"Where laptops are kept together."`
	Roster   rosterCmd   `cmd:"" help:"Who should have which laptop, and where."`
	Tools    toolsCmd    `cmd:"" help:"Remote tools that the company uses itself."`
	Offices  officesCmd  `cmd:"" help:"Offices and networks of the company."`
	Alerts   alertsCmd   `cmd:"" help:"Alerts."`
	Whoami   whoamiCmd   `cmd:"" help:"Name and role of the token in use."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// version is set by the build.
var version = "dev"

// environment is what commands run with.
type environment struct {
	ctx    context.Context //nolint:containedctx // kong binds values, not arguments; it lives as long as the command
	config string
	format string
	width  int // of a table, in characters
	in     io.Reader
	out    io.Writer
	errOut io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its surroundings as arguments. It returns 0, 1 for a failure
// and 2 for a command that was not understood.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("farmhound"),
		kong.Description("Ask a Farmhound collector which laptops are driven from elsewhere, and why."),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
	)
	if err != nil {
		fmt.Fprintln(errOut, "farmhound:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "farmhound: %s; farmhound --help says what there is\n", printable(err.Error()))
		return 2
	}
	if c.Config != "" {
		c.Config = kong.ExpandPath(c.Config)
	} else {
		dir, err := os.UserConfigDir()
		if err != nil {
			fmt.Fprintln(errOut, "farmhound: no place for the configuration; give --config:", err)
			return 2
		}
		c.Config = filepath.Join(dir, "farmhound", "config.json")
	}
	env := &environment{ctx: ctx, config: c.Config, format: c.Output, width: widthOf(out), in: in, out: out, errOut: errOut}
	switch err := parsed.Run(env); {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "farmhound: interrupted")
		return 1
	case err != nil:
		fmt.Fprintln(errOut, "farmhound:", printable(err.Error()))
		return 1
	}
	return 0
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(env *environment) error {
	said := map[string]string{"version": version}
	switch env.format {
	case "json":
		return writeJSON(env.out, said)
	case "yaml":
		return writeYAML(env.out, said)
	}
	_, err := fmt.Fprintln(env.out, version)
	return err
}
