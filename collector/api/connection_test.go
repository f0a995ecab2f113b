package api_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/pki"
)

func TestOnlyEnrolledDevicesOfThisCAReport(t *testing.T) {
	t.Parallel()
	c := start(t)

	refused(t, c.laptop(t).report(), codes.Unauthenticated, "no device certificate came with the call")

	// Signed by this CA, yet nobody let it in.
	smuggled := c.laptop(t)
	var err error
	smuggled.chain, err = c.authority.Issue(smuggled.csr())
	must(t, err)
	refused(t, smuggled.report(), codes.Unauthenticated, "is not enrolled here")

	// A foreign CA that says it is this one.
	foreign, err := pki.Create(filepath.Join(t.TempDir(), "pki"), []string{"127.0.0.1"}, time.Now().Add(-90*24*time.Hour))
	must(t, err)
	stranger := c.laptop(t)
	stranger.chain, err = foreign.Issue(stranger.csr())
	must(t, err)
	refused(t, stranger.report(), codes.Unavailable, "")

	// Somebody else's certificate, without the key of it.
	thief := c.laptop(t)
	thief.chain = c.enrolled(t).chain
	refused(t, thief.report(), codes.Unavailable, "")

	// The server's certificate is of this CA, but for a server.
	server, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "server.pem"), filepath.Join(c.dir, "server.pem"))
	must(t, err)
	impostor := c.laptop(t)
	impostor.chain = server.Certificate
	refused(t, impostor.report(), codes.Unavailable, "")

	if got := c.commit.committed(); len(got) != 0 {
		t.Errorf("committed %v", got)
	}
}

func TestOlderTLSIsRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	dialer := tls.Dialer{Config: &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
	conn, err := dialer.DialContext(t.Context(), "tcp", c.address)
	if err == nil {
		_ = conn.Close()
		t.Fatal("TLS 1.2 was spoken")
	}
	if !strings.Contains(err.Error(), "protocol version") {
		t.Error(err)
	}
}

func TestGarbageOnThePort(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	for name, bytes := range map[string]string{
		"http":         "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"plain http2":  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"zeroes":       strings.Repeat("\x00", 1000),
		"proxy header": "PROXY TCP4 203.0.113.7 203.0.113.8 1 2\r\n",
	} {
		conn, err := net.Dial("tcp", c.address)
		must(t, err)
		_, err = io.WriteString(conn, bytes)
		must(t, err)
		must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		// It ends, by a TLS alert or without a word, and not because of the deadline.
		_, err = io.Copy(io.Discard, conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection stays open", name)
		}
		_ = conn.Close()
		must(t, l.report())
	}
}

// behind dials with a PROXY header first.
func behind(header *proxyproto.Header) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil || header == nil {
			return conn, err
		}
		_, err = header.WriteTo(conn)
		return conn, err
	}
}

func proxied(version byte, command proxyproto.ProtocolVersionAndCommand, from string) *proxyproto.Header {
	source := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))
	protocol := proxyproto.TCPv6
	if source.IP.To4() != nil {
		protocol = proxyproto.TCPv4
	}
	return &proxyproto.Header{
		Version: version, Command: command, TransportProtocol: protocol, SourceAddr: source,
		DestinationAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("198.18.0.1:443")),
	}
}

func TestBalancersNameThePeer(t *testing.T) {
	t.Parallel()
	here, elsewhere := netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("198.18.0.0/15")
	for name, tc := range map[string]struct {
		balancers []netip.Prefix
		header    *proxyproto.Header
		want      string // empty: refused
	}{
		"IPv4":                        {[]netip.Prefix{elsewhere, here}, proxied(2, proxyproto.PROXY, "203.0.113.7:4711"), "203.0.113.7:4711"},
		"IPv4 in IPv6":                {[]netip.Prefix{here}, proxied(2, proxyproto.PROXY, "[::ffff:203.0.113.7]:4711"), "203.0.113.7:4711"},
		"balancer's own":              {[]netip.Prefix{here}, proxied(2, proxyproto.LOCAL, "203.0.113.7:4711"), "invalid AddrPort"},
		"version 1":                   {[]netip.Prefix{here}, proxied(1, proxyproto.PROXY, "203.0.113.7:4711"), ""},
		"balancer without the header": {[]netip.Prefix{here}, nil, ""},
		"header of no balancer":       {[]netip.Prefix{elsewhere}, proxied(2, proxyproto.PROXY, "203.0.113.7:4711"), ""},
		"header without balancers":    {nil, proxied(2, proxyproto.PROXY, "203.0.113.7:4711"), ""},
		"direct beside balancers":     {[]netip.Prefix{elsewhere}, nil, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, tc.balancers...)
			l := c.laptop(t)
			l.dial = behind(tc.header)
			err := l.enroll(c.secret(t, nil))
			if tc.want == "" {
				if status.Code(err) != codes.Unavailable {
					t.Errorf("got %v, want no connection", err)
				}
				return
			}
			must(t, err)
			must(t, l.report())
			got := c.commit.committed()[0][0]
			if !strings.HasPrefix(got.Peer.String(), tc.want) {
				t.Errorf("peer %v, want %v", got.Peer, tc.want)
			}
			if tc.header != nil && (got.PeerRTTMillis != 0 || got.PeerMSS != 0) {
				t.Errorf("the balancer's round trip %v ms and segment size %d were taken for the laptop's", got.PeerRTTMillis, got.PeerMSS)
			}
		})
	}
}

func TestCallUnderWayIsAnsweredWhenTheServerStops(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	must(t, l.report())
	c.commit.set(func() { c.commit.entered, c.commit.leave = make(chan struct{}), make(chan struct{}) })
	answer := make(chan error, 1)
	go func() { answer <- l.report() }()
	<-c.commit.entered
	c.stop()
	// New connections are refused as soon as the end has begun.
	for {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case <-c.done:
		t.Error("the server ended before the call")
	default:
	}
	close(c.commit.leave)
	must(t, <-answer)
	<-c.done
}

func TestServeSaysWhyItEnded(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	if err := api.Serve(t.Context(), grpc.NewServer(), listener); err == nil || !strings.Contains(err.Error(), "serve on 127.0.0.1:") {
		t.Errorf("got %v", err)
	}
	if _, err := api.NewServer(api.Config{}); err == nil {
		t.Error("a server without anything was made")
	}
}
