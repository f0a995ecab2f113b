package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/agent/road"
)

// maxMessage bounds what is received: a catalogue is the largest.
const maxMessage = 5 << 20

// window is how much may be under way before the receiver has read it.
const window = 128 << 10

// Dialer opens the TCP connection to the collector. Nil means the way that the
// environment and the system name.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

// Connection is a connection to the collector that can be made anew, as is
// needed to show a renewed certificate. It is a grpc.ClientConnInterface.
type Connection struct {
	dial func() (*grpc.ClientConn, error)

	mu     sync.Mutex
	conn   *grpc.ClientConn
	closed bool
}

// Connect prepares a connection; the network is used with the first call.
func Connect(address string, config *tls.Config, dialer Dialer) (*Connection, error) {
	if dialer == nil {
		return ConnectBy(address, config, road.New(road.Options{Environ: os.Environ()}))
	}
	return connect(address, credentials.NewTLS(config), dialer)
}

// ConnectBy is Connect by a road, which learns at whose end the collector was. What
// stands in the way is said in the errors of calls.
func ConnectBy(address string, config *tls.Config, r *road.Road) (*Connection, error) {
	return connect(address, &watched{credentials.NewTLS(explaining(config)), r}, r.Dial)
}

func connect(address string, secured credentials.TransportCredentials, dialer Dialer) (*Connection, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(secured),
		grpc.WithContextDialer(dialer),
		grpc.WithUserAgent("farmhound-agent"),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		// Retries are this package's own: see Deliverer.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 15 * time.Second},
			MinConnectTimeout: 20 * time.Second,
		}),
		// Pings only while a call waits: an idle connection costs nothing, and one
		// that died unnoticed is given up with the next call.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithIdleTimeout(0),
		// A window of a fixed size, which also is enough for a catalogue: the library
		// otherwise pings with every call to find a better one.
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
	}
	// The name is resolved by whoever dials: a proxy may know names that this laptop's
	// network does not.
	target := "passthrough:///" + address
	c := &Connection{dial: func() (*grpc.ClientConn, error) { return grpc.NewClient(target, options...) }}
	conn, err := c.dial()
	if err != nil {
		return nil, fmt.Errorf("connect to collector %s: %w", address, err)
	}
	c.conn = conn
	return c, nil
}

// explaining returns a configuration whose refusals of a certificate say whose it was.
func explaining(config *tls.Config) *tls.Config {
	config = config.Clone()
	if verify := config.VerifyConnection; verify != nil {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			return road.Unverified(state.PeerCertificates, time.Now(), verify(state))
		}
	}
	return config
}

// watched tells the road how handshakes ended.
type watched struct {
	credentials.TransportCredentials
	road *road.Road
}

// ClientHandshake makes the handshake.
func (w *watched) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		w.road.Missed()
		return nil, nil, road.Handshake(err)
	}
	w.road.Arrived()
	return conn, info, nil
}

// Clone returns credentials that tell the same road.
func (w *watched) Clone() credentials.TransportCredentials {
	return &watched{w.TransportCredentials.Clone(), w.road}
}

// Renew makes the connection anew. Calls under way on the old one are made again.
func (c *Connection) Renew() error {
	fresh, err := c.dial()
	if err != nil {
		return fmt.Errorf("connect to collector again: %w", err)
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return fresh.Close()
	}
	old := c.conn
	c.conn = fresh
	c.mu.Unlock()
	return old.Close()
}

// Close ends the connection.
func (c *Connection) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.conn.Close()
}

// Invoke makes a unary call. One that Renew cut off is made again, once: all calls of
// the contract may be.
func (c *Connection) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	conn := c.current()
	err := conn.Invoke(ctx, method, args, reply, options...)
	if fresh := c.current(); status.Code(err) == codes.Canceled && fresh != conn && ctx.Err() == nil {
		return fresh.Invoke(ctx, method, args, reply, options...)
	}
	return err
}

// NewStream is there for the interface; the contract has no streams.
func (c *Connection) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("the agent uses no streams")
}

func (c *Connection) current() *grpc.ClientConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}
