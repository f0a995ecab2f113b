// Command farmhound-lab is the laboratory: simulated laptops, honest and farmed,
// whose reports try out collector and rules.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/simulate"
)

// cli is every command.
type cli struct {
	Simulate simulate.Command `cmd:"" help:"Write a simulated fleet's reports for farmhound-collector replay."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its surroundings as arguments. It returns 0, 1 for a failure
// and 2 for a command that was not understood.
func run(args []string, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("farmhound-lab"),
		kong.Description("Simulated laptops, honest and farmed, to try Farmhound on."),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.Vars{"personas": "One of " + strings.Join(persona.Personas(), ", ") + "."},
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
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(errOut, "farmhound-lab:", err)
		return 1
	}
	return 0
}
