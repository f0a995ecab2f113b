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
// Nothing but an enrolment, for which somebody at the company gave a secret, replaces it.
func (i *Identity) pinCatalogKey(public []byte) error {
	if len(public) == 0 {
		if err := os.Remove(filepath.Join(i.dir, catalogKeyFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("forget the key of catalogues: %w", err)
		}
		return nil
	}
	return i.writeCatalogKey(public)
}

// PinFirstCatalogKey keeps a key that the collector showed over a connection that was
// verified, and reports whether it did: only where none is pinned, which is so on
// laptops that enrolled before their company signed catalogues. A pinned one stays,
// readable or not.
func (i *Identity) PinFirstCatalogKey(public []byte) (pinned bool, err error) {
	if len(public) == 0 {
		return false, nil
	}
	if _, err := os.Lstat(filepath.Join(i.dir, catalogKeyFile)); !errors.Is(err, os.ErrNotExist) {
		if err != nil {
			return false, fmt.Errorf("look for the key of catalogues: %w", err)
		}
		return false, nil
	}
	if err := i.writeCatalogKey(public); err != nil {
		return false, err
	}
	return true, nil
}

func (i *Identity) writeCatalogKey(public []byte) error {
	if len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("the collector sent a key of catalogues of %d bytes, not %d", len(public), ed25519.PublicKeySize)
	}
	text := base64.StdEncoding.EncodeToString(public) + "\n"
	if err := atomicfile.Write(filepath.Join(i.dir, catalogKeyFile), []byte(text), 0o600); err != nil {
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
