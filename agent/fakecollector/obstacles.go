package fakecollector

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Obstacle is something that stands between a laptop and its collector, on a loopback
// port until the test ends.
type Obstacle struct {
	// Address is where it listens.
	Address string

	mu    sync.Mutex
	asked []string
	conns map[net.Conn]bool
	ended bool
}

// Asked returns the addresses that a proxy was asked for, in order.
func (o *Obstacle) Asked() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.asked...)
}

// StartProxy runs an HTTP proxy. With a login (user:password) it wants that, by Basic.
func StartProxy(tb testing.TB, login string) *Obstacle {
	tb.Helper()
	return proxy(tb, login, func(conn net.Conn, address string) {
		onward, err := new(net.Dialer).DialContext(context.WithoutCancel(tb.Context()), "tcp", address)
		if err != nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		join(conn, onward)
	})
}

// StartSecureProxy runs an HTTP proxy that is itself spoken to by TLS, and returns a PEM
// file with the CA to trust it by.
func StartSecureProxy(tb testing.TB) (o *Obstacle, caFile string) {
	tb.Helper()
	config := forged(tb, "Company", tls.VersionTLS13)
	caFile = filepath.Join(tb.TempDir(), "proxy-ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: config.Certificates[0].Certificate[0]})
	if err := os.WriteFile(caFile, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	plain := StartProxy(tb, "")
	o = listen(tb, func(conn net.Conn) {
		onward, err := new(net.Dialer).DialContext(context.WithoutCancel(tb.Context()), "tcp", plain.Address)
		if err != nil {
			return
		}
		join(tls.Server(conn, config), onward)
	})
	return o, caFile
}

// StartRefuser runs a proxy that answers every CONNECT with this head.
func StartRefuser(tb testing.TB, head string) *Obstacle {
	tb.Helper()
	return proxy(tb, "", func(conn net.Conn, _ string) { _, _ = io.WriteString(conn, head+"\r\n\r\n") })
}

// StartInspector runs a proxy that answers TLS itself, with certificates of a CA of that
// organisation, up to a version of TLS.
func StartInspector(tb testing.TB, organisation string, version uint16) *Obstacle {
	tb.Helper()
	config := forged(tb, organisation, version)
	return proxy(tb, "", func(conn net.Conn, _ string) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		_ = tls.Server(conn, config).HandshakeContext(context.WithoutCancel(tb.Context())) // refused, as it should be
	})
}

// StartPortal runs a web server that sends everybody to a page to sign in at.
func StartPortal(tb testing.TB) *Obstacle {
	tb.Helper()
	return listen(tb, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1))
		_, _ = io.WriteString(conn, "HTTP/1.1 302 Found\r\nLocation: http://sign-in.example/\r\n\r\n")
	})
}

// StartRelay passes everything on to an address, until Freeze.
func StartRelay(tb testing.TB, address string) *Relay {
	tb.Helper()
	r := &Relay{frozen: make(chan struct{})}
	r.Obstacle = listen(tb, func(conn net.Conn) {
		r.mu.Lock()
		frozen := r.frozen
		r.mu.Unlock()
		onward, err := new(net.Dialer).DialContext(context.WithoutCancel(tb.Context()), "tcp", address)
		if err != nil {
			return
		}
		join(&freezable{conn, frozen}, &freezable{onward, frozen})
	})
	return r
}

// Relay stands for a network.
type Relay struct {
	*Obstacle
	mu     sync.Mutex
	frozen chan struct{}
}

// Freeze has the connections there are lead nowhere, without a word to either end, as
// after a laptop slept for long. New ones work.
func (r *Relay) Freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.frozen)
	r.frozen = make(chan struct{})
}

// freezable is a connection on which what is read counts as lost once it is frozen.
type freezable struct {
	net.Conn
	frozen <-chan struct{}
}

// Read reads on and on when it is frozen, and returns with the end of the connection.
func (f *freezable) Read(into []byte) (int, error) {
	for {
		n, err := f.Conn.Read(into)
		select {
		case <-f.frozen:
			if err != nil {
				return 0, err
			}
		default:
			return n, err
		}
	}
}

// StartBlackHole accepts connections and answers only greetings of TLS shorter than
// most bytes, with an alert. Zero answers none.
func StartBlackHole(tb testing.TB, most int) *Obstacle {
	tb.Helper()
	return listen(tb, func(conn net.Conn) {
		buffer := make([]byte, 64<<10)
		n, err := io.ReadAtLeast(conn, buffer, 5)
		if err == nil && n < most {
			_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 70}) // fatal, protocol_version
			return
		}
		_, _ = io.Copy(io.Discard, conn)
	})
}

func proxy(tb testing.TB, login string, serve func(conn net.Conn, address string)) *Obstacle {
	tb.Helper()
	var o *Obstacle
	ready := make(chan struct{})
	o = listen(tb, func(conn net.Conn) {
		<-ready
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil || request.Method != http.MethodConnect {
			_, _ = io.WriteString(conn, "HTTP/1.1 405 Method Not Allowed\r\n\r\n")
			return
		}
		o.mu.Lock()
		o.asked = append(o.asked, request.Host)
		o.mu.Unlock()
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(login))
		if login != "" && request.Header.Get("Proxy-Authorization") != want {
			_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n")
			return
		}
		serve(conn, request.Host)
	})
	close(ready)
	return o
}

func listen(tb testing.TB, serve func(net.Conn)) *Obstacle {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	o := &Obstacle{Address: listener.Addr().String(), conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if !o.hold(conn) {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		o.mu.Lock()
		o.ended = true
		for conn := range o.conns {
			_ = conn.Close()
		}
		o.mu.Unlock()
		serving.Wait()
	})
	return o
}

// hold keeps a connection to be closed at the end; false when that has come.
func (o *Obstacle) hold(conn net.Conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		_ = conn.Close()
		return false
	}
	o.conns[conn] = true
	return true
}

func join(a, b net.Conn) {
	var both sync.WaitGroup
	move := func(from, to net.Conn) {
		_, _ = io.Copy(to, from)
		_ = from.Close()
		_ = to.Close()
	}
	both.Go(func() { move(a, b) })
	move(b, a)
	both.Wait()
}

// forged is the configuration of a server that is not the collector.
func forged(tb testing.TB, organisation string, version uint16) *tls.Config {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{organisation}, CommonName: organisation + " root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12, MaxVersion: version,
	}
}
