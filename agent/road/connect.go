package road

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// maxHead bounds the head of a proxy's answer.
const maxHead = 16 << 10

// connect opens a connection through an HTTP proxy.
func (r *Road) connect(ctx context.Context, way Way, address string) (net.Conn, error) {
	conn, err := r.dial(ctx, "tcp", way.Proxy)
	if err != nil {
		return nil, unreachable(way, way.Proxy, err)
	}
	through, err := tunnel(ctx, conn, way, address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return through, nil
}

// tunnel asks the proxy at the other end of conn for a connection to an address.
func tunnel(ctx context.Context, conn net.Conn, way Way, address string) (_ net.Conn, err error) {
	// A conn knows deadlines and no contexts: one that is done counts as a past deadline.
	past, plain := time.Unix(1, 0), conn // conn itself becomes the one inside TLS meanwhile
	stop := context.AfterFunc(ctx, func() { _ = plain.SetDeadline(past) })
	defer func() {
		if !stop() && err == nil {
			err = noAnswer(way, ctx.Err())
		}
	}()
	if way.Secure {
		host, _, err := net.SplitHostPort(way.Proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy %s: %w", way.Proxy, err)
		}
		secure := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, &Trouble{"proxy-tls", "the proxy https://" + way.Proxy + " cannot be trusted: " + printable(err.Error(), 120),
				"its certificate must be of a CA that this machine trusts", err}
		}
		conn = secure
	}
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: farmhound-agent\r\n"
	if way.login != "" {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(way.login)) + "\r\n"
	}
	if _, err := conn.Write([]byte(request + "\r\n")); err != nil {
		return nil, noAnswer(way, err)
	}
	answer, rest, err := readHead(conn)
	if err != nil {
		return nil, noAnswer(way, err)
	}
	head, err := parseHead(answer)
	if err != nil {
		return nil, &Trouble{"proxy-strange", way.Proxy + " does not answer as an HTTP proxy does", "check the address of the proxy", err}
	}
	if head.code < 200 || head.code > 299 {
		return nil, refusal(way, head)
	}
	if len(rest) > 0 {
		return &ahead{conn, rest}, nil
	}
	return conn, nil
}

// ahead is a connection of which more was read than the head.
type ahead struct {
	net.Conn
	rest []byte
}

// Read returns first what was read ahead.
func (a *ahead) Read(into []byte) (int, error) {
	if len(a.rest) > 0 {
		n := copy(into, a.rest)
		a.rest = a.rest[n:]
		return n, nil
	}
	return a.Conn.Read(into)
}

var endOfHead = []byte("\r\n\r\n")

// readHead reads an answer up to the end of its head, and what came with it.
func readHead(conn net.Conn) (head, rest []byte, err error) {
	var buffer []byte
	chunk := make([]byte, 1024)
	for len(buffer) < maxHead {
		n, err := conn.Read(chunk)
		from := max(len(buffer)-len(endOfHead), 0)
		buffer = append(buffer, chunk[:n]...)
		if at := bytes.Index(buffer[from:], endOfHead); at >= 0 {
			end := from + at + len(endOfHead)
			return buffer[:end], buffer[end:], nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, fmt.Errorf("the head of its answer is longer than %d bytes", maxHead)
}

// head is what is made use of in an HTTP answer.
type head struct {
	code int
	// schemes are how the proxy would have itself convinced, as in "Basic".
	schemes []string
	// moved is whether it sends the caller elsewhere.
	moved bool
}

func parseHead(data []byte) (head, error) {
	status, fields, _ := strings.Cut(string(data), "\r\n")
	version, rest, ok := strings.Cut(status, " ")
	if !ok || !strings.HasPrefix(version, "HTTP/1.") {
		return head{}, errors.New("no HTTP status line")
	}
	word, _, _ := strings.Cut(rest, " ")
	code, err := strconv.ParseUint(word, 10, 16)
	if err != nil || len(word) != 3 || code < 100 {
		return head{}, errors.New("no HTTP status code")
	}
	h := head{code: int(code)}
	for line := range strings.SplitSeq(fields, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case !ok:
		case strings.EqualFold(name, "Location"):
			h.moved = true
		case strings.EqualFold(name, "Proxy-Authenticate") && len(h.schemes) < 8:
			scheme, _, _ := strings.Cut(value, " ")
			h.schemes = append(h.schemes, printable(strings.TrimSuffix(scheme, ","), 20))
		}
	}
	return h, nil
}

// refusal says why a proxy opened no connection.
func refusal(way Way, h head) error {
	said := fmt.Errorf("answer %d", h.code)
	const portal = 511 // Network Authentication Required
	basic := false
	for _, scheme := range h.schemes {
		basic = basic || strings.EqualFold(scheme, "Basic")
	}
	switch {
	case h.code == 407 && basic && way.login == "":
		return &Trouble{"proxy-login", "the proxy " + way.Proxy + " wants a user name and a password",
			"set proxy_login_file to a file that holds user:password, and name the proxy in the setting proxy", said}
	case h.code == 407 && basic:
		return &Trouble{"proxy-login", "the proxy " + way.Proxy + " does not take the user name and password it was given",
			"correct the login in proxy_login_file", said}
	case h.code == 407:
		return &Trouble{"proxy-login", "the proxy " + way.Proxy + " wants a login by " + strings.Join(h.schemes, ", ") + ", and the agent can do Basic only",
			"have the proxy let the collector through without login, or offer Basic", said}
	case h.code == portal, h.moved && h.code/100 == 3:
		return &Trouble{"captive-portal", fmt.Sprintf("this network wants somebody to sign in first (%s answered %d)", way.Proxy, h.code),
			"sign in to the network in a browser", said}
	default:
		return &Trouble{"proxy-refuses", fmt.Sprintf("the proxy %s does not let through to the collector (it answered %d)", way.Proxy, h.code),
			"have the proxy allow CONNECT to the collector's address and port", said}
	}
}
