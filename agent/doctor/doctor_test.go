package doctor_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/doctor"
	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/permission"
	"github.com/farmhound-security/farmhound/agent/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// enrolled returns the settings of a laptop that is enrolled with c.
func enrolled(t *testing.T, c *fakecollector.Collector) settings.Settings {
	t.Helper()
	s := settings.Defaults()
	s.Collector, s.CAFile, s.EnrollSecret = c.Address, c.CAFile, settings.NewSecret(fakecollector.Secret)
	s.StateDir, s.Proxies = filepath.Join(t.TempDir(), "state"), []string{"direct"}
	if _, err := agent.Enroll(t.Context(), agent.Config{Settings: s, Root: t.TempDir(), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	return s
}

func examine(t *testing.T, p doctor.Patient) map[string]doctor.Check {
	t.Helper()
	p.Patience = 700 * time.Millisecond
	checks := map[string]doctor.Check{}
	for _, c := range doctor.Examine(t.Context(), p) {
		checks[c.Step] = c
		if (c.State == doctor.Fail) && (c.Found == "" || c.Means == "") {
			t.Errorf("%s fails without words: %+v", c.Step, c)
		}
	}
	said, err := json.Marshal(checks)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{fakecollector.Secret, "geheim", "PRIVATE KEY"} {
		if strings.Contains(string(said), secret) {
			t.Errorf("%q is said: %s", secret, said)
		}
	}
	return checks
}

func expect(t *testing.T, checks map[string]doctor.Check, step string, state doctor.State, kind, say string) {
	t.Helper()
	c := checks[step]
	if c.State != state || c.Kind != kind || !strings.Contains(c.Found+" "+strings.Join(c.Details, " ")+" "+c.Do, say) {
		t.Errorf("%s: %+v, want %s %q with %q", step, c, state, kind, say)
	}
}

func TestWell(t *testing.T) {
	t.Parallel()
	s := enrolled(t, fakecollector.Start(t))
	checks := examine(t, doctor.Patient{Settings: s, From: map[string]string{"collector": "policy X"}, Service: func() string { return "running" }})
	expect(t, checks, "settings", doctor.OK, "", "(policy X)")
	for _, step := range []string{"state directory", "enrolment", "name", "way", "connection", "tls", "collector", "service"} {
		expect(t, checks, step, doctor.OK, "", "")
	}
}

// What stands in the way is named, and nothing is said to whoever answers.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	s := enrolled(t, c)
	const login = "anna:geheim"
	closed := fakecollector.StartProxy(t, login)
	tests := []struct {
		name   string
		change func(*settings.Settings)
		step   string
		state  doctor.State
		kind   string
		say    string
	}{
		{"a proxy", func(s *settings.Settings) { s.Proxies = []string{"http://" + fakecollector.StartProxy(t, "").Address} }, "collector", doctor.OK, "", ""},
		{"a proxy with a login", func(s *settings.Settings) {
			s.Proxies, s.ProxyLogin = []string{"http://" + closed.Address}, settings.NewSecret(login)
		}, "collector", doctor.OK, "", ""},
		{"a proxy without the login it wants", func(s *settings.Settings) { s.Proxies = []string{"http://" + closed.Address} }, "connection", doctor.Fail, "proxy-login", "proxy_login_file"},
		{"a proxy that is left", func(s *settings.Settings) { s.Proxies = []string{"http://" + closed.Address, "direct"} }, "connection", doctor.Warn, "", "user name and a password"},
		{"a proxy that inspects TLS", func(s *settings.Settings) {
			s.Proxies = []string{"http://" + fakecollector.StartInspector(t, "Zscaler Inc.", tls.VersionTLS13).Address}
		}, "tls", doctor.Fail, "inspected", "Zscaler"},
		{"one that inspects older TLS", func(s *settings.Settings) {
			s.Proxies = []string{"http://" + fakecollector.StartInspector(t, "Netskope", tls.VersionTLS12).Address}
		}, "tls", doctor.Fail, "inspected", `"Netskope"`},
		{"one whose maker nobody knows", func(s *settings.Settings) {
			s.Proxies = []string{"http://" + fakecollector.StartInspector(t, "ACME IT", tls.VersionTLS13).Address}
		}, "tls", doctor.Fail, "inspected", `issued by "ACME IT"`},
		{"a portal that proxies", func(s *settings.Settings) {
			s.Proxies = []string{"http://" + fakecollector.StartRefuser(t, "HTTP/1.1 511 Network Authentication Required").Address}
		}, "connection", doctor.Fail, "captive-portal", "sign in"},
		{"a portal in place of the collector", func(s *settings.Settings) { s.Collector = fakecollector.StartPortal(t).Address }, "tls", doctor.Fail, "captive-portal", "sign in"},
		{"silence", func(s *settings.Settings) { s.Collector = fakecollector.StartBlackHole(t, 0).Address }, "tls", doctor.Fail, "no-answer", "firewall"},
		{"large packets are lost", func(s *settings.Settings) { s.Collector = fakecollector.StartBlackHole(t, 1000).Address }, "tls", doctor.Fail, "mtu", "MTU"},
		{"nobody", func(s *settings.Settings) { s.Collector = "127.0.0.1:1" }, "connection", doctor.Fail, "unreachable", "refused"},
		{"no such name", func(s *settings.Settings) { s.Collector = "collector.invalid:443" }, "name", doctor.Fail, "name", "resolver"},
		{"another collector", func(s *settings.Settings) { s.Collector = fakecollector.Start(t).Address }, "tls", doctor.Fail, "inspected", "not the collector"},
		{"no collector", func(s *settings.Settings) { s.Collector = "" }, "settings", doctor.Fail, "", "set collector"},
		{"a login file that is none", func(s *settings.Settings) { s.ProxyLoginFile = s.CAFile + ".none" }, "settings", doctor.Fail, "", "proxy_login_file"},
	}
	for _, tt := range tests { //nolint:paralleltest // each looks at what the shared proxies were asked meanwhile
		t.Run(tt.name, func(t *testing.T) {
			mine := s
			tt.change(&mine)
			checks := examine(t, doctor.Patient{Settings: mine})
			expect(t, checks, tt.step, tt.state, tt.kind, tt.say)
			if tt.state == doctor.Fail && tt.step != "settings" && checks["collector"].State == doctor.OK {
				t.Error("the collector counts as reached")
			}
		})
	}
}

func TestClockAndCertificate(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	s := enrolled(t, c)
	at := func(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
	behind := examine(t, doctor.Patient{Settings: s, Now: at(-48 * time.Hour)})
	expect(t, behind, "enrolment", doctor.Fail, "clock", "set the clock")
	expect(t, behind, "tls", doctor.Fail, "clock", "set the clock")
	ahead := examine(t, doctor.Patient{Settings: s, Now: at(48 * time.Hour)})
	expect(t, ahead, "enrolment", doctor.Fail, "expired", "check the clock")
	expect(t, ahead, "tls", doctor.Fail, "expired", "check the clock")
	late := examine(t, doctor.Patient{Settings: s, Now: at(23 * time.Hour)})
	expect(t, late, "enrolment", doctor.Warn, "", "let the agent run")
}

// A certificate that expired is told by the laptop itself, and by the collector's refusal.
func TestExpiredForReal(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	c.Life = time.Millisecond
	checks := examine(t, doctor.Patient{Settings: enrolled(t, c)})
	expect(t, checks, "enrolment", doctor.Fail, "expired", "expired on")
	expect(t, checks, "collector", doctor.Fail, "", "")
}

func TestRevoked(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	c.RefuseCatalog(status.Error(codes.PermissionDenied, "this laptop was \x1b[31mrevoked"))
	checks := examine(t, doctor.Patient{Settings: enrolled(t, c)})
	expect(t, checks, "collector", doctor.Fail, "", "revoked")
	if strings.Contains(checks["collector"].Found, "\x1b") {
		t.Error("what the collector says reaches the terminal as it is")
	}
}

func TestNotEnrolled(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	s := settings.Defaults()
	s.Collector, s.CAPin, s.StateDir, s.Proxies = c.Address, c.CAPin, filepath.Join(t.TempDir(), "none"), []string{"direct"}
	checks := examine(t, doctor.Patient{Settings: s, Service: func() string { return "not installed" }})
	expect(t, checks, "state directory", doctor.Warn, "", "does not exist")
	expect(t, checks, "enrolment", doctor.Fail, "", "enroll")
	expect(t, checks, "tls", doctor.OK, "", "")
	expect(t, checks, "collector", doctor.Skip, "", "enrolled")
	expect(t, checks, "service", doctor.Fail, "", "install")
	if _, err := os.Stat(s.StateDir); err == nil {
		t.Error("the examination made the state directory")
	}
}

// What the agent says of itself is weighed.
func TestOfItself(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status agent.Status
		step   string
		state  doctor.State
		kind   string
		say    string
	}{
		{"delivered", agent.Status{LastAck: time.Now()}, "delivery", doctor.OK, "", "ago"},
		{"a week of silence", agent.Status{LastAck: time.Now().Add(-7 * 24 * time.Hour), Trouble: "no network"}, "delivery", doctor.Warn, "", "no network"},
		{"a clock that is off", agent.Status{LastAck: time.Now(), ClockOffset: -600}, "clock", doctor.Warn, "clock", "-10m0s"},
		{"a clock that is days off", agent.Status{LastAck: time.Now(), ClockOffset: 3 * 86400}, "clock", doctor.Fail, "clock", "72h"},
		{"a full disk", agent.Status{SpoolTrouble: "no space left on device"}, "spool", doctor.Fail, "", "no space"},
		{"losses", agent.Status{SpoolDropped: 3}, "spool", doctor.Warn, "", "3 reports were dropped"},
		{"an agent that crashed", agent.Status{Running: true, PID: os.Getpid(), WrittenAt: time.Now().Add(-3 * time.Hour)}, "permissions", nobodyRuns(), "", "no agent runs"},
		{"a sense", agent.Status{Running: true, PID: os.Getpid(), WrittenAt: time.Now(), Senses: []agent.Sense{{Name: "hands", State: "partial", Detail: "hidden"}}}, "sense hands", doctor.Warn, "", "hidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := settings.Defaults()
			s.StateDir = t.TempDir()
			data, err := json.Marshal(tt.status)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(s.StateDir, "status.json"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			expect(t, examine(t, doctor.Patient{Settings: s}), tt.step, tt.state, tt.kind, tt.say)
		})
	}
}

// nobodyRuns is how the rights of this process are told where no agent runs.
func nobodyRuns() doctor.State {
	rights, err := permission.RightsOf(os.Getpid())
	if err != nil {
		return doctor.Skip
	}
	for _, need := range permission.Here() {
		if need.Of(rights) == permission.Missing {
			return doctor.Skip
		}
	}
	return doctor.OK
}

// A connection that the examination opens is closed by it.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := settings.Defaults()
	s.Collector, s.StateDir, s.CAPin, s.Proxies = listener.Addr().String(), t.TempDir(), strings.Repeat("0", 64), []string{"direct"}
	examine(t, doctor.Patient{Settings: s})
	for range 3 {
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 64<<10)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		for err == nil {
			_, err = conn.Read(buffer)
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("a connection is left open: %v", err)
		}
		_ = conn.Close()
	}
}
