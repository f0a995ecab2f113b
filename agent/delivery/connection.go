package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

// maxMessage bounds what is received: a catalogue is the largest.
const maxMessage = 5 << 20

// window is how much may be under way before the receiver has read it.
const window = 128 << 10

// Dialer opens the TCP connection to the collector. Nil means the system's own
// way, through the proxy of the environment if it names one.
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
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
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
	if dialer != nil {
		options = append(options, grpc.WithContextDialer(dialer))
	}
	c := &Connection{dial: func() (*grpc.ClientConn, error) { return grpc.NewClient(target(address), options...) }}
	conn, err := c.dial()
	if err != nil {
		return nil, fmt.Errorf("connect to collector %s: %w", address, err)
	}
	c.conn = conn
	return c, nil
}

// target names the address so that the TLS name is its host. An IP address needs
// no resolver.
func target(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil && net.ParseIP(host) != nil {
		return "passthrough:///" + address
	}
	return "dns:///" + address
}

// Renew makes the connection anew. Calls under way on the old one fail.
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

// Invoke makes a unary call.
func (c *Connection) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	return c.current().Invoke(ctx, method, args, reply, options...)
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
