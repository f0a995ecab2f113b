package collector

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/farmhound-security/farmhound/collector/detect"
)

// watchedRules are the signals that the collector goes by: the shipped ones and those
// of the company's own folder, whose files are read again when they change.
type watchedRules struct {
	path string // empty without a folder

	// inForce are the rules of the last look, and seen the files as they were then. doubt
	// is what was wrong with them: it is said once it is still there at another look, for
	// files that belong together are not written in one moment. All are for the goroutine
	// that looks.
	inForce *detect.Rules
	seen    map[string]os.FileInfo
	doubt   doubt
}

// openRules reads the signals of a folder beside the shipped ones; empty for none.
func openRules(path string) (*watchedRules, error) {
	w := &watchedRules{path: path}
	if path != "" {
		w.seen = w.files()
	}
	var err error
	if w.inForce, err = LoadRules(path); err != nil && path != "" {
		err = fmt.Errorf("%w\nthe collector does not start with signals that cannot be used: correct what is named, or leave %s out of the configuration; farmhound-collector rules lint %s says all that is wrong", err, path, path)
	}
	return w, err
}

// files returns what the folder holds, with itself.
func (w *watchedRules) files() map[string]os.FileInfo {
	all := make(map[string]os.FileInfo)
	add := func(name string) {
		if info, err := os.Stat(name); err == nil {
			all[name] = info
		}
	}
	add(w.path)
	entries, err := os.ReadDir(w.path)
	if err != nil {
		return all // reading the signals says what is wrong
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".yaml" {
			add(filepath.Join(w.path, e.Name()))
		}
	}
	return all
}

func (w *watchedRules) unchanged(files map[string]os.FileInfo) bool {
	if len(files) != len(w.seen) {
		return false
	}
	for name, info := range files {
		if !sameFile(info, w.seen[name]) {
			return false
		}
	}
	return true
}

// look reads the folder if it changed since it was last read, and returns other rules,
// nil where they stay the same. On an error those before stay in force.
func (w *watchedRules) look() (*detect.Rules, error) {
	if w.path == "" {
		return nil, nil
	}
	files := w.files()
	if w.unchanged(files) {
		return nil, w.doubt.stays()
	}
	w.seen = files
	read, err := LoadRules(w.path)
	if unreadable(err) {
		w.seen = nil // what hinders reading can go without a change that shows
	}
	if err != nil && w.doubt.err != nil && err.Error() == w.doubt.err.Error() {
		return nil, w.doubt.stays()
	}
	w.doubt = doubt{err: err}
	if err != nil || read.Digest() == w.inForce.Digest() {
		return nil, nil //nolint:nilerr // kept in doubt
	}
	w.inForce = read
	return read, nil
}

// lookAtRules goes over to other signals of the company's own, where there are some, and
// has everybody judged by them.
func (c *Collector) lookAtRules(ctx context.Context) {
	before := c.rules.inForce
	now, err := c.rules.look()
	if err != nil {
		c.log.ErrorContext(ctx, "the company's own signals are refused; those before stay in use",
			"folder", c.rules.path, "in_use", before.Digest(), "error", err)
		c.note(ctx, "rules.refuse", before.Digest(), fmt.Sprintf("stays in use: %v", err))
	}
	if now == nil {
		return
	}
	c.judge.useRules(now)
	c.log.InfoContext(ctx, "the signals changed", "folder", c.rules.path, "digest", now.Digest(), "before", before.Digest(), "signals", len(now.Signals()))
	c.note(ctx, "rules.use", now.Digest(), fmt.Sprintf("%d signals, before %s", len(now.Signals()), before.Digest()))
	c.judgeAnew()
}
