package spool

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// A full disk loses nothing that was appended, is not taken for damage, and ends.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	// Enough for the spool's first pages and some reports.
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=512k"); err != nil {
		farpath.Missing(t, "a file system of its own: "+err.Error())
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

// An agent on a disk that cannot be written starts, says so, and keeps reports from
// the moment on that the disk can be written again.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_RDONLY, "size=1m"); err != nil {
		farpath.Missing(t, "a file system of its own: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	var said bytes.Buffer
	path := filepath.Join(disk, "spool")
	s, err := Open(path, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if !strings.Contains(said.String(), "read-only file system") {
		t.Errorf("not said: %s", said.String())
	}
	if _, err := s.Append("aaaa", 1, []byte("x"), High); !errors.Is(err, unix.EROFS) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.Peek(1, 1); !errors.Is(err, unix.EROFS) {
		t.Errorf("peek: %v", err)
	}
	remount := func(flags uintptr) {
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(0)
	if _, err := s.Append("aaaa", 1, []byte("x"), High); err != nil {
		t.Fatalf("append when it can be written: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remount(unix.MS_RDONLY)
	again := openAt(t, path, 0)
	if _, err := again.Append("aaaa", 2, []byte("x"), High); !errors.Is(err, unix.EROFS) {
		t.Errorf("append to a spool that was there before: %v", err)
	}
	remount(0)
	if _, err := again.Append("aaaa", 2, []byte("x"), High); err != nil {
		t.Fatal(err)
	}
	if got := peek(t, again, 10, 1<<20); len(got.Sequences) != 2 || again.Status().Damaged != 0 {
		t.Errorf("%d reports are left, status %+v", len(got.Sequences), again.Status())
	}
}
