//go:build unix

package pki_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/collector/pki"
)

func TestKeysThatEverybodyMayReadAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ca-key.pem", "server.pem"} {
		_, dir := create(t)
		path := filepath.Join(dir, name)
		must(t, os.Chmod(path, 0o640))
		if _, err := pki.Load(dir); err != nil {
			t.Errorf("%s, for a group: %v", name, err)
		}
		must(t, os.Chmod(path, 0o644))
		if _, err := pki.Load(dir); err == nil || !strings.Contains(err.Error(), "0644") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s, for everybody: %v", name, err)
		}
	}
}
