package load

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/laptop"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

// Command is `farmhound-lab load`.
type Command struct {
	Agents   int           `default:"200" help:"How many laptops report, from 1 to 2000."`
	For      time.Duration `default:"20s" help:"How long each of the two servers is measured; less where everything is delivered before."`
	Days     int           `default:"3" help:"How many days of the laptops' lives there are to deliver, from 1 to 30."`
	Parallel int           `default:"32" help:"Deliveries that are under way at once, from 1 to 256."`
	Seed     uint64        `default:"1" help:"Draws the laptops."`
	Output   string        `short:"o" enum:"table,json" default:"table" help:"table or json."`

	Collector  string `placeholder:"HOST:PORT" help:"A collector that runs already, instead of one of its own. The laptops stay in its store: take one that is there to be tried."`
	SecretFile string `type:"existingfile" placeholder:"FILE" help:"File with an enrolment secret of that collector."`
	CAFile     string `name:"ca-file" type:"existingfile" placeholder:"FILE" help:"That collector's CA, as init leaves it beside the configuration."`
}

// mostTime bounds what is not measured itself: opening, enrolment, closing.
const mostTime = 2 * time.Minute

// Run measures and prints. One that is interrupted prints what it has seen so far.
func (c *Command) Run(ctx context.Context, s *demo.Surroundings) error {
	if err := c.check(); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, 2*c.For+mostTime)
	defer cancel()
	result, err := c.measure(bounded, s.Progress)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		encoder := json.NewEncoder(s.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	return result.write(s.Out)
}

func (c *Command) check() error {
	for _, bound := range []struct {
		flag              string
		value, low, highs int
	}{{"agents", c.Agents, 1, 2000}, {"days", c.Days, 1, 30}, {"parallel", c.Parallel, 1, 256}} {
		if bound.value < bound.low || bound.value > bound.highs {
			return fmt.Errorf("--%s is from %d to %d, not %d", bound.flag, bound.low, bound.highs, bound.value)
		}
	}
	if c.For <= 0 {
		return fmt.Errorf("--for is a time above zero, not %v", c.For)
	}
	if c.Collector == "" {
		if c.SecretFile != "" || c.CAFile != "" {
			return errors.New("--secret-file and --ca-file are for a collector that runs already; name it with --collector")
		}
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Collector); err != nil {
		return fmt.Errorf("--collector %q: expected an address such as collector.example.com:8443", c.Collector)
	}
	if c.SecretFile == "" || c.CAFile == "" {
		return errors.New("--collector needs --secret-file and --ca-file: laptops enrol with the one and know it by the other")
	}
	return nil
}

// target is a collector to report to.
type target struct {
	line laptop.Line
	// secrets are used in turn: each enrols so many a second.
	secrets []string
	// cost tells what the server has used; nil where it runs elsewhere.
	cost func(context.Context) (cost, error)
}

func (c *Command) measure(ctx context.Context, progress io.Writer) (result *Result, err error) {
	dir, err := os.MkdirTemp("", "farmhound-load-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the measurement: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprintf(progress, "Drawing %d days of %d laptops.\n", c.Days, c.Agents)
	world, err := persona.NewWorld(persona.Options{Seed: c.Seed, Days: c.Days, End: time.Now(), Size: c.Agents*6/5 + 10})
	if err != nil {
		return nil, err
	}
	created, err := prepare(ctx, dir, world)
	if err != nil {
		return nil, err
	}
	echo, err := start(ctx, dir, echoServer)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, echo.stop()) }()
	var to target
	if c.Collector == "" {
		own, err := start(ctx, dir, collectorServer)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, own.stop()) }()
		to = target{line: created.line(own.Address, true), secrets: created.secrets, cost: own.cost}
	} else if to, err = c.elsewhere(); err != nil {
		return nil, err
	}
	f := &fleet{agents: draw(ctx, world, c.Agents, to.line), parallel: c.Parallel}
	defer func() { err = errors.Join(err, f.close()) }()
	result = &Result{Agents: len(f.agents), Parallel: c.Parallel, Elsewhere: c.Collector}
	if result.Enrolment, err = f.enroll(ctx, to.secrets); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "%d laptops enrolled in %.1f s; %d reports wait to be delivered.\n", len(f.agents), result.Enrolment, f.reports())
	if result.Echo, err = f.run(ctx, c.For, newEchoing(created.line(echo.Address, false)), echo.cost); err != nil {
		return nil, err
	}
	fmt.Fprintln(progress, "The echo is measured; now the collector.")
	if result.Collector, err = f.run(ctx, c.For, reporting{to.line.Carried}, to.cost); err != nil {
		return nil, err
	}
	result.Interrupted = ctx.Err() != nil
	result.compare()
	return result, nil
}

// elsewhere is the collector that the flags name.
func (c *Command) elsewhere() (target, error) {
	secret, err := os.ReadFile(c.SecretFile)
	if err != nil {
		return target{}, fmt.Errorf("read the enrolment secret: %w", err)
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return target{}, fmt.Errorf("read the collector's CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return target{}, fmt.Errorf("%s: there is no certificate in PEM", c.CAFile)
	}
	host, _, err := net.SplitHostPort(c.Collector)
	if err != nil {
		return target{}, err
	}
	return target{
		line:    laptop.Line{Address: c.Collector, Name: host, Roots: roots, Carried: new(atomic.Int64)},
		secrets: []string{strings.TrimSpace(string(secret))},
	}, nil
}
