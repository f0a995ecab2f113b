// Command farmhound-collector is the server: it takes reports, judges and alerts.
// Its other commands prepare it (init, secret, token, device) and work offline
// (replay, rules, catalog, roster). It may import collector/ and proto/, never agent/.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// cli is every command and flag.
type cli struct {
	Config string `help:"Configuration file; /etc/farmhound/collector.yaml when not given." env:"FARMHOUND_COLLECTOR_CONFIG" type:"path" placeholder:"FILE" default:"/etc/farmhound/collector.yaml"`

	Init    initCmd    `cmd:"" help:"Make a CA, a server certificate, a store, a configuration, a first enrolment secret and an admin token."`
	Serve   serveCmd   `cmd:"" help:"Take reports and answer analysts until interrupted."`
	Secret  secretCmd  `cmd:"" help:"Enrolment secrets."`
	Token   tokenCmd   `cmd:"" help:"API tokens of analysts and machines."`
	Device  deviceCmd  `cmd:"" help:"Identities of devices."`
	CA      caCmd      `cmd:"" name:"ca" help:"The CA of laptops and server."`
	Key     keyCmd     `cmd:"" help:"The keys that laptops hash networks, peripherals and accounts with."`
	Replay  replayCmd  `cmd:"" help:"Judge recorded lives offline: one report per line in, one assessment per device out."`
	Rules   rulesCmd   `cmd:"" help:"The signals that evidence is made with."`
	Verdict verdictCmd `cmd:"" help:"Past verdicts."`
	Catalog catalogCmd `cmd:"" help:"The catalogue of what agents look for."`
	Roster  rosterCmd  `cmd:"" help:"The roster of who should be where."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// surroundings are what commands run in.
type surroundings struct {
	ctx    context.Context //nolint:containedctx // kong binds values, not arguments; it lives as long as the command
	config string
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

// errSaid ends a command whose problems were printed already.
var errSaid = errors.New("some input could not be used")

// run is main with its surroundings as arguments. It returns 0, 1 for a failure
// and 2 for a command that was not understood.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("farmhound-collector"),
		kong.Description("Find issued laptops that are driven from elsewhere, and say why."),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
	)
	if err != nil {
		fmt.Fprintln(errOut, "farmhound-collector:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "farmhound-collector: %s; farmhound-collector --help says what there is\n", printable(err.Error()))
		return 2
	}
	err = parsed.Run(&surroundings{ctx: ctx, config: c.Config, in: in, out: out, errOut: errOut})
	switch {
	case errors.Is(err, errSaid):
		return 1
	case err != nil:
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(errOut, "farmhound-collector:", printable(line))
		}
		return 1
	}
	return 0
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(s *surroundings) error {
	_, err := fmt.Fprintln(s.out, version)
	return err
}

// span is a length of time as people write it.
type span time.Duration

// UnmarshalText reads a duration, in which days may stand for hours.
func (s *span) UnmarshalText(text []byte) error {
	days, isDays := strings.CutSuffix(string(text), "d")
	d, err := time.ParseDuration(string(text))
	if n, notDays := strconv.ParseUint(days, 10, 16); isDays && notDays == nil {
		d, err = time.Duration(n)*24*time.Hour, nil
	}
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no length of time, such as 12h or 30d", text)
	}
	*s = span(d)
	return nil
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

// day prints a moment for people; never where it is not set.
func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}
