package ordeal

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDamagedStore damages a store that a killed collector left behind. A collector
// does not start on it, says what to do and leaves it as it is; with the store back
// in its place everything goes on.
func TestDamagedStore(t *testing.T) {
	t.Parallel()
	c := newCollector(t, t.TempDir())
	c.serve()
	agents := newAgents(t, c, 3)
	for _, a := range agents {
		must(t, a.start(10*time.Millisecond))
	}
	eventually(t, "everybody reports", func() bool { return everyone(agents, 40) })
	c.kill()
	for _, a := range agents {
		a.kill()
	}
	if log, err := os.Stat(c.store() + "-wal"); err != nil || log.Size() == 0 {
		t.Fatal("the collector was killed and left no log")
	}
	whole := filesOf(t, c.data)
	for _, left := range []float64{0.8, 0.3} {
		damaged(t, c, whole, fmt.Sprintf("cut to %.0f %% beside its log", 100*left), func(store []byte) []byte { return store[:int(left*float64(len(store)))] })
	}
	restore(t, c, whole)
	// Without a log, as a collector that ended by itself leaves it.
	readStore(t, c.store())
	whole = filesOf(t, c.data)
	for _, left := range []float64{0.9, 0.5, 0.1} {
		damaged(t, c, whole, fmt.Sprintf("cut to %.0f %%", 100*left), func(store []byte) []byte { return store[:int(left*float64(len(store)))] })
	}
	damaged(t, c, whole, "cut to a page", func(store []byte) []byte { return store[:4096] })
	damaged(t, c, whole, "cut to a few bytes", func(store []byte) []byte { return store[:50] })
	damaged(t, c, whole, "emptied", func([]byte) []byte { return nil })
	damaged(t, c, whole, "overwritten", func(store []byte) []byte { return bytes.Repeat([]byte("x"), len(store)) })
	damaged(t, c, whole, "half zeroes", func(store []byte) []byte {
		clear(store[len(store)/4 : 3*len(store)/4])
		return store
	})
	restore(t, c, whole)
	audit(t, c, agents)
	drain(t, c, agents)
}

// damaged changes the store's bytes and lets a collector try.
func damaged(t *testing.T, c *collector, whole map[string][]byte, how string, change func([]byte) []byte) {
	t.Helper()
	restore(t, c, whole)
	bad := change(bytes.Clone(whole["collector.db"]))
	must(t, os.WriteFile(c.store(), bad, 0o600))
	said := c.fails("serve")
	t.Logf("%s: %s", how, said)
	if !strings.Contains(said, "damaged") || !strings.Contains(said, "backup") || strings.Contains(said, "panic") {
		t.Errorf("%s: the collector said %s", how, said)
	}
	after, err := os.ReadFile(c.store())
	must(t, err)
	if _, log := whole["collector.db-wal"]; !log && !bytes.Equal(after, bad) {
		t.Errorf("%s: the collector changed the store", how)
	}
}

func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || !strings.HasPrefix(name, "collector.db") {
			return err
		}
		files[name], err = os.ReadFile(path)
		return err
	}))
	return files
}

func restore(t *testing.T, c *collector, files map[string][]byte) {
	t.Helper()
	for name := range filesOf(t, c.data) {
		must(t, os.Remove(filepath.Join(c.data, name)))
	}
	for name, content := range files {
		must(t, os.WriteFile(filepath.Join(c.data, name), content, 0o600))
	}
}

// TestSecondCollector: on a store that one collector serves a second one does not
// start, whatever way it is named, and the first goes on.
func TestSecondCollector(t *testing.T) {
	t.Parallel()
	c := newCollector(t, t.TempDir())
	c.serve()
	agents := newAgents(t, c, 2)
	for _, a := range agents {
		must(t, a.start(50*time.Millisecond))
	}
	eventually(t, "everybody reports", func() bool { return everyone(agents, 5) })
	for name, link := range map[string]func(second string) error{
		"the same folder": func(second string) error { return os.Symlink(c.data, filepath.Join(second, "data")) },
		"a link to the store": func(second string) error {
			data := filepath.Join(second, "data")
			return firstOf(os.Mkdir(data, 0o700), os.Symlink(filepath.Join(c.data, "pki"), filepath.Join(data, "pki")),
				os.Symlink(c.store(), filepath.Join(data, "collector.db")))
		},
	} {
		second := t.TempDir()
		must(t, link(second))
		config := filepath.Join(second, "collector.yaml")
		must(t, os.WriteFile(config, []byte("listen: 127.0.0.1:0\n"), 0o600))
		if said := c.fails("--config", config, "serve"); !strings.Contains(said, "in use by another collector") {
			t.Errorf("%s: a second collector said %s", name, said)
		}
		before := acknowledged(agents)
		eventually(t, "the first goes on", func() bool { return acknowledged(agents) > before+10 })
	}
	for _, a := range agents {
		a.kill()
	}
	c.kill()
	audit(t, c, agents)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
