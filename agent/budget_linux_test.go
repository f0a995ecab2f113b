package agent

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/fakecollector"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// The budgets of a laptop on which nothing happens. README.md has the figures that were
// measured; these are above them by what tells a mistake from chance.
const (
	// Of a recorded tree: every folder is opened below the tree's root, which costs a few
	// allocations that a laptop's own files do not.
	scanAllocations = 240
	scanBytes       = 16 << 10
	dayOnTheWire    = 60_000 // of TLS records, both ways; TCP and IP add some 700 bytes to a call
)

// idleMachine writes the /proc of a machine with so many processes and sockets.
func idleMachine(t *testing.T, processes, sockets int) string {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{
		"etc/os-release":      "PRETTY_NAME=\"Testix 7\"\n",
		"etc/timezone":        "Europe/Oslo\n",
		"proc/stat":           "cpu  1 2 3\nbtime 1764000000\n",
		"proc/net/tcp":        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
		"proc/net/route":      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n",
		"proc/version":        "Linux\n",
		"var/lib/dpkg/status": "",
	}
	for socket := range sockets {
		files["proc/net/tcp"] += fmt.Sprintf("%4d: 0100007F:%04X 0100007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 %d 1 0 20 4 30 10 -1\n",
			socket, 10000+socket, 25000+socket)
	}
	for pid := 1; pid <= processes; pid++ {
		name := fmt.Sprintf("daemon%d", pid)
		folder := fmt.Sprintf("proc/%d/", pid)
		files[folder+"stat"] = fmt.Sprintf("%d (%s) S 1 1 1 0 -1 4194304 98 0 1 0 0 0 0 0 20 0 1 0 %d 3133440 388", pid, name, 100+pid)
		files[folder+"status"] = "Name:\t" + name + "\nUid:\t0\t0\t0\t0\n"
		files[folder+"cmdline"] = "/usr/sbin/" + name + "\x00"
		files[fmt.Sprintf("var/lib/dpkg/info/%s.list", name)] = "/usr/sbin/" + name + "\n"
		files["var/lib/dpkg/status"] += fmt.Sprintf("Package: %s\nStatus: install ok installed\nVersion: 1.%d\n\n", name, pid)
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for pid := 1; pid <= processes; pid++ {
		if err := os.Symlink(fmt.Sprintf("/usr/sbin/daemon%d", pid), filepath.Join(root, fmt.Sprintf("proc/%d/exe", pid))); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// A scan of a machine on which nothing changed stays within its budget of allocations.
func TestSteadyScanBudget(t *testing.T) { //nolint:paralleltest // it counts what the whole process allocates
	for _, tt := range []struct{ processes, sockets int }{{90, 0}, {600, 2000}} {
		allocations, bytes := steadyScan(t, idleMachine(t, tt.processes, tt.sockets))
		t.Logf("with %d processes and %d sockets a scan allocates %d times, %d bytes", tt.processes, tt.sockets, allocations, bytes)
		if allocations > scanAllocations || bytes > scanBytes {
			t.Errorf("the budget is %d and %d", scanAllocations, scanBytes)
		}
	}
}

// steadyScan is what a scan of a machine allocates that was looked at before.
func steadyScan(t *testing.T, root string) (allocations, bytes uint64) {
	t.Helper()
	body, err := newBody(Config{Root: root}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := body.senses.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for range 3 { // the first ones read what later ones know
		body.senses.Scan(t.Context())
	}
	const scans = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range scans {
		body.senses.Scan(t.Context())
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / scans, (after.TotalAlloc - before.TotalAlloc) / scans
}

// countedConn counts what goes over it.
type countedConn struct {
	net.Conn
	total *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.total.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.total.Add(int64(n))
	return n, err
}

// A day on which nothing changes: every look of it goes through the reducer, every
// report through the spool, and what waits goes to a collector every half hour, over one
// connection.
func TestQuietDayOnTheWire(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	c.SetPolicy(&farmhoundv1.Policy{FleetKeys: []*farmhoundv1.FleetKey{{Id: 1, Key: make([]byte, 32)}}})
	s := settingsFor(t, c)
	s.WindowInterval = 5 * time.Minute
	a, err := assemble(Config{Settings: s, Version: "1.2.3", Log: slog.New(slog.DiscardHandler)}, newSenses().body)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.enroll(t.Context(), fakecollector.Secret); err != nil {
		t.Fatal(err)
	}
	tlsConfig, err := a.identity.ClientTLS()
	if err != nil {
		t.Fatal(err)
	}
	var wire atomic.Int64
	connection, err := delivery.Connect(c.Address, tlsConfig, func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		return countedConn{conn, &wire}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()

	const looks = int(24 * time.Hour / (15 * time.Second))
	clock := &fakeClock{now: moment{wall: time.Now(), sleepKnown: true}}
	a.windows = newWindows(clock.read, &fakeMeter{}, nobodyCounts, 5*time.Minute)
	random := rand.New(rand.NewPCG(1, 2))
	calls, waiting := 0, 0
	var cpu float64
	for range looks {
		clock.awake(15 * time.Second)
		cpu += 0.003 * random.Float64()
		seen := quietReport(cpu, 16<<20+random.Uint64N(1<<20))
		a.windows.observe(clock.now.wall, nil, true)
		if a.report(t.Context(), seen, a.windows.tick()) {
			waiting++
		}
		if waiting == quietWindows {
			deliverAll(t, a, connection)
			waiting = 0
			calls++
		}
	}
	t.Logf("%d calls of a day carry %d bytes in all", calls, wire.Load())
	if got := wire.Load(); got > dayOnTheWire {
		t.Errorf("a quiet day is %d bytes on the wire; the budget is %d", got, dayOnTheWire)
	}
	if calls != 48 {
		t.Errorf("%d calls; the day is not quiet", calls)
	}
}

// quietReport is what the senses of an idle laptop see.
func quietReport(cpu float64, memory uint64) *farmhoundv1.Report {
	sense := func(name string) *farmhoundv1.Sense {
		return &farmhoundv1.Sense{Name: name, State: farmhoundv1.SenseState_SENSE_STATE_OK}
	}
	return &farmhoundv1.Report{
		Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "sshd", Running: true}}},
		Place:    &farmhoundv1.Place{TimeZone: "Europe/Oslo"},
		Health: &farmhoundv1.Health{
			Senses:     []*farmhoundv1.Sense{sense("software"), sense("session"), sense("network")},
			CpuSeconds: cpu, MemoryBytes: memory,
		},
	}
}

func deliverAll(t *testing.T, a *Agent, connection *delivery.Connection) {
	t.Helper()
	batch, err := a.spool.Peek(256, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	request := &farmhoundv1.ReportBatch{Nonce: batch.Nonce, TrustedCas: a.identity.TrustedCAs()}
	for _, payload := range batch.Payloads {
		report := new(farmhoundv1.Report)
		if err := proto.Unmarshal(payload, report); err != nil {
			t.Fatal(err)
		}
		request.Reports = append(request.Reports, report)
	}
	ack, err := farmhoundv1.NewIngestServiceClient(connection).Report(t.Context(), request, grpc.UseCompressor(gzip.Name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.spool.Commit(batch.BootID, ack.GetSequence(), ack.GetNextNonce()); err != nil {
		t.Fatal(err)
	}
}
