package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A disk that fills up under a running agent, and one that is read-only when it starts,
// are said, and what was seen meanwhile is told when there is room again.
func TestUnusableDiskIsSurvivedAndSaid(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		farpath.Missing(t, "a file system of its own: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	c := fakecollector.Start(t)
	f, s := newSenses(), settingsFor(t, c)
	s.StateDir = disk
	a := start(t, f, s)
	c.Await(patience(t), atLeast(1))

	c.Stop() // so that reports stay
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	version := func(v string) {
		f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version = v })
	}
	for !a.state.full() {
		version(strings.Repeat("2", 60) + "a")
		await(t, f, 1)
		version(strings.Repeat("2", 60) + "b")
		await(t, f, 1)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	version("3")
	c.Restart()
	c.Await(patience(t), func(reports []*farmhoundv1.Report) bool {
		software := reports[len(reports)-1].GetSoftware()
		return software != nil && software.GetTools()[0].GetVersion() == "3"
	})
	a.stop()
	if said := a.log.String(); strings.Count(said, "reports cannot be spooled and will be made again") != 1 || !strings.Contains(said, "reports can be spooled again") {
		t.Errorf("log: %s", said)
	}
	status, err := ReadStatus(disk)
	if err != nil || status.SpoolTrouble != "" || status.SpoolDamaged != 0 {
		t.Errorf("status %+v, %v", status, err)
	}

	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	b := start(t, f, s)
	await(t, f, 5)
	if !strings.Contains(b.log.String(), "spool cannot be opened for now") {
		t.Errorf("log: %s", b.log)
	}
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	c.Await(patience(t), func(reports []*farmhoundv1.Report) bool {
		return reports[len(reports)-1].GetBootId() == b.bootID
	})
	b.stop()
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, err = file.Write(make([]byte, 4096)); err == nil; {
		_, err = file.Write(make([]byte, 4096))
	}
}

// full reports whether reports cannot be kept now.
func (s *state) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unkept != nil
}
