package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/road"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// troubled fills a check from an error, with the words of a trouble where it is one.
func (c *Check) troubled(err error) {
	c.State = Fail
	var trouble *road.Trouble
	if errors.As(err, &trouble) {
		c.Kind, c.Found, c.Do = trouble.Kind, trouble.Say, trouble.Do
		return
	}
	c.Found = err.Error()
}

// maxAddresses bounds how many addresses of a name are shown.
const maxAddresses = 8

func (e *examination) checkName(ctx context.Context) {
	c := Check{Step: "name", State: OK}
	if _, err := netip.ParseAddr(e.host); err == nil {
		c.Found = "the collector is given by its address, no name needs resolving"
		e.add(c)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, e.Patience)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.host)
	if err != nil {
		c.State, c.Kind, c.Found = Fail, "name", "the name "+e.host+" cannot be resolved: "+err.Error()
		c.Means, c.Do = "the collector cannot be found", "check the name, and the network's resolver"
		if ways, _ := e.road.Ways(ctx, e.Settings.Collector); len(ways) > 0 && ways[0].Proxy != "" {
			c.State, c.Means = Warn, "the proxy may know it, the direct way does not exist"
		}
		e.add(c)
		return
	}
	private := 0
	var texts []string
	for _, address := range addresses[:min(len(addresses), maxAddresses)] {
		texts = append(texts, address.Unmap().String())
		if address = address.Unmap(); address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast() {
			private++
		}
	}
	c.Found = e.host + " is " + strings.Join(texts, ", ")
	if private == len(texts) {
		c.Details = []string{"all of them are private addresses: right for a collector inside the company, and what networks answer that want a sign-in"}
	}
	e.add(c)
}

func (e *examination) checkWay(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, e.Patience)
	defer cancel()
	ways, unused := e.road.Ways(ctx, e.Settings.Collector)
	c := Check{Step: "way", State: OK}
	for _, way := range ways {
		line := way.String() + " (" + way.From + ")"
		if way.Login() {
			line += ", with a login"
		}
		c.Details = append(c.Details, line)
	}
	if len(ways) == 0 {
		c.State, c.Found, c.Do = Fail, "there is no way to the collector", "correct the setting proxy"
	} else {
		c.Found = fmt.Sprintf("%d to try, first %s", len(ways), ways[0])
	}
	if len(unused) > 0 {
		c.Details = append(c.Details, unused...)
		if c.State == OK {
			c.State = Warn
		}
		c.Means = "a proxy is configured that is not made use of"
	}
	e.add(c)
}

// checkConnection tries one way after another.
func (e *examination) checkConnection(ctx context.Context) {
	c := Check{Step: "connection", State: OK}
	ways, _ := e.road.Ways(ctx, e.Settings.Collector)
	var last error
	for _, way := range ways {
		began := time.Now()
		conn, err := e.take(ctx, way)
		if err != nil {
			c.Details = append(c.Details, way.String()+": "+err.Error())
			// What a proxy says tells more than that there is no other way.
			if last == nil {
				last = err
			}
			continue
		}
		_ = conn.Close()
		e.way = &way
		c.Found = fmt.Sprintf("%s is reached %s in %d ms", e.Settings.Collector, way, time.Since(began).Milliseconds())
		break
	}
	switch {
	case e.way == nil && last != nil:
		c.troubled(last)
		if len(ways) == 1 {
			c.Details = nil // it is what was found
		}
		c.Means = "reports wait on this laptop's disk"
	case e.way == nil:
		c.State, c.Found = Skip, "there is no way to try"
	case last != nil:
		c.State, c.Means = Warn, "the ways before it do not lead there"
	}
	e.add(c)
}

func (e *examination) take(ctx context.Context, way road.Way) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Patience)
	defer cancel()
	return e.road.Take(ctx, way, e.Settings.Collector)
}

func (e *examination) checkTLS(ctx context.Context) {
	c := Check{Step: "tls", State: OK}
	if e.way == nil || e.identity == nil {
		c.State, c.Found = Skip, "nobody is there to speak to"
		if e.way != nil {
			c.Found = "which collector is the right one is not known"
		}
		e.add(c)
		return
	}
	config, err := e.identity.ServerTLS()
	if err != nil {
		c.State, c.Found, c.Means, c.Do = Fail, err.Error(), "the collector cannot be told from others", "set ca_file or ca_pin"
		e.add(c)
		return
	}
	config.Time = e.Now
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if err := verify(state); err != nil {
			return road.Unverified(state.PeerCertificates, e.Now(), err)
		}
		return e.timely(state.PeerCertificates[0])
	}
	state, err := e.shake(ctx, config)
	if err == nil {
		e.verified = true
		issuer, _ := road.Issuer(state.PeerCertificates[0])
		c.Found = "the collector answers, with a certificate of its CA"
		c.Details = []string{"issued by " + issuer + ", valid until " + stamp(state.PeerCertificates[0].NotAfter)}
		e.add(c)
		return
	}
	c.troubled(road.Handshake(err))
	c.Means = "nothing is sent to whoever answers there"
	if c.Kind == "no-answer" || c.Kind == "old-tls" {
		e.lookCloser(ctx, &c)
	}
	e.add(c)
}

// timely holds a certificate to the laptop's clock as the examination reads it.
func (e *examination) timely(leaf *x509.Certificate) error {
	now := e.Now()
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return road.Unverified([]*x509.Certificate{leaf}, now, x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired})
	}
	return nil
}

// shake makes a TLS handshake at the end of the way.
func (e *examination) shake(ctx context.Context, config *tls.Config) (tls.ConnectionState, error) {
	raw, err := e.take(ctx, *e.way)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer raw.Close()
	config.ServerName = e.host
	config.NextProtos = []string{"h2"}
	ctx, cancel := context.WithTimeout(ctx, e.Patience)
	defer cancel()
	conn := tls.Client(raw, config)
	err = conn.HandshakeContext(ctx)
	return conn.ConnectionState(), err
}

// lookCloser finds out who answers without TLS 1.3, and whether a small greeting gets an
// answer where one of the usual size did not. Nothing is said to them but the greeting.
func (e *examination) lookCloser(ctx context.Context, c *Check) {
	var shown []*x509.Certificate
	enough := errors.New("enough was seen")
	_, err := e.shake(ctx, &tls.Config{
		MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12,
		// Nobody is trusted for this: the certificate is looked at and the connection given up.
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { shown = state.PeerCertificates; return enough },
	})
	switch {
	case len(shown) > 0 && c.Kind == "old-tls":
		issuer, product := road.Issuer(shown[len(shown)-1])
		c.Found = fmt.Sprintf("somebody answers who does not speak TLS 1.3, with a certificate issued by %q", issuer)
		if product != "" {
			c.Kind, c.Found = "inspected", c.Found+": a proxy of "+product+" inspects TLS here"
		}
		c.Do = "have it let the collector's address through untouched"
	case c.Kind == "no-answer" && !silent(err):
		c.Kind, c.Found = "mtu", "a short greeting is answered and one of the usual length is not: large packets are lost on the way"
		c.Do = "lower the MTU of the interface or the VPN, or let ICMP \"packet too big\" through"
	case c.Kind == "no-answer":
		c.Found += "; a short greeting is not answered either"
		c.Do = "a firewall or proxy may hold TLS to this address and port back; have it let the collector through"
	}
}

// silent reports whether an error says that nothing came: whatever else it is, somebody
// answered, were it by hanging up.
func silent(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// noCatalog is the digest of no catalogue: asking for it is the smallest call there is.
const noCatalog = "0000000000000000000000000000000000000000000000000000000000000000"

func (e *examination) checkCollector(ctx context.Context) {
	c := Check{Step: "collector", State: Skip, Found: "it was not reached"}
	if e.verified {
		c.Found = "only an enrolled laptop can ask it"
	}
	if !e.verified || !e.identity.Enrolled() {
		e.add(c)
		return
	}
	err := e.ask(ctx)
	switch explained := identity.Explain("question", err); {
	case err == nil, status.Code(err) == codes.NotFound:
		c.State, c.Found = OK, "it answers this laptop"
	case identity.Refused(explained):
		c.State, c.Found, c.Means = Fail, explained.Error(), "it takes no reports of this laptop"
		c.Do = "ask IT whether the laptop was revoked; enrol again with a new secret"
	default:
		c.troubled(explained)
		c.Means, c.Do = "reports wait on this laptop's disk", "IT should look at the collector"
	}
	e.add(c)
}

func (e *examination) ask(ctx context.Context) error {
	config, err := e.identity.ClientTLS()
	if err != nil {
		return err
	}
	connection, err := delivery.ConnectBy(e.Settings.Collector, config, e.road)
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(ctx, e.Patience)
	defer cancel()
	_, err = farmhoundv1.NewIngestServiceClient(connection).Catalog(ctx, &farmhoundv1.CatalogRequest{Digest: noCatalog})
	return err
}
