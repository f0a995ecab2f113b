package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/stun/v3"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/proto/egress"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever any STUN implementation sends is read as it meant it.
func TestAnswersOfAnotherImplementation(t *testing.T) {
	t.Parallel()
	seal := bytes.Repeat([]byte{7}, egress.SealSize)
	for _, address := range []string{"198.51.100.7", "2001:db8::7"} {
		transaction := newTransaction()
		asked := &stun.Message{Raw: request(transaction, bytes.Repeat([]byte{9}, egress.TokenSize))}
		if err := asked.Decode(); err != nil {
			t.Fatal(err)
		}
		if token, err := asked.Get(egress.AttributeToken); err != nil || len(token) != egress.TokenSize || asked.Type != stun.BindingRequest {
			t.Errorf("the request is %v with a token of %d bytes, %v", asked.Type, len(token), err)
		}
		a, err := parseAnswer(reply(t, asked.Raw, address, seal), transaction)
		if err != nil || a.seen != netip.MustParseAddr(address) || !bytes.Equal(a.seal, seal) {
			t.Errorf("%s: read as %+v, %v", address, a, err)
		}
	}
}

func reply(t testing.TB, asked []byte, address string, seal []byte) []byte {
	t.Helper()
	m, err := stun.Build(stun.NewTransactionIDSetter([stun.TransactionIDSize]byte(asked[8:20])), stun.BindingSuccess,
		stun.NewSoftware("some other"), &stun.XORMappedAddress{IP: net.ParseIP(address), Port: 4711},
		stun.RawAttribute{Type: egress.AttributeSeal, Value: seal}, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestAnswersToOthersAreNotTaken(t *testing.T) {
	t.Parallel()
	transaction := newTransaction()
	right := reply(t, request(transaction, nil), "198.51.100.7", bytes.Repeat([]byte{7}, egress.SealSize))
	if _, err := parseAnswer(right, transaction); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string][]byte{
		"nothing":             nil,
		"another transaction": reply(t, request(newTransaction(), nil), "198.51.100.7", make([]byte, egress.SealSize)),
		"no seal":             reply(t, request(transaction, nil), "198.51.100.7", nil),
		"a longer seal":       reply(t, request(transaction, nil), "198.51.100.7", make([]byte, egress.SealSize+1)),
		"cut":                 right[:len(right)-4],
		"longer than it says": append(slices.Clone(right), 0, 0, 0, 0),
		"the request":         request(transaction, nil),
	} {
		if a, err := parseAnswer(m, transaction); err == nil {
			t.Errorf("%s is taken as %+v", name, a)
		}
	}
}

// fake is a STUN responder of another make on the loopback interface.
type fake struct {
	port  uint32
	asked atomic.Int32
	// silent keeps it from answering over UDP.
	silent  bool
	address atomic.Pointer[string]
}

func serve(t *testing.T, silent bool) *fake {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	r := &fake{port: uint32(port), silent: silent}
	first := "198.51.100.7"
	r.address.Store(&first)
	seal := func() []byte { return bytes.Repeat([]byte{byte(r.asked.Add(1))}, egress.SealSize) }
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 512)
		for {
			n, from, err := socket.ReadFromUDP(buffer)
			if err != nil {
				return
			}
			if !r.silent {
				_, _ = socket.WriteToUDP(reply(t, buffer[:n], *r.address.Load(), seal()), from)
			}
		}
	})
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 20+4+egress.TokenSize)
			if _, err := io.ReadFull(conn, buffer); err == nil {
				_, _ = conn.Write(reply(t, buffer, *r.address.Load(), seal()))
			}
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = errors.Join(socket.Close(), listener.Close())
		serving.Wait()
	})
	return r
}

// run runs a prober until the test ends and returns what tells of changes.
func run(t *testing.T, p *Prober) <-chan struct{} {
	t.Helper()
	changed := make(chan struct{}, 16)
	p.Changed = func() { changed <- struct{}{} }
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return changed
}

func TestProberAsksAtChanges(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		r := serve(t, silent)
		p := New("127.0.0.1:1", nil)
		changed := run(t, p)
		p.Want([]Path{{Kind: farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI}})
		if got := p.Known(); got != nil {
			t.Errorf("known before anybody may be asked: %v", got)
		}
		p.Use(&farmhoundv1.EgressResponder{Port: r.port, Token: make([]byte, egress.TokenSize), Tcp: true})
		<-changed
		want := []*farmhoundv1.EgressPath{{
			Kind: farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI, DefaultRoute: true, Seal: bytes.Repeat([]byte{1}, egress.SealSize),
		}}
		if diff := cmp.Diff(want, p.Known(), protocmp.Transform()); diff != "" {
			t.Errorf("silent over UDP %v: %s", silent, diff)
		}
		// A way out that is gone takes its answer along.
		p.Want(nil)
		if got := p.Known(); got != nil {
			t.Errorf("known of a way out that is gone: %v", got)
		}
	}
}

// A seal changes with the address and with its age only: reports have nothing new to
// tell otherwise.
func TestSealsAreKeptWhileTheAddressStays(t *testing.T) {
	t.Parallel()
	r := serve(t, false)
	p := New("127.0.0.1:1", nil)
	changes := 0
	p.Changed = func() { changes++ }
	p.Want([]Path{{}})
	p.Use(&farmhoundv1.EgressResponder{Port: r.port, Token: make([]byte, egress.TokenSize), Tcp: true})
	steps := []struct {
		what string
		do   func()
		want int
	}{
		{"first", func() {}, 1},
		{"asked again", func() {}, 1},
		{"another address", func() { other := "203.0.113.9"; r.address.Store(&other) }, 2},
		{"old", func() { p.known[0].at = p.known[0].at.Add(-sealAge) }, 3},
		{"nobody to ask", func() { p.Use(nil) }, 4},
	}
	for _, step := range steps {
		step.do()
		if !p.askAll(t.Context()) {
			t.Fatalf("%s: nobody answered", step.what)
		}
		if changes != step.want {
			t.Errorf("%s: %d changes, want %d", step.what, changes, step.want)
		}
	}
	if got := p.Known(); got != nil {
		t.Errorf("known when nobody is to be asked: %v", got)
	}
}

// An interface is none of its networks: what the laptop was seen under in the office says
// nothing of the hotel.
func TestNothingIsKnownOfAnotherNetwork(t *testing.T) {
	t.Parallel()
	office := Path{Links: "192.0.2.0/24", Gateway: "a"}
	for _, tt := range []struct {
		name  string
		move  func(p *Prober)
		known bool
	}{
		{"the same", func(p *Prober) { p.Want([]Path{office}) }, true},
		{"a router that is not known for a moment", func(p *Prober) {
			p.Want([]Path{{Links: office.Links}})
			p.Want([]Path{office})
		}, true},
		{"other addresses", func(p *Prober) { p.Want([]Path{{Links: "198.51.100.0/24", Gateway: "a"}}) }, false},
		{"the same addresses behind another router", func(p *Prober) { p.Want([]Path{{Links: office.Links, Gateway: "b"}}) }, false},
		{"another router, not known at first", func(p *Prober) {
			p.Want([]Path{{Links: office.Links}})
			p.Want([]Path{{Links: office.Links, Gateway: "b"}})
		}, false},
		{"sleep", (*Prober).Moved, false},
	} {
		// Whether the router was known when the answer came makes no difference.
		for _, asked := range []Path{office, {Links: office.Links}} {
			r := serve(t, false)
			p := New("127.0.0.1:1", nil)
			p.Want([]Path{asked})
			p.Use(&farmhoundv1.EgressResponder{Port: r.port, Token: make([]byte, egress.TokenSize), Tcp: true})
			<-p.wake
			if !p.askAll(t.Context()) || len(p.Known()) != 1 {
				t.Fatal("nobody answered")
			}
			p.Want([]Path{office})
			tt.move(p)
			if got := len(p.Known()) == 1; got != tt.known {
				t.Errorf("%s: known %v, want %v", tt.name, got, tt.known)
			}
			if again := len(p.wake) == 1; again == tt.known {
				t.Errorf("%s: asked again %v, want %v", tt.name, again, !tt.known)
			}
		}
	}
}

// An answer that was on its way while the laptop moved is of the network before.
func TestAnswersAcrossAMoveAreNotKept(t *testing.T) {
	t.Parallel()
	p := New("127.0.0.1:1", nil)
	p.Want([]Path{{}})
	era := p.era
	p.Moved()
	p.replace([]known{{family: "4", seal: []byte{1}}}, era)
	if got := p.Known(); got != nil {
		t.Errorf("known: %v", got)
	}
	p.replace([]known{{family: "4", seal: []byte{1}}}, p.era)
	if got := p.Known(); len(got) != 1 {
		t.Errorf("not known: %v", got)
	}
}

// Nothing hangs on a responder that says nothing.
func TestAskEndsWithItsContext(t *testing.T) {
	t.Parallel()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := responder{address: socket.LocalAddr().String()}.ask(ctx, "", "4")
		ended <- err
	}()
	if _, _, err := socket.ReadFrom(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	cancel()
	if err := <-ended; err == nil {
		t.Error("an answer came from nowhere")
	}
	if took := time.Since(before); took > 20*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

func FuzzParseAnswer(f *testing.F) {
	transaction := [transactionSize]byte{1, 2, 3}
	f.Add(reply(f, request(transaction, nil), "198.51.100.7", make([]byte, egress.SealSize)))
	f.Add(reply(f, request(transaction, nil), "2001:db8::1", make([]byte, egress.SealSize)))
	f.Add(request(transaction, make([]byte, egress.TokenSize)))
	f.Fuzz(func(t *testing.T, m []byte) {
		if a, err := parseAnswer(m, transaction); err == nil && (!a.seen.IsValid() || len(a.seal) != egress.SealSize) {
			t.Errorf("half an answer: %+v", a)
		}
	})
}
