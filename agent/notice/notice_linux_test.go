package notice

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// The kernel itself tells: a device that is there announces itself once more when asked.
func TestKernelTellsOfDevices(t *testing.T) {
	t.Parallel()
	const uevent = "/sys/class/mem/null/uevent"
	if file, err := os.OpenFile(uevent, os.O_WRONLY, 0); err != nil {
		farpath.Missing(t, "a kernel whose devices may be asked to announce themselves")
	} else if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	devices, err := followDevices()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan struct{}, 64), make(chan struct{})
	go func() {
		defer close(ended)
		_ = read(ctx, devices, func() { told <- struct{}{} }, func(message []byte) bool { return concerns(message, []string{"mem"}) })
	}()
	if err := os.WriteFile(uevent, []byte("change"), 0o200); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Error("nothing was told")
	}
	cancel()
	<-ended
}

func TestLogons(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	sessions := filepath.Join(root, sessionsFolder)
	if err := os.MkdirAll(sessions, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string) func() error {
		return func() error {
			file, err := os.OpenFile(filepath.Join(root, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			if _, err := file.WriteString("x"); err != nil {
				return err
			}
			return file.Close()
		}
	}
	// logind writes beside and renames.
	save := func(name string) func() error {
		return func() error {
			if err := write(sessionsFolder + "/.#" + name + "x")(); err != nil {
				return err
			}
			return os.Rename(filepath.Join(sessions, ".#"+name+"x"), filepath.Join(sessions, name))
		}
	}
	if err := write(utmpFile)(); err != nil {
		t.Fatal(err)
	}
	if err := save("c1")(); err != nil {
		t.Fatal(err)
	}
	l, err := followLogons(root)
	if err != nil {
		t.Fatal(err)
	}
	defer l.file.Close()
	buffer := make([]byte, largestMessage)
	for _, step := range []struct {
		name string
		do   func() error
		want bool
	}{
		{"a session that is there is saved again", save("c1"), false},
		{"somebody logs on", save("c2"), true},
		{"whose session is saved again", save("c2"), false},
		{"who logs off", func() error { return os.Remove(filepath.Join(sessions, "c2")) }, true},
		{"and on again", save("c2"), true},
		{"a record in utmp", write(utmpFile), true},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		n, err := l.file.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.changed(buffer[:n]); got != step.want {
			t.Errorf("%s: %v", step.name, got)
		}
	}
	if _, err := followLogons(filepath.Join(root, "nobody")); err == nil {
		t.Error("followed what is not there")
	}
	cut := binary.NativeEndian.AppendUint32(make([]byte, 12), 400)
	if !l.changed(cut) {
		t.Error("what is cut off tells nothing")
	}
	overflow := make([]byte, unix.SizeofInotifyEvent)
	binary.NativeEndian.PutUint32(overflow[4:], unix.IN_Q_OVERFLOW)
	if !l.changed(overflow) {
		t.Error("too much to tell is nothing")
	}
}

// Watch ends with its context, whatever the system has of what it follows.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Watch(ctx, func() {}) }()
	cancel()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}
