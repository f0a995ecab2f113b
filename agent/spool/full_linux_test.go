package spool

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A full disk loses nothing that was appended, is not taken for damage, and ends.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	// Enough for the spool's first pages and some reports.
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=512k"); err != nil {
		if os.Getenv("FARMHOUND_TEST_REQUIRE") == "all" {
			t.Fatalf("this test needs a file system of its own: %v", err)
		}
		t.Skipf("this test needs a file system of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	path := filepath.Join(disk, "spool")
	s := openAt(t, path, 0)
	t.Cleanup(func() { _ = s.Close() }) // before the file system goes
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 8<<10)
	kept := uint64(0)
	for {
		_, err := s.Append("aaaa", kept+1, payload, Normal)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatalf("report %d: %v", kept+1, err)
		}
		if kept++; kept > 100 {
			t.Fatal("the disk does not fill up")
		}
	}
	if kept < 3 {
		t.Fatalf("only %d reports fit", kept)
	}
	// While it is full every attempt fails, and each leaves what is there alone.
	for range 3 {
		if _, err := s.Append("aaaa", kept+1, payload, Normal); err == nil {
			t.Error("a full disk took a report")
		}
	}
	if got := s.Status(); got.Depth != kept || got.Damaged != 0 || got.Dropped != 0 {
		t.Errorf("status %+v with %d reports kept", got, kept)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append("aaaa", kept+1, payload, Normal); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, 0)
	batch := peek(t, s, 1000, 1<<30)
	if got := s.Status(); got.Damaged != 0 || uint64(len(batch.Sequences)) != kept+1 || batch.Last() != kept+1 {
		t.Errorf("after reopening: %+v, %d reports", got, len(batch.Sequences))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
