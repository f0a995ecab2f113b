package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// callTimeout bounds one call to the collector.
	callTimeout = 30 * time.Second
	// maxAnswer bounds an answer, in bytes: a thousand alerts with their evidence fit.
	maxAnswer = 64 << 20
)

// login is what the login command keeps, in a file only its owner reads.
type login struct {
	Collector string `json:"collector"` // host:port
	CA        string `json:"ca"`        // PEM
	Token     string `json:"token"`
}

type loginCmd struct {
	Collector string `arg:"" help:"Address of the collector, host:port."`
	CA        string `name:"ca" help:"The collector's CA certificate: the ca.pem that init wrote beside its configuration." type:"existingfile" placeholder:"FILE" required:""`
	TokenFile string `help:"File that holds the token; without it the token is read from FARMHOUND_TOKEN or standard input, so that it never stands on a command line." type:"existingfile" placeholder:"FILE"`
}

// Run tries the token before keeping it.
func (c *loginCmd) Run(env *environment) error {
	if _, _, err := net.SplitHostPort(c.Collector); err != nil {
		return fmt.Errorf("the collector's address %q is not host:port", c.Collector)
	}
	ca, err := os.ReadFile(c.CA)
	if err != nil {
		return fmt.Errorf("read the CA certificate: %w", err)
	}
	token, err := c.token(env)
	if err != nil {
		return err
	}
	kept := login{Collector: c.Collector, CA: string(ca), Token: token}
	who, err := ask(env.ctx, kept, func(ctx context.Context, fleet fleetv1.FleetServiceClient) (*fleetv1.WhoAmIResponse, error) {
		return fleet.WhoAmI(ctx, &fleetv1.WhoAmIRequest{})
	})
	if err != nil {
		return err
	}
	if err := kept.save(env.config); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.out, "Logged in to %s as %s (%s).\n", printable(c.Collector), printable(who.GetName()), printable(who.GetRole()))
	return err
}

func (c *loginCmd) token(env *environment) (string, error) {
	raw := os.Getenv("FARMHOUND_TOKEN")
	switch {
	case c.TokenFile != "":
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		raw = string(b)
	case raw == "":
		if isTerminal(env.in) {
			fmt.Fprint(env.errOut, "Token: ")
		}
		line, err := bufio.NewReader(env.in).ReadString('\n')
		if err != nil && line == "" {
			return "", errors.New("no token: give --token-file, FARMHOUND_TOKEN, or the token on standard input")
		}
		raw = line
	}
	token := strings.TrimSpace(raw)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the token is empty or holds characters that no token has")
	}
	return token, nil
}

func (l login) save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".config-*") // 0600
	if err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the login: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}

func loadLogin(path string) (login, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return login{}, errors.New("not logged in; run: farmhound login HOST:PORT --ca ca.pem")
	}
	if err != nil {
		return login{}, fmt.Errorf("read the login: %w", err)
	}
	var l login
	if err := json.Unmarshal(b, &l); err != nil {
		return login{}, fmt.Errorf("%s is damaged (%w); log in again", path, err)
	}
	return l, nil
}

// bearer sends the token with every call, over TLS only.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

// ask makes one call to the collector that l names.
func ask[T any](ctx context.Context, l login, call func(context.Context, fleetv1.FleetServiceClient) (T, error)) (T, error) {
	return connected(ctx, l, callTimeout, func(ctx context.Context, conn *grpc.ClientConn) (T, error) {
		return call(ctx, fleetv1.NewFleetServiceClient(conn))
	})
}

// connected makes calls over one connection to the collector that l names.
func connected[T any](ctx context.Context, l login, timeout time.Duration, call func(context.Context, *grpc.ClientConn) (T, error)) (answer T, err error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(l.CA)) {
		return answer, errors.New("the CA file holds no PEM certificate")
	}
	// Names are resolved as connections are made, so that an error says what was looked up.
	conn, err := grpc.NewClient("passthrough:///"+l.Collector,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13})),
		grpc.WithPerRPCCredentials(bearer(l.Token)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
	)
	if err != nil {
		return answer, fmt.Errorf("prepare the connection to %s: %w", l.Collector, err)
	}
	defer func() {
		if closing := conn.Close(); err == nil && closing != nil {
			err = fmt.Errorf("close the connection to %s: %w", l.Collector, closing)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err = call(ctx, conn)
	return answer, explain(l.Collector, timeout, err)
}

// asking is ask with the kept login.
func asking[T any](env *environment, call func(context.Context, fleetv1.FleetServiceClient) (T, error)) (answer T, err error) {
	l, err := loadLogin(env.config)
	if err != nil {
		return answer, err
	}
	return ask(env.ctx, l, call)
}
