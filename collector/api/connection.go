package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// connection is what a call's peer.AuthInfo holds: the TLS state, and the TCP
// connection below it, of which the kernel measures the round trip.
type connection struct {
	credentials.TLSInfo
	// address is the peer's; invalid where a balancer did not name it.
	address netip.AddrPort
	// direct is the peer's own TCP connection; nil behind a balancer, whose round
	// trip would be measured in the peer's place.
	direct *net.TCPConn
	// line is its place among the device's connections.
	line *line
}

// transport is TLS that keeps hold of the connection below it. gRPC hands a
// credential the raw connection and later passes on what it returns as AuthInfo,
// which is the only way from one to a handler.
type transport struct {
	credentials.TransportCredentials
	turns *turns
	log   *slog.Logger
}

func newTransport(config *tls.Config, turns *turns, log *slog.Logger) credentials.TransportCredentials {
	return &transport{credentials.NewTLS(config), turns, log}
}

// ServerHandshake runs the TLS handshake.
func (t *transport) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := t.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		// Scanners cause most of these, so it is no warning.
		t.log.DebugContext(context.Background(), "a TLS handshake failed", "peer", raw.RemoteAddr().String(), "error", err)
		return nil, nil, err
	}
	tlsInfo, ok := info.(credentials.TLSInfo)
	if !ok {
		return nil, nil, errors.Join(fmt.Errorf("a TLS handshake left %T", info), secured.Close())
	}
	c := connection{TLSInfo: tlsInfo, line: t.turns.open(secured)}
	c.address, c.direct = peerOf(raw)
	return c.line, c, nil
}

// peerOf returns the peer of a raw connection, as the balancer names it where there
// is one, and the peer's own TCP connection where there is none.
func peerOf(raw net.Conn) (address netip.AddrPort, direct *net.TCPConn) {
	switch raw := raw.(type) {
	case *proxyproto.Conn:
		if header := raw.ProxyHeader(); header != nil && !header.Command.IsLocal() {
			return addressOf(header.SourceAddr), nil
		}
		return netip.AddrPort{}, nil
	case *net.TCPConn:
		return addressOf(raw.RemoteAddr()), raw
	}
	return addressOf(raw.RemoteAddr()), nil
}

// Clone returns a copy.
func (t *transport) Clone() credentials.TransportCredentials {
	return &transport{t.TransportCredentials.Clone(), t.turns, t.log}
}

func addressOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	address := tcp.AddrPort()
	return netip.AddrPortFrom(address.Addr().Unmap().WithZone(""), address.Port())
}

// connectionOf returns the connection a call came over; an empty one for calls
// that did not come through transport.
func connectionOf(ctx context.Context) connection {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return connection{}
	}
	c, _ := from.AuthInfo.(connection)
	return c
}
