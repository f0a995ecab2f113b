package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/stun/v3"

	"github.com/farmhound-security/farmhound/proto/egress"
)

const (
	// largestRequest is more than a request with a token needs.
	largestRequest = 256
	// patience is how long a TCP connection may take for its request and its answer.
	patience = 5 * time.Second
	// mostConnections bounds those that are served at once; more wait to be accepted.
	mostConnections = 256
	headerSize      = 20
	// manyErrors on end are no chance.
	manyErrors = 16
)

// Responder answers requests. It is for any number of sockets at once.
type Responder struct {
	Authority *Authority
	// Strangers are networks whose requests are not answered: those of balancers, which
	// would be seen in the place of laptops.
	Strangers []netip.Prefix
	Log       *slog.Logger
}

// ServeUDP answers on a socket until ctx is done, and closes it.
func (r *Responder) ServeUDP(ctx context.Context, conn *net.UDPConn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	socket := newSocket(conn)
	buffer := make([]byte, largestRequest)
	for failed := 0; ; {
		n, from, back, err := socket.read(buffer)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("answer over UDP: %w", err)
		case err != nil:
			// One is what an earlier answer met; many on end are a lasting trouble.
			if failed++; failed >= manyErrors {
				r.Log.WarnContext(ctx, "requests to the STUN responder cannot be read", "error", err)
				breathe(ctx)
			}
			continue
		}
		failed = 0
		if answer := r.answer(buffer[:n], from); answer != nil {
			socket.write(answer, from, back)
		}
	}
}

// ServeTCP answers connections, one request each, until ctx is done, closes the
// listener and returns when the last has ended.
func (r *Responder) ServeTCP(ctx context.Context, listener net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	places := make(chan struct{}, mostConnections)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("answer over TCP: %w", err)
		}
		if err != nil { // too many open files
			<-places
			r.Log.WarnContext(ctx, "a connection to the STUN responder was not accepted", "error", err)
			breathe(ctx)
			continue
		}
		open.Go(func() {
			defer func() { <-places }()
			r.serve(ctx, conn)
		})
	}
}

// breathe keeps an error that lasts from taking a processor.
func breathe(ctx context.Context) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
}

func (r *Responder) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(patience))
	request := make([]byte, headerSize, largestRequest)
	if _, err := io.ReadFull(conn, request); err != nil || !stun.IsMessage(request) {
		return
	}
	length := int(binary.BigEndian.Uint16(request[2:]))
	if headerSize+length > largestRequest {
		return
	}
	request = request[:headerSize+length]
	if _, err := io.ReadFull(conn, request[headerSize:]); err != nil {
		return
	}
	from, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return
	}
	if answer := r.answer(request, from.AddrPort()); answer != nil {
		_, _ = conn.Write(answer)
	}
}

// answer returns nil where there is nothing to say: to strangers, and to anything
// but a request with a valid token, so that nobody is flooded through here.
func (r *Responder) answer(request []byte, from netip.AddrPort) []byte {
	if !stun.IsMessage(request) {
		return nil
	}
	message := stun.Message{Raw: request}
	if err := message.Decode(); err != nil || message.Type != stun.BindingRequest {
		return nil
	}
	token, err := message.Get(egress.AttributeToken)
	if err != nil {
		return nil
	}
	tag, ok := r.Authority.admit(token)
	if !ok {
		return nil
	}
	seen := netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())
	if slices.ContainsFunc(r.Strangers, func(p netip.Prefix) bool { return p.Contains(seen.Addr()) }) {
		return nil
	}
	sealed, err := r.Authority.seal(tag, seen.Addr())
	if err != nil {
		return nil
	}
	answer, err := stun.Build(
		stun.NewTransactionIDSetter(message.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: seen.Addr().AsSlice(), Port: int(seen.Port())},
		stun.RawAttribute{Type: egress.AttributeSeal, Value: sealed}, stun.Fingerprint,
	)
	if err != nil {
		return nil
	}
	return answer.Raw
}
