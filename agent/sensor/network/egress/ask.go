package egress

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Requests over UDP go out again when no answer came, as RFC 8489 section 6.2.1
// has it, but not as long: over TCP it is tried next.
var resend = [...]time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond}

const tcpPatience = 4 * time.Second

// responder is whom to ask.
type responder struct {
	address string // host:port; empty for nobody
	token   []byte
	tcp     bool
}

// ask asks over one interface, which is empty for the default route,
// in one address family ("4" or "6").
func (r responder) ask(ctx context.Context, via, family string) (answer, error) {
	a, err := askUDP(ctx, via, family, r.address, r.token)
	if err == nil || !r.tcp || ctx.Err() != nil || unreachable(err) {
		return a, err
	}
	return askTCP(ctx, via, family, r.address, r.token)
}

// unreachable reports whether another transport would not help either.
func unreachable(err error) bool {
	var dns *net.DNSError
	var address *net.AddrError
	return errors.As(err, &dns) || errors.As(err, &address) || noRoute(err)
}

func newTransaction() (id [transactionSize]byte) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

func askUDP(ctx context.Context, via, family, responder string, token []byte) (answer, error) {
	conn, err := dialer(via, 0).DialContext(ctx, "udp"+family, responder)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s over UDP: %w", responder, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	transaction := newTransaction()
	buffer := make([]byte, largestAnswer)
	for _, wait := range resend {
		if _, err = conn.Write(request(transaction, token)); err != nil {
			return answer{}, fmt.Errorf("ask %s over UDP: %w", responder, err)
		}
		if ctx.Err() == nil {
			_ = conn.SetReadDeadline(time.Now().Add(wait))
		}
		for {
			var n int
			if n, err = conn.Read(buffer); err != nil {
				break
			}
			if a, wrong := parseAnswer(buffer[:n], transaction); wrong == nil {
				return a, nil
			}
		}
		if !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) || ctx.Err() != nil {
			break
		}
	}
	return answer{}, fmt.Errorf("ask %s over UDP: %w", responder, err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func askTCP(ctx context.Context, via, family, responder string, token []byte) (answer, error) {
	conn, err := dialer(via, tcpPatience).DialContext(ctx, "tcp"+family, responder)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s over TCP: %w", responder, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(tcpPatience))
	transaction := newTransaction()
	if _, err := conn.Write(request(transaction, token)); err != nil {
		return answer{}, fmt.Errorf("ask %s over TCP: %w", responder, err)
	}
	buffer := make([]byte, headerSize, largestAnswer)
	if _, err := io.ReadFull(conn, buffer); err != nil {
		return answer{}, fmt.Errorf("read the answer of %s over TCP: %w", responder, err)
	}
	length := int(binary.BigEndian.Uint16(buffer[2:]))
	if headerSize+length > largestAnswer {
		return answer{}, fmt.Errorf("read the answer of %s over TCP: %w", responder, errAnswer)
	}
	buffer = buffer[:headerSize+length]
	if _, err := io.ReadFull(conn, buffer[headerSize:]); err != nil {
		return answer{}, fmt.Errorf("read the answer of %s over TCP: %w", responder, err)
	}
	return parseAnswer(buffer, transaction)
}

// dialer makes sockets that leave through an interface, or by the default route
// where via is empty.
func dialer(via string, timeout time.Duration) *net.Dialer {
	d := &net.Dialer{Timeout: timeout}
	if via != "" {
		d.Control = bindTo(via)
	}
	return d
}
