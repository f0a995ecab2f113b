package road

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Trouble is what stands between this laptop and its collector.
type Trouble struct {
	// Kind is a fixed word: proxy-login, proxy-refuses, proxy-strange, proxy-tls,
	// captive-portal, inspected, not-tls, old-tls, clock, expired, no-answer, name,
	// unreachable.
	Kind string
	// Say says what was met, Do what to do about it.
	Say, Do string

	err error
}

// Error says both.
func (t *Trouble) Error() string { return t.Say + "; " + t.Do }

// Unwrap returns the error that it was told from.
func (t *Trouble) Unwrap() error { return t.err }

// unreachable says why no connection came about.
func unreachable(way Way, address string, err error) error {
	what := "the collector " + address
	if way.Proxy != "" {
		what = "the proxy " + way.Proxy
	}
	var name *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return &Trouble{"name", "the name of " + what + " is not known here", "check the name, and whether the network's resolver is the right one", err}
	case errors.As(err, &name):
		return &Trouble{"name", "the name of " + what + " cannot be resolved", "check the network's resolver", err}
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return &Trouble{"no-answer", what + " does not answer", "a firewall may drop connections to this address and port", err}
	default:
		return &Trouble{"unreachable", what + " cannot be reached: " + printable(cause(err), 120), "check network, address and port", err}
	}
}

// cause is the innermost error in words.
func cause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

func noAnswer(way Way, err error) error {
	return &Trouble{"no-answer", "the proxy " + way.Proxy + " gives no answer", "check the address of the proxy and whether it allows CONNECT", err}
}

// Handshake says what the error of a TLS handshake means, where that can be told. What a
// certificate had to do with it, Unverified says.
func Handshake(err error) error {
	var trouble *Trouble
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case err == nil || errors.As(err, &trouble):
		return err
	case errors.As(err, &record) && string(record.RecordHeader[:4]) == "HTTP":
		return &Trouble{"captive-portal", "a web server answers in place of the collector, as networks do that want somebody to sign in first",
			"sign in to the network in a browser; else check address and port of the collector", err}
	case errors.As(err, &record):
		return &Trouble{"not-tls", "something that does not speak TLS answers in place of the collector", "check address and port of the collector", err}
	case strings.Contains(err.Error(), "unsupported protocol version"), strings.Contains(err.Error(), "protocol version not supported"):
		return &Trouble{"old-tls", "whoever answers does not speak TLS 1.3, as every collector does: perhaps a proxy that inspects TLS",
			"farmhound-agent doctor tells who it is", err}
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return &Trouble{"no-answer", "a connection is accepted and then nothing answers, as where a firewall drops TLS or large packets are lost (MTU)",
			"farmhound-agent doctor tells which", err}
	default:
		return err
	}
}

// Unverified says why a certificate was not taken for the collector's, err being what
// verifying it returned.
func Unverified(shown []*x509.Certificate, now time.Time, err error) error {
	var host x509.HostnameError
	if err == nil || len(shown) == 0 || errors.As(err, &host) {
		return err
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		if invalid.Reason == x509.Expired && invalid.Cert != nil {
			return untimely(invalid.Cert, now, err)
		}
		return err
	}
	issuer, product := Issuer(shown[len(shown)-1])
	if product != "" {
		return &Trouble{"inspected", fmt.Sprintf("a proxy inspects TLS here (%s; certificate issued by %q): %v", product, issuer, err),
			"have it let the collector's address through untouched", err}
	}
	return &Trouble{"inspected", fmt.Sprintf("the certificate that came was issued by %q: %v", issuer, err),
		"where a proxy inspects TLS, have it let the collector's address through untouched", err}
}

func untimely(certificate *x509.Certificate, now time.Time, err error) error {
	if now.Before(certificate.NotBefore) {
		return &Trouble{"clock", fmt.Sprintf("by this laptop's clock (%s) the collector's certificate is not valid yet (from %s on)", stamp(now), stamp(certificate.NotBefore)),
			"set the clock of this laptop", err}
	}
	return &Trouble{"expired", fmt.Sprintf("by this laptop's clock (%s) the collector's certificate expired on %s", stamp(now), stamp(certificate.NotAfter)),
		"check the clock of this laptop; if it is right, IT must renew the collector's certificate", err}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// maxName bounds what is repeated of a certificate.
const maxName = 48

// Issuer returns who issued a certificate in its own words, made safe to print, and the
// product that inspects TLS whose words those are, empty where none is known to.
func Issuer(certificate *x509.Certificate) (name, product string) {
	words := append([]string{certificate.Issuer.CommonName}, certificate.Issuer.Organization...)
	words = append(words, certificate.Issuer.OrganizationalUnit...)
	words = append(words, certificate.Subject.Organization...)
	all := strings.ToLower(strings.Join(words, "\n"))
	for _, known := range inspectors {
		if strings.Contains(all, known.word) {
			product = known.product
			break
		}
	}
	name = certificate.Issuer.CommonName
	if len(certificate.Issuer.Organization) > 0 && certificate.Issuer.Organization[0] != "" {
		name = certificate.Issuer.Organization[0]
	}
	if name == "" {
		name = "nobody it names"
	}
	return printable(name, maxName), product
}

// inspectors are words by which products that inspect TLS sign.
var inspectors = [...]struct{ word, product string }{
	{"zscaler", "Zscaler"}, {"netskope", "Netskope"}, {"goskope", "Netskope"}, {"palo alto", "Palo Alto Networks"},
	{"fortinet", "Fortinet"}, {"fortigate", "Fortinet"}, {"sophos", "Sophos"}, {"cisco umbrella", "Cisco Umbrella"},
	{"opendns", "Cisco Umbrella"}, {"blue coat", "Blue Coat"}, {"bluecoat", "Blue Coat"}, {"forcepoint", "Forcepoint"},
	{"websense", "Forcepoint"}, {"check point", "Check Point"}, {"checkpoint", "Check Point"}, {"mcafee", "McAfee"},
	{"skyhigh", "Skyhigh"}, {"barracuda", "Barracuda"}, {"iboss", "iboss"}, {"menlo security", "Menlo Security"},
	{"cloudflare managed", "Cloudflare Gateway"}, {"gateway ca - cloudflare", "Cloudflare Gateway"},
	{"cato networks", "Cato Networks"}, {"watchguard", "WatchGuard"}, {"sonicwall", "SonicWall"}, {"untangle", "Untangle"},
	{"smoothwall", "Smoothwall"}, {"lightspeed", "Lightspeed"}, {"securly", "Securly"}, {"contentkeeper", "ContentKeeper"},
	{"kaspersky", "Kaspersky"}, {"bitdefender", "Bitdefender"}, {"eset ssl filter", "ESET"}, {"avast", "Avast"},
	{"avg web", "AVG"}, {"adguard", "AdGuard"}, {"mitmproxy", "mitmproxy"}, {"fiddler", "Fiddler"},
	{"charles proxy", "Charles"}, {"portswigger", "Burp Suite"}, {"squid", "Squid"}, {"proxyman", "Proxyman"},
}

// printable makes a text of others safe to print, and bounds it in bytes.
func printable(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		if c == utf8.RuneError || !unicode.IsGraphic(c) {
			return '?'
		}
		return c
	}, text)
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
