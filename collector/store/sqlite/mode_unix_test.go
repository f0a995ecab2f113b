//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyTheOwnerMayRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "farmhound.db")
	s := open(t, path)
	if err := s.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), changes(1, 1)); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(path + "*")
	if err != nil || len(found) < 3 {
		t.Fatalf("files %v, %v", found, err)
	}
	for _, name := range found {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}
