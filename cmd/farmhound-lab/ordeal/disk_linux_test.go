package ordeal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// smallDisk is a file system of its own.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		farpath.Missing(t, "a file system of its own: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill leaves no room on a disk, and returns how to make room again.
func fill(t *testing.T, disk string) (empty func()) {
	t.Helper()
	path := filepath.Join(disk, "ballast")
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	for block := make([]byte, 1<<16); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, unix.ENOSPC) {
			block = block[:len(block)/2]
		} else {
			must(t, err)
		}
	}
	return func() { must(t, os.Remove(path)) }
}

// TestFullDisk fills the collector's disk while agents report: nothing that was
// acknowledged is lost, what cannot be stored stays with the agents, they are told
// so, and it all arrives when there is room again, also after a kill.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "32m")
	c := newCollector(t, disk)
	c.serve()
	agents := newAgents(t, c, 4)
	for _, a := range agents {
		must(t, a.start(20*time.Millisecond))
	}
	eventually(t, "everybody reports", func() bool { return everyone(agents, 5) })
	empty := fill(t, disk)
	eventually(t, "the collector says that the disk is full", func() bool { return strings.Contains(c.said.String(), "full") })
	eventually(t, "the agents say what becomes of their reports", func() bool {
		return strings.Contains(agents[0].said.String(), "its log says why; try again later")
	})
	if c.ended() {
		t.Fatal("the collector ended")
	}
	// Killed with a full disk, it starts again, or says why it does not.
	c.kill()
	c.start()
	eventually(t, "the collector listens or says why not", func() bool {
		return strings.Count(c.said.String(), "collector started") == 2 || c.ended() && strings.Contains(c.said.tail(500), "full")
	})
	c.kill()
	for _, a := range agents {
		a.kill()
	}
	audit(t, c, agents)
	empty()
	drain(t, c, agents)
}
