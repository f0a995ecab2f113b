package agent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/settings"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSenses returns what the test set, with a fresh copy for each scan.
type fakeSenses struct {
	mu    sync.Mutex
	seen  *farmhoundv1.Report
	keys  []*farmhoundv1.FleetKey
	known *catalog.Catalog
	// scanned receives a signal after each scan.
	scanned chan struct{}
}

func (f *fakeSenses) Scan(context.Context) *farmhoundv1.Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	signal(f.scanned)
	report := proto.CloneOf(f.seen)
	f.seen.RemoteSessions = open(f.seen.GetRemoteSessions())
	return report
}

func open(sessions []*farmhoundv1.RemoteSession) []*farmhoundv1.RemoteSession {
	var still []*farmhoundv1.RemoteSession
	for _, s := range sessions {
		if s.GetEndedAt() == nil {
			still = append(still, s)
		}
	}
	return still
}

func (f *fakeSenses) Close(context.Context) error { return nil }

func (f *fakeSenses) Count(*farmhoundv1.Window) {}

func (f *fakeSenses) change(change func(*farmhoundv1.Report)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.seen)
}

func (f *fakeSenses) body(Config, *slog.Logger) (*body, error) {
	return &body{
		senses: f, meter: &fakeMeter{},
		useCatalog: func(known *catalog.Catalog) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.known = known
		},
		system: func() *farmhoundv1.System { return &farmhoundv1.System{Serial: "PF-1"} },
		useKeys: func(keys []*farmhoundv1.FleetKey) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.keys = keys
		},
	}, nil
}

func newSenses() *fakeSenses {
	return &fakeSenses{scanned: make(chan struct{}, 1), seen: &farmhoundv1.Report{
		Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "x11vnc", Running: true}}},
		Health:   &farmhoundv1.Health{Senses: []*farmhoundv1.Sense{{Name: "software", State: farmhoundv1.SenseState_SENSE_STATE_OK}}},
	}}
}

// log collects what an agent says; it is safe for concurrent use.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type running struct {
	*Agent
	log  *log
	stop func()
}

// start runs an agent until the test ends or stop is called.
func start(t *testing.T, f *fakeSenses, s settings.Settings, prepare ...func(*Agent)) *running {
	t.Helper()
	r := &running{log: &log{}}
	a, err := assemble(Config{Settings: s, Version: "1.2.3", Log: slog.New(slog.NewTextHandler(r.log, nil))}, f.body)
	if err != nil {
		t.Fatal(err)
	}
	r.Agent = a
	for _, change := range prepare {
		change(a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run returned %v", err)
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

func settingsFor(t *testing.T, c *fakecollector.Collector) settings.Settings {
	t.Helper()
	s := settings.Defaults()
	s.Collector, s.CAFile, s.EnrollSecret = c.Address, c.CAFile, settings.NewSecret(fakecollector.Secret)
	s.StateDir = filepath.Join(t.TempDir(), "state")
	s.ScanInterval, s.WindowInterval = 10*time.Millisecond, time.Hour
	return s
}

func atLeast(n int) func([]*farmhoundv1.Report) bool {
	return func(reports []*farmhoundv1.Report) bool { return len(reports) >= n }
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestEnrolsReportsChangesAndStops(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	key := &farmhoundv1.FleetKey{Id: 7, Key: bytes.Repeat([]byte{1}, 32)}
	c.SetPolicy(&farmhoundv1.Policy{FleetKeys: []*farmhoundv1.FleetKey{key}})
	f := newSenses()
	s := settingsFor(t, c)
	a := start(t, f, s)
	first := c.Await(patience(t), atLeast(1))[0]
	if first.GetSystem().GetSerial() != "PF-1" || first.GetHealth().GetAgentVersion() != "1.2.3" || first.GetSoftware() == nil || first.GetSequence() != 1 {
		t.Errorf("the first report does not carry everything: %v", first)
	}

	f.change(func(r *farmhoundv1.Report) {
		r.RemoteSessions = []*farmhoundv1.RemoteSession{{Id: "aaaaaaaa", Tool: "x11vnc", StartedAt: timestamppb.Now()}}
		r.Software.Tools[0].Controlled = true
	})
	second := c.Await(patience(t), atLeast(2))[1]
	if len(second.GetRemoteSessions()) != 1 || !second.GetSoftware().GetTools()[0].GetControlled() || second.GetSystem() != nil {
		t.Errorf("the second report is not the change: %v", second)
	}
	f.change(func(r *farmhoundv1.Report) { r.RemoteSessions[0].EndedAt = timestamppb.Now() })
	third := c.Await(patience(t), atLeast(3))[2]
	if len(third.GetRemoteSessions()) != 1 || third.GetRemoteSessions()[0].GetEndedAt() == nil {
		t.Errorf("the third report is not the end of the session: %v", third)
	}
	f.mu.Lock()
	if len(f.keys) != 1 || !proto.Equal(f.keys[0], key) {
		t.Errorf("fleet keys are %v", f.keys)
	}
	f.mu.Unlock()
	a.stop()
	if enrolls, _, _ := c.Counts(); enrolls != 1 {
		t.Errorf("%d enrolments", enrolls)
	}
	status, err := ReadStatus(s.StateDir)
	if err != nil || status.Running || !status.Enrolled || status.Device != a.DeviceID() || status.LastAck.IsZero() || len(status.Senses) != 1 {
		t.Errorf("status %+v, %v", status, err)
	}
	for _, file := range []string{a.log.String(), readAll(t, s.StateDir)} {
		if strings.Contains(file, fakecollector.Secret) {
			t.Error("the enrolment secret is in the log or the state directory")
		}
	}
}

func readAll(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// Nothing that was spooled is lost or doubled when either side goes away.
func TestSurvivesRestartsOfEitherSide(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	f := newSenses()
	s := settingsFor(t, c)
	a := start(t, f, s)
	c.Await(patience(t), atLeast(1))
	c.Stop()
	f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version = "2" })
	await(t, f, 3)
	a.stop()
	if got := a.spool.Status(); got.Depth == 0 {
		t.Fatal("the change is not in the spool")
	}
	f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version = "3" })
	s.EnrollSecret = settings.Secret{}
	b := start(t, f, s)
	c.Restart()
	reports := c.Await(patience(t), func(reports []*farmhoundv1.Report) bool {
		return len(reports) > 0 && reports[len(reports)-1].GetSoftware().GetTools()[0].GetVersion() == "3"
	})
	b.stop()
	var versions []string
	boots, seen := map[string]bool{}, map[string]bool{}
	for _, r := range reports {
		if tools := r.GetSoftware().GetTools(); len(tools) > 0 {
			versions = append(versions, tools[0].GetVersion())
		}
		boots[r.GetBootId()] = true
		key := fmt.Sprint(r.GetBootId(), r.GetSequence())
		if seen[key] {
			t.Errorf("report %s arrived twice", key)
		}
		seen[key] = true
	}
	if got := strings.Join(versions, ","); got != ",2,3" {
		t.Errorf("versions arrived as %q", got)
	}
	if enrolls, _, _ := c.Counts(); enrolls != 1 || len(boots) != 2 || a.DeviceID() != b.DeviceID() {
		t.Errorf("%d enrolments, %d boot ids, devices %s and %s", enrolls, len(boots), a.DeviceID(), b.DeviceID())
	}
}

// await waits until the senses were asked some more times.
func await(t *testing.T, f *fakeSenses, times int) {
	t.Helper()
	for range times {
		select {
		case <-f.scanned:
		case <-patience(t).Done():
			t.Fatal("the agent does not look")
		}
	}
}

func TestRefusedSecretIsSentOnce(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	c.RefuseEnroll(status.Error(codes.FailedPrecondition, "enrolment secret expired on 2026-03-04"))
	f := newSenses()
	s := settingsFor(t, c)
	a := start(t, f, s)
	for {
		if enrolls, _, _ := c.Counts(); enrolls > 0 && strings.Contains(a.log.String(), "expired on 2026-03-04") {
			break
		}
		await(t, f, 1)
	}
	await(t, f, 20)
	a.stop()
	if enrolls, _, _ := c.Counts(); enrolls != 1 {
		t.Errorf("the refused secret was sent %d times", enrolls)
	}
	if strings.Count(a.log.String(), "expired on 2026-03-04") != 1 {
		t.Errorf("the refusal is not said once: %s", a.log)
	}
	got, err := ReadStatus(s.StateDir)
	if err != nil || got.Enrolled || !strings.Contains(got.Trouble, "expired on 2026-03-04") || got.SpoolDepth == 0 {
		t.Errorf("status %+v, %v", got, err)
	}
}

func TestScanNowAsksForEverything(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	f := newSenses()
	start(t, f, settingsFor(t, c))
	c.Await(patience(t), atLeast(1))
	c.SetPolicy(&farmhoundv1.Policy{ScanNow: true, ScanInterval: durationpb.New(time.Millisecond)})
	f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version = "2" })
	reports := c.Await(patience(t), func(reports []*farmhoundv1.Report) bool {
		last := reports[len(reports)-1]
		return last.GetSequence() > 2 && last.GetSystem() != nil && last.GetSoftware() != nil
	})
	if len(reports) < 3 {
		t.Errorf("%d reports", len(reports))
	}
}

func TestUnusableSettingsAreSaid(t *testing.T) {
	t.Parallel()
	f := newSenses()
	s := settings.Defaults()
	s.StateDir = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(s.StateDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := assemble(Config{Settings: s}, f.body); err == nil || !strings.Contains(err.Error(), "set state_dir") {
		t.Errorf("state directory: %v", err)
	}
	s.StateDir, s.Collector = filepath.Join(t.TempDir(), "state"), "127.0.0.1:1"
	if _, err := assemble(Config{Settings: s}, f.body); err == nil || !strings.Contains(err.Error(), "set ca_file") {
		t.Errorf("without a CA: %v", err)
	}
}

// What a policy asks for stays within the contract's bounds.
func TestPolicyIsBoundedAndKept(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	f := newSenses()
	s := settingsFor(t, c)
	a, err := assemble(Config{Settings: s, Log: slog.New(slog.DiscardHandler)}, f.body)
	if err != nil {
		t.Fatal(err)
	}
	a.applyPolicy(&farmhoundv1.Policy{ScanInterval: durationpb.New(time.Millisecond), WindowInterval: durationpb.New(99 * time.Hour)})
	if scan, window := a.state.scanInterval(), a.state.windowInterval(); scan != 5*time.Second || window != time.Hour {
		t.Errorf("intervals %v and %v", scan, window)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := assemble(Config{Settings: s, Log: slog.New(slog.DiscardHandler)}, f.body)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := b.state.windowInterval(); got != time.Hour {
		t.Errorf("after a restart the window interval is %v", got)
	}
}

func TestHostileValueCostsItsPartOnly(t *testing.T) {
	t.Parallel()
	f := newSenses()
	f.seen.RemoteSessions = []*farmhoundv1.RemoteSession{
		{Id: "aaaaaaaa", Tool: "good", StartedAt: timestamppb.Now()},
		{Id: "bbbbbbbb", Tool: "bad tool\x1b", StartedAt: timestamppb.Now()},
	}
	f.seen.Logons = &farmhoundv1.Logons{Sessions: []*farmhoundv1.Logon{{Peer: "not an address"}}}
	o, err := newObserver(Config{Log: slog.New(slog.DiscardHandler)}, f.body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetRemoteSessions()) != 1 || got.GetRemoteSessions()[0].GetTool() != "good" || got.Logons != nil || got.GetSoftware() == nil {
		t.Errorf("left of the report: %v", got)
	}
	if err := o.rules.Validate(got); err != nil {
		t.Error(err)
	}
}

func TestWatchEmitsOnceAndOnChange(t *testing.T) {
	t.Parallel()
	f := newSenses()
	o, err := newObserver(Config{Log: slog.New(slog.DiscardHandler)}, f.body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(patience(t))
	defer cancel()
	var versions []string
	err = o.watch(ctx, 5*time.Millisecond, func(r *farmhoundv1.Report) error {
		versions = append(versions, r.GetSoftware().GetTools()[0].GetVersion())
		if r.GetSystem() == nil {
			t.Error("a line is not a whole report")
		}
		if len(versions) == 2 {
			cancel()
		} else {
			f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version = "2" })
		}
		return nil
	})
	if err != nil || strings.Join(versions, ",") != ",2" {
		t.Errorf("versions %q, %v", versions, err)
	}
}
