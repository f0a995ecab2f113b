package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrExists is returned when there is a CA already: a second one would lose every
// laptop that trusts the first.
var ErrExists = errors.New("there is a CA already")

// Create makes a CA and a server certificate for the names (DNS names and IP
// addresses, as agents call the collector) in dir, which must not exist or be
// empty. Either all of it is there afterwards or nothing is.
func Create(dir string, names []string, now time.Time) (*Authority, error) {
	dns, ips, err := splitNames(names)
	if err != nil {
		return nil, err
	}
	files, err := create(dns, ips, now)
	if err != nil {
		return nil, fmt.Errorf("create a CA: %w", err)
	}
	if err := writeDirectory(dir, files); err != nil {
		return nil, fmt.Errorf("create a CA in %s: %w", dir, err)
	}
	return Load(dir)
}

func create(dns []string, ips []net.IP, now time.Time) (map[string][]byte, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := caTemplate(now)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a := &Authority{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	a.cas.Store(newCAs(&ca{certificate: certificate, key: key}))
	server, err := a.issueServer(dns, ips)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		caFile:     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		caKeyFile:  keyPEM,
		serverFile: server,
	}, nil
}

// splitNames tells addresses from DNS names and refuses what is neither: a typing
// error here would show only on the laptops.
func splitNames(names []string) (dns []string, ips []net.IP, err error) {
	if len(names) == 0 {
		return nil, nil, errors.New("name at least one DNS name or IP address by which agents call the collector")
	}
	for _, name := range names {
		if address, err := netip.ParseAddr(name); err == nil {
			ips = append(ips, address.Unmap().WithZone("").AsSlice())
			continue
		}
		if !isHostName(name) {
			return nil, nil, fmt.Errorf("%q is neither a DNS name nor an IP address", name)
		}
		dns = append(dns, strings.ToLower(name))
	}
	return dns, ips, nil
}

func isHostName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(name, "*."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// writeDirectory puts all files in place by one rename of their directory.
func writeDirectory(dir string, files map[string][]byte) (err error) {
	dir = filepath.Clean(dir)
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%w, or something else is in the directory: it holds %s", ErrExists, entries[0].Name())
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(parent, ".ca-*") // 0700
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	for name, data := range files {
		if err := writeFile(filepath.Join(temp, name), data); err != nil {
			return err
		}
	}
	if err := syncDir(temp); err != nil {
		return err
	}
	// An empty directory may be there already. Removing it fails if somebody else
	// filled it meanwhile.
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		return err
	}
	return syncDir(parent)
}
