package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/farmhound-security/farmhound/collector/egress"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Egress is the STUN responder that laptops ask under which address they are seen
// over each way out.
type Egress struct {
	// Listen is where it answers, over UDP and TCP. Left out, it answers over UDP at the
	// port of the service.
	Listen Address `yaml:"listen"`
	// Off switches it off.
	Off bool `yaml:"off"`
	// Host and Port are where laptops reach it, if that is not where they reach the
	// collector and the port it listens on.
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

// Check refuses a port that is none.
func (e *Egress) Check() error {
	if e.Port < 0 || e.Port > 65535 {
		return fmt.Errorf("port %d: expected 1 to 65535", e.Port)
	}
	if e.Off && e.Listen != "" {
		return errors.New("off and listen exclude each other")
	}
	return nil
}

// answering is the responder with its sockets; nil where it is off.
type answering struct {
	responder *egress.Responder
	told      *farmhoundv1.EgressResponder // without a token
	udp       *net.UDPConn
	tcp       net.Listener // nil without
}

// openEgress opens the responder's sockets. At the service's own port it is an offer:
// a port that is taken costs what it would have told, not the collector.
func (c *Collector) openEgress(ctx context.Context) error {
	config := c.options.Config.Egress
	if config.Off {
		return nil
	}
	where, own := string(config.Listen), config.Listen == ""
	if own {
		if _, tcp := c.Address().(*net.TCPAddr); !tcp {
			return nil // a pipe of a test has no port beside it
		}
		where = c.Address().String()
	}
	a, err := c.answerAt(ctx, where, !own)
	if own && errors.Is(err, syscall.EADDRINUSE) {
		c.log.WarnContext(ctx, "laptops cannot ask how they are seen: the UDP port is taken; set egress.listen to another", "port", where)
		return nil
	}
	if err != nil {
		return err
	}
	a.told.Host = config.Host
	if config.Port > 0 {
		a.told.Port = uint32(config.Port)
	}
	c.egress = a
	return nil
}

func (c *Collector) answerAt(ctx context.Context, where string, tcp bool) (*answering, error) {
	secret, err := c.secret(ctx, "egress_secret")
	if err != nil {
		return nil, err
	}
	authority, err := egress.NewAuthority(secret, c.options.Now)
	if err != nil {
		return nil, err
	}
	a := &answering{
		responder: &egress.Responder{Authority: authority, Strangers: prefixes(c.options.Config.Balancers), Log: c.log},
		told:      &farmhoundv1.EgressResponder{Tcp: tcp},
	}
	address, err := net.ResolveUDPAddr("udp", where)
	if err == nil {
		a.udp, err = net.ListenUDP("udp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for laptops that ask how they are seen: %w", err)
	}
	port := a.udp.LocalAddr().(*net.UDPAddr).Port //nolint:forcetypeassert // a UDP socket's address is one
	a.told.Port = uint32(port)
	if tcp {
		host, _, _ := net.SplitHostPort(where)
		if a.tcp, err = new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port))); err != nil {
			return nil, errors.Join(fmt.Errorf("listen for laptops that ask how they are seen: %w", err), a.udp.Close())
		}
	}
	return a, nil
}

// Responder is what a device is told.
func (a *answering) Responder(device string) *farmhoundv1.EgressResponder {
	return &farmhoundv1.EgressResponder{
		Host: a.told.GetHost(), Port: a.told.GetPort(), Tcp: a.told.GetTcp(), Token: a.responder.Authority.Token(device),
	}
}

// Open returns under which address a device was seen, and when.
func (a *answering) Open(device string, seal []byte) (netip.Addr, time.Time, error) {
	return a.responder.Authority.Open(device, seal)
}

func (a *answering) close() error {
	err := a.udp.Close()
	if a.tcp != nil {
		err = errors.Join(err, a.tcp.Close())
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
