package collector

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// What stands beside a compiled catalogue, as farmhound-collector catalog sign writes it.
const (
	SignatureSuffix = ".sig" // the Ed25519 signature, base64
	PublicKeySuffix = ".pub" // the key that agents pin at enrolment, base64
)

// signedCatalog is the company's own catalogue; the zero value is the built-in one.
type signedCatalog struct {
	api.SignedCatalog
	loaded *catalog.Catalog
}

// digest names the catalogue in policies; empty for the built-in one.
func (s *signedCatalog) digest() string {
	if s.loaded == nil {
		return ""
	}
	return s.loaded.Digest()
}

// readCatalog reads a catalogue with what stands beside it. One that agents would
// refuse is refused here first.
func readCatalog(path string) (s signedCatalog, err error) {
	if s.Encoded, err = os.ReadFile(path); err != nil {
		return s, fmt.Errorf("read the catalogue for agents: %w; farmhound-collector catalog build makes one", err)
	}
	if s.loaded, err = catalog.Load(s.Encoded); err != nil {
		return s, fmt.Errorf("read the catalogue for agents %s: %w", path, err)
	}
	for suffix, into := range map[string]*[]byte{SignatureSuffix: &s.Signature, PublicKeySuffix: &s.PublicKey} {
		if *into, err = readBase64(path + suffix); err != nil {
			return s, fmt.Errorf("read what belongs to the catalogue for agents: %w; farmhound-collector catalog sign makes it", err)
		}
	}
	if err := catalog.Verify(s.PublicKey, s.Encoded, s.Signature); err != nil {
		return s, fmt.Errorf("%s is not signed with the key in %s: sign it again", path, path+PublicKeySuffix)
	}
	if s.loaded.IssuedAt().IsZero() {
		return s, fmt.Errorf("%s: %w", path, errors.New("it has no date, without which agents refuse it: build it with farmhound-collector catalog build"))
	}
	return s, nil
}

func readBase64(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}
