package collector

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
)

// PKIDir is the folder of the CA within the data folder.
func PKIDir(data string) string { return filepath.Join(data, "pki") }

// OpenStore opens the store within the data folder, making it where it does not exist.
func OpenStore(ctx context.Context, data string) (store.Store, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	opened, err := sqlite.Open(ctx, filepath.Join(data, "collector.db"))
	if err != nil {
		return nil, err // not opened: a nil *sqlite.Store in a store.Store is not nil
	}
	return opened, nil
}
