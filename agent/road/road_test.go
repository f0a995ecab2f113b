package road_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/road"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is who is to be reached.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("here"))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}

func reach(t *testing.T, r *road.Road, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := r.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	got := make([]byte, 4)
	if n, err := conn.Read(got); err != nil || string(got[:n]) != "here" {
		t.Errorf("read %q, %v", got[:n], err)
	}
	return nil
}

func kind(err error) string {
	var trouble *road.Trouble
	if errors.As(err, &trouble) {
		return trouble.Kind
	}
	return ""
}

func TestThroughProxy(t *testing.T) {
	t.Parallel()
	const login = "anna:geheim:1"
	address := echo(t)
	open, closed := fakecollector.StartProxy(t, ""), fakecollector.StartProxy(t, login)
	tests := []struct {
		name    string
		options road.Options
		// asked is the proxy that is to be used, nil for none; kind is the trouble.
		asked *fakecollector.Obstacle
		kind  string
	}{
		{"proxy of the settings", road.Options{Steps: []string{"http://" + open.Address}}, open, ""},
		{"with its login", road.Options{Steps: []string{"http://" + closed.Address}, Login: login}, closed, ""},
		{"without", road.Options{Steps: []string{"http://" + closed.Address}}, closed, "proxy-login"},
		{"with a wrong one", road.Options{Steps: []string{"http://" + closed.Address}, Login: "anna:falsch"}, closed, "proxy-login"},
		{"direct after a proxy that does not let through", road.Options{Steps: []string{"http://" + closed.Address, road.Direct}}, closed, ""},
		{"the proxy itself is away", road.Options{Steps: []string{"http://127.0.0.1:1"}}, nil, "unreachable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := 0
			if tt.asked != nil {
				before = len(tt.asked.Asked())
			}
			err := reach(t, road.New(tt.options), address)
			if kind(err) != tt.kind || (tt.kind == "") != (err == nil) {
				t.Errorf("error %v, want trouble %q", err, tt.kind)
			}
			if err != nil && (strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "falsch")) {
				t.Errorf("a password is said: %v", err)
			}
			if tt.asked != nil && len(tt.asked.Asked()) == before {
				t.Error("the proxy was not asked")
			}
		})
	}
	for _, asked := range open.Asked() { //nolint:paralleltest // the runs above look at what shared proxies were asked meanwhile
		if asked != address {
			t.Errorf("the proxy was asked for %s, not for %s", asked, address)
		}
	}
}

// A login of the settings is for the proxies of the settings: whoever may name another
// must not be told it.
func TestLoginGoesToTheSettingsProxiesOnly(t *testing.T) {
	t.Parallel()
	ways, _ := road.New(road.Options{
		Steps: []string{road.System, "http://named:1"}, Login: "a:b", Environ: []string{"https_proxy=http://other:1"},
	}).Ways(t.Context(), "collector.example:443")
	var got []string
	for _, w := range ways {
		got = append(got, w.Proxy)
		if w.Login() != (w.Proxy == "named:1") {
			t.Errorf("%s has login: %v", w, w.Login())
		}
	}
	if diff := cmp.Diff([]string{"other:1", "named:1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, head, kind, say string }{
		{"a network that wants a sign-in", "HTTP/1.1 511 Network Authentication Required", "captive-portal", "sign in"},
		{"a redirection", "HTTP/1.1 302 Found\r\nLocation: http://login.example", "captive-portal", "sign in"},
		{"Negotiate only", "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM", "proxy-login", "Negotiate, NTLM"},
		{"not allowed", "HTTP/1.1 403 Forbidden", "proxy-refuses", "403"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.6", "proxy-strange", ""},
		{"too long", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 20<<10), "no-answer", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := fakecollector.StartRefuser(t, tt.head)
			err := reach(t, road.New(road.Options{Steps: []string{"http://" + o.Address}}), "192.0.2.1:443")
			if kind(err) != tt.kind || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("error %v, want trouble %s with %q", err, tt.kind, tt.say)
			}
		})
	}
}

// A proxy that accepts and stays silent costs its share of the time only.
func TestSilentProxyIsLeft(t *testing.T) {
	t.Parallel()
	hole := fakecollector.StartBlackHole(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	conn, err := road.New(road.Options{Steps: []string{"http://" + hole.Address, road.Direct}}).Dial(ctx, echo(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// A way at whose end was somebody else is tried last, until the laptop moves.
func TestMissedWayIsTriedLast(t *testing.T) {
	t.Parallel()
	address := echo(t)
	first, second := fakecollector.StartProxy(t, ""), fakecollector.StartProxy(t, "")
	r := road.New(road.Options{Steps: []string{"http://" + first.Address, "http://" + second.Address}})
	asked := func() [2]int { return [2]int{len(first.Asked()), len(second.Asked())} }
	for _, step := range []struct {
		note func()
		want [2]int
	}{
		{func() {}, [2]int{1, 0}}, {r.Missed, [2]int{1, 1}}, {r.Arrived, [2]int{1, 2}}, {r.Moved, [2]int{2, 2}},
	} {
		step.note()
		if err := reach(t, r, address); err != nil {
			t.Fatal(err)
		}
		if got := asked(); got != step.want {
			t.Errorf("asked %v, want %v", got, step.want)
		}
	}
}

func TestStranded(t *testing.T) {
	t.Parallel()
	r := road.New(road.Options{Steps: []string{road.Direct}})
	address := func(text string) net.Addr { return &net.IPNet{IP: net.ParseIP(text)} }
	if r.Stranded([]net.Addr{address("192.0.2.1")}) {
		t.Error("stranded without a connection")
	}
	if err := reach(t, r, echo(t)); err != nil {
		t.Fatal(err)
	}
	if r.Stranded([]net.Addr{address("192.0.2.1"), address("127.0.0.1")}) {
		t.Error("stranded although the address is there")
	}
	if !r.Stranded([]net.Addr{address("192.0.2.1")}) {
		t.Error("not stranded although the address is gone")
	}
}

func TestHandshakeTroubles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		address string
		kind    string
	}{
		{"a page to sign in", fakecollector.StartPortal(t).Address, "captive-portal"},
		{"nothing", fakecollector.StartBlackHole(t, 0).Address, "no-answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			raw, err := road.New(road.Options{Steps: []string{road.Direct}}).Dial(t.Context(), tt.address)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			err = tls.Client(raw, &tls.Config{ServerName: "collector.example", MinVersion: tls.VersionTLS13}).HandshakeContext(ctx)
			if got := road.Handshake(err); kind(got) != tt.kind {
				t.Errorf("%v, want %s", got, tt.kind)
			}
		})
	}
}
