package identity

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/farmhound-security/farmhound/agent/atomicfile"
)

// catalogKeyFile keeps the key that signs catalogues, in base64.
const catalogKeyFile = "catalog-key.pub"

// pinCatalogKey keeps the key that came with enrolment, in place of an earlier one.
// Nothing but an enrolment, for which somebody at the company gave a secret, changes it.
func (i *Identity) pinCatalogKey(public []byte) error {
	path := filepath.Join(i.dir, catalogKeyFile)
	if len(public) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("forget the key of catalogues: %w", err)
		}
		return nil
	}
	if len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("the collector sent a key of catalogues of %d bytes, not %d", len(public), ed25519.PublicKeySize)
	}
	text := base64.StdEncoding.EncodeToString(public) + "\n"
	if err := atomicfile.Write(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("store the key of catalogues: %w", err)
	}
	return nil
}

// CatalogKey returns the key that signs catalogues, as pinned in an identity's
// directory; nil where there is none.
func CatalogKey(dir string) (ed25519.PublicKey, error) {
	data, err := readBounded(filepath.Join(dir, catalogKeyFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of catalogues: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("the stored key of catalogues is damaged; enrol again to have it pinned anew")
	}
	return key, nil
}
