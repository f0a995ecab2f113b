package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/shirou/gopsutil/v3/process"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/laptop"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/pki"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Server is the process of one of the servers, which `load` starts: a process of its own
// has a cost of its own. It ends with its standard input.
type Server struct {
	Kind string `arg:"" enum:"collector,echo"`
	Dir  string `arg:"" type:"existingdir"`
}

const (
	collectorServer = "collector"
	echoServer      = "echo"

	loopback = "127.0.0.1"
	// endTime is how long a server may take to end.
	endTime = 30 * time.Second
)

// hello is what a server says once it listens.
type hello struct {
	Address string `json:"address"`
}

// Run serves until standard input ends.
func (s *Server) Run(ctx context.Context, around *demo.Surroundings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Nobody waits for this one: reading an open standard input cannot be interrupted,
	// and the process ends with Run.
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return fmt.Errorf("listen on the loopback interface: %w", err)
	}
	serve := serveEcho
	if s.Kind == collectorServer {
		serve = serveCollector
	}
	return serve(ctx, s.Dir, listener, func() error {
		return json.NewEncoder(around.Out).Encode(hello{listener.Addr().String()})
	})
}

func serveCollector(ctx context.Context, dir string, listener net.Listener, ready func() error) error {
	config := collector.DefaultConfig()
	config.Data, config.Roster, config.Geo = dataOf(dir), filepath.Join(dir, "roster.csv"), []string{filepath.Join(dir, "geo.mmdb")}
	config.Outputs = []collector.Output{{Name: "siem", File: filepath.Join(dir, "findings.jsonl")}}
	c, err := collector.Open(ctx, collector.Options{
		Config: config, Version: "lab", Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Listeners: []net.Listener{api.BehindBalancers(listener, []netip.Prefix{netip.MustParsePrefix(loopback + "/32")})},
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := ready(); err != nil {
		return errors.Join(err, c.Close())
	}
	return c.Run(ctx)
}

// echoMethod is what the echo answers.
const echoMethod = "/farmhound.lab.Echo/Echo"

// serveEcho answers with what came, over the same transport.
func serveEcho(ctx context.Context, dir string, listener net.Listener, ready func() error) error {
	authority, err := pki.Load(collector.PKIDir(dataOf(dir)))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	config := authority.ServerTLS()
	config.ClientAuth = tls.RequireAnyClientCert // another collector's CA may have signed it
	config.VerifyPeerCertificate, config.VerifyConnection, config.GetConfigForClient = nil, nil, nil
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "farmhound.lab.Echo", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Echo", Handler: func(_ any, _ context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			batch := &farmhoundv1.ReportBatch{}
			return batch, read(batch)
		}}},
	}, struct{}{})
	defer context.AfterFunc(ctx, server.Stop)()
	if err := ready(); err != nil {
		return errors.Join(err, listener.Close())
	}
	return server.Serve(listener)
}

func dataOf(dir string) string { return filepath.Join(dir, "data") }

// made is what laptops must know of the collector that was made.
type made struct {
	roots   *x509.CertPool
	secrets []string
}

// perSecret is how many laptops one secret enrols without being held up.
const perSecret = 400

// prepare makes a collector in a folder, with the world's roster and address data.
func prepare(ctx context.Context, dir string, world *persona.World) (_ *made, err error) {
	created, err := collector.Create(ctx, dataOf(dir), []string{loopback, "localhost"})
	if err != nil {
		return nil, err
	}
	places, err := world.GeoMMDB()
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"roster.csv": world.RosterCSV(), "geo.mmdb": places} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return nil, fmt.Errorf("write the world's data: %w", err)
		}
	}
	m := &made{roots: x509.NewCertPool(), secrets: []string{created.Secret}}
	m.roots.AppendCertsFromPEM(created.CA)
	kept, err := collector.OpenStore(ctx, dataOf(dir))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	for range len(world.Laptops()) / perSecret {
		_, value, err := collector.NewSecret(ctx, kept, "load", 0, time.Hour)
		if err != nil {
			return nil, err
		}
		m.secrets = append(m.secrets, value)
	}
	return m, nil
}

func (m *made) line(address string, balanced bool) laptop.Line {
	return laptop.Line{Address: address, Name: loopback, Roots: m.roots, Balanced: balanced, Carried: new(atomic.Int64)}
}

// child is a server's process.
type child struct {
	hello

	kind   string
	cmd    *exec.Cmd
	input  io.Closer
	said   *bytes.Buffer
	ending context.CancelFunc
}

// start runs a server and returns once it listens.
func start(ctx context.Context, dir, kind string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	// An interrupt ends the measurement, and that ends its servers.
	living, ending := context.WithCancel(context.WithoutCancel(ctx))
	c := &child{kind: kind, said: &bytes.Buffer{}, ending: ending}
	c.cmd = exec.CommandContext(living, program, "load-server", kind, dir) //nolint:gosec // this program
	c.cmd.Stderr = c.said
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		ending()
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		ending()
		return nil, fmt.Errorf("start the %s: %w", kind, err)
	}
	if err := json.NewDecoder(out).Decode(&c.hello); err != nil {
		return nil, errors.Join(fmt.Errorf("the %s did not start", kind), c.stop())
	}
	return c, nil
}

// stop lets the server end and waits for it.
func (c *child) stop() error {
	hurry := time.AfterFunc(endTime, c.ending)
	defer hurry.Stop()
	defer c.ending()
	_ = c.input.Close() // Wait closes it, too
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s failed: %w: %s", c.kind, err, bytes.TrimSpace(c.said.Bytes()))
	}
	return nil
}

// cost is what a process has used: processor time in seconds, memory in bytes.
type cost struct {
	processor float64
	resident  uint64
}

func (c *child) cost(ctx context.Context) (cost, error) {
	p := process.Process{Pid: int32(c.cmd.Process.Pid)} //nolint:gosec // of a process that was started here
	times, err := p.TimesWithContext(ctx)
	if err != nil {
		return cost{}, fmt.Errorf("measure the processor time of the %s: %w", c.kind, err)
	}
	memory, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return cost{}, fmt.Errorf("measure the memory of the %s: %w", c.kind, err)
	}
	return cost{times.User + times.System, memory.RSS}, nil
}
