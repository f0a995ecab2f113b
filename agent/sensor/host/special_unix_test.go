//go:build unix

package host_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// Whatever somebody puts where a file or folder is looked for, nothing waits for it.
func TestHostOpensNothingSpecial(t *testing.T) {
	t.Parallel()
	root, err := os.MkdirTemp("", "host") //nolint:usetesting // a socket's name is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	at := func(name string) string { return filepath.Join(root, name) }
	if err := unix.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for link, to := range map[string]string{"link": "pipe", "device": "/dev/zero", "terminal": "/dev/ptmx", "folder": "real", "text": "real/file"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("real"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("real/file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, look := range map[string]struct {
		host   host.Host
		prefix string
	}{"live": {host.Host{}, root}, "rooted": {host.Host{Root: root}, ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for _, name := range []string{"pipe", "socket", "link", "device", "terminal"} {
					if f, err := look.host.Open(look.prefix + "/" + name); err == nil {
						t.Errorf("%s is opened as %s", name, f.Name())
						_ = f.Close()
					}
					if data, err := look.host.ReadFile(look.prefix+"/"+name, 10); err == nil {
						t.Errorf("%s is read: %q", name, data)
					}
					if names, err := look.host.ReadNames(look.prefix+"/"+name, 10); err == nil {
						t.Errorf("%s is listed: %v", name, names)
					}
				}
			}()
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Fatal("it waits for a pipe")
			}
			if names, err := look.host.ReadNames(look.prefix+"/folder", 10); err != nil || len(names) != 1 {
				t.Errorf("a folder behind a link: %v, %v", names, err)
			}
			if data, err := look.host.ReadFile(look.prefix+"/text", 10); err != nil || string(data) != "text" {
				t.Errorf("a file behind a link: %q, %v", data, err)
			}
			if _, err := look.host.ReadNames(look.prefix+"/text", 10); err == nil {
				t.Error("a file is listed")
			}
			if _, err := look.host.Open(look.prefix + "/absent"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what is not there: %v", err)
			}
		})
	}
}
