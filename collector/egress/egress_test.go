package egress

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"go.uber.org/goleak"

	"github.com/farmhound-security/farmhound/proto/egress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const laptop = "3f0c9a6b"

func newAuthority(t testing.TB, secret string, now func() time.Time) *Authority {
	t.Helper()
	a, err := NewAuthority([]byte(secret), now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(t testing.TB, token []byte) []byte {
	t.Helper()
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest}
	if token != nil {
		setters = append(setters, stun.RawAttribute{Type: egress.AttributeToken, Value: token})
	}
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// What any other STUN implementation reads from the answer is what was sealed.
func TestAnswerOverUDPAndTCP(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	a := newAuthority(t, "secret", func() time.Time { return at })
	r := &Responder{Authority: a, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- r.ServeUDP(ctx, socket) }()
	go func() { ended <- r.ServeTCP(ctx, listener) }()

	for _, where := range []net.Addr{socket.LocalAddr(), listener.Addr()} {
		conn, err := net.Dial(where.Network(), where.String())
		if err != nil {
			t.Fatal(err)
		}
		asked := request(t, a.Token(laptop))
		if _, err := conn.Write(asked); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 512)
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatalf("%s: no answer: %v", where.Network(), err)
		}
		answer := &stun.Message{Raw: buffer[:n]}
		var mapped stun.XORMappedAddress
		if err := answer.Decode(); err != nil {
			t.Fatal(err)
		}
		if err := answer.Parse(&mapped); err != nil {
			t.Fatal(err)
		}
		if err := stun.Fingerprint.Check(answer); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(answer.TransactionID[:], asked[8:20]) {
			t.Error("the answer is to another request")
		}
		if mapped.String() != conn.LocalAddr().String() {
			t.Errorf("%s: seen as %s, is %s", where.Network(), mapped, conn.LocalAddr())
		}
		sealed, err := answer.Get(egress.AttributeSeal)
		if err != nil {
			t.Fatal(err)
		}
		seen, when, err := a.Open(laptop, sealed)
		if err != nil || seen != netip.MustParseAddr("127.0.0.1") || !when.Equal(at) {
			t.Errorf("sealed: %v at %v, %v", seen, when, err)
		}
		_ = conn.Close()
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestStrangersGetNoAnswer(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	a := newAuthority(t, "secret", func() time.Time { return at })
	old := newAuthority(t, "secret", func() time.Time { return at.Add(-tokenLife) }).Token(laptop)
	foreign := newAuthority(t, "other", func() time.Time { return at }).Token(laptop)
	changed := a.Token(laptop)
	changed[7] ^= 1
	response, err := stun.Build(stun.TransactionID, stun.BindingSuccess, stun.RawAttribute{Type: egress.AttributeToken, Value: a.Token(laptop)})
	if err != nil {
		t.Fatal(err)
	}
	r := &Responder{Authority: a, Log: slog.New(slog.DiscardHandler)}
	from := netip.MustParseAddrPort("192.0.2.7:4000")
	if r.answer(request(t, a.Token(laptop)), from) == nil {
		t.Fatal("a laptop of the fleet is not answered")
	}
	for name, sent := range map[string][]byte{
		"nothing": nil, "text": []byte("GET / HTTP/1.0\r\n\r\n"), "no token": request(t, nil), "a token that ended": request(t, old),
		"another store's token": request(t, foreign), "a changed token": request(t, changed), "a short token": request(t, a.Token(laptop)[:31]),
		"a response": response.Raw, "a cut request": request(t, a.Token(laptop))[:30],
	} {
		if answer := r.answer(sent, from); answer != nil {
			t.Errorf("%s is answered with %d bytes", name, len(answer))
		}
	}
}

// An answer that is much larger than its request would be a gift to whoever forges
// addresses and got hold of a token.
func TestAnswersHardlyAmplify(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "secret", nil)
	r := &Responder{Authority: a, Log: slog.New(slog.DiscardHandler)}
	asked := request(t, a.Token(laptop))
	if answer := r.answer(asked, netip.MustParseAddrPort("[2001:db8::1]:9")); len(answer) > 2*len(asked)+8 {
		t.Errorf("%d bytes for %d", len(answer), len(asked))
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "secret", nil)
	seen := netip.MustParseAddr("2001:db8::7")
	sealed, err := a.seal(tagOf(laptop), seen)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) != egress.SealSize {
		t.Errorf("a seal is of %d bytes, the schema says %d", len(sealed), egress.SealSize)
	}
	if got, _, err := a.Open(laptop, sealed); err != nil || got != seen {
		t.Errorf("opened: %v, %v", got, err)
	}
	other := bytes.Clone(sealed)
	other[20] ^= 1
	for name, try := range map[string]struct {
		by     *Authority
		device string
		seal   []byte
	}{
		"another device": {a, "somebody", sealed}, "another store": {newAuthority(t, "other", nil), laptop, sealed},
		"changed": {a, laptop, other}, "cut": {a, laptop, sealed[:48]}, "none": {a, laptop, nil},
	} {
		if got, _, err := try.by.Open(try.device, try.seal); err == nil {
			t.Errorf("%s: opened as %v", name, got)
		}
	}
}

// A collector with several addresses answers from the one that was asked: a connected
// socket takes no other.
func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "secret", nil)
	r := &Responder{Authority: a, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for _, network := range []string{"udp", "udp4"} { // one socket for both families, and one for IPv4
		conn, err := net.ListenUDP(network, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() { ended <- r.ServeUDP(ctx, conn) }()
		where := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
		asking, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, net.UDPAddrFromAddrPort(where))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := asking.Write(request(t, a.Token(laptop))); err != nil {
			t.Fatal(err)
		}
		_ = asking.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := asking.Read(make([]byte, 512)); err != nil {
			t.Errorf("%s: no answer from where it was asked: %v", network, err)
		}
		_ = asking.Close()
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestBalancersAreNotAnswered(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "secret", nil)
	r := &Responder{Authority: a, Strangers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/28")}, Log: slog.New(slog.DiscardHandler)}
	for from, want := range map[string]bool{"10.0.0.3:1": false, "[::ffff:10.0.0.3]:1": false, "10.0.0.16:1": true} {
		if got := r.answer(request(t, a.Token(laptop)), netip.MustParseAddrPort(from)) != nil; got != want {
			t.Errorf("%s: answered %v, want %v", from, got, want)
		}
	}
}

// A peer that says nothing, or never ends, holds a place for seconds only.
func TestSilentConnectionsEndWithTheServer(t *testing.T) {
	t.Parallel()
	r := &Responder{Authority: newAuthority(t, "secret", nil), Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.ServeTCP(ctx, listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(request(t, r.Authority.Token(laptop))[:10]); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(conn); err != nil && !bytes.Contains([]byte(err.Error()), []byte("reset")) {
		t.Error(err)
	}
}

func FuzzRequest(f *testing.F) {
	a := newAuthority(f, "secret", func() time.Time { return time.Unix(1788000000, 0) })
	r := &Responder{Authority: a, Log: slog.New(slog.DiscardHandler)}
	f.Add(request(f, a.Token(laptop)))
	f.Add(request(f, nil))
	f.Fuzz(func(t *testing.T, sent []byte) {
		from := netip.MustParseAddrPort("192.0.2.7:4000")
		answer := r.answer(sent, from)
		if answer == nil {
			return
		}
		m := &stun.Message{Raw: answer}
		if err := m.Decode(); err != nil {
			t.Fatalf("an answer that cannot be read: %v", err)
		}
	})
}
