package collector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// rosterFolder remembers the files that were read.
type rosterFolder struct {
	path string // a file or folder; empty without
	read func(path string, known Tools) (*roster.File, []roster.Problem, error)
	seen map[string]os.FileInfo // of versions last tried, by path
	said map[string]string      // failures logged last, so that trying again does not repeat them
	// told are the sources that files are of, gone those of them whose file was not there
	// when last looked: one that is replaced can be missing for a moment.
	told, gone map[string]bool
}

func newRosterFolder(path string) rosterFolder {
	return rosterFolder{
		path: path, read: readRosterFile,
		seen: make(map[string]os.FileInfo), said: make(map[string]string),
		told: make(map[string]bool), gone: make(map[string]bool),
	}
}

// lost returns the sources whose files have not been there for two looks.
func (f *rosterFolder) lost(names []string) map[string]bool {
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[sourceOf(name)], f.told[sourceOf(name)] = true, true
	}
	lost, gone := make(map[string]bool), make(map[string]bool)
	for source := range f.told {
		switch {
		case there[source]:
		case f.gone[source]:
			lost[source] = true
			delete(f.told, source)
		default:
			gone[source] = true
		}
	}
	f.gone = gone
	return lost
}

func sourceOf(path string) string { return sourceFile + filepath.Base(path) }

// settled is how long a file must rest before it is read: one that is still being
// written looks like a shorter one. Where that is not waited for, at the start, it shows
// with the next look.
const settled = 2 * time.Second

// open takes over what the store has and reads the files. A file that cannot be read is
// an error only where nothing is known of what it said before.
func (b *books) open(ctx context.Context) error {
	if err := b.reload(ctx, true); err != nil {
		return err
	}
	if err := b.readFiles(ctx, true); err != nil {
		if b.version.N == 0 {
			return err
		}
		b.log.ErrorContext(ctx, "the roster cannot be read; the version before stays in force", "error", err)
	}
	return nil
}

// look goes over to what changed in the store or in the files.
func (b *books) look(ctx context.Context) {
	if err := b.reload(ctx, false); err != nil {
		b.sayOnce(ctx, "", err)
		return
	}
	b.sayOnce(ctx, b.files.path, b.readFiles(ctx, false))
}

// sayOnce logs a failure unless it was the last that was logged of the same thing.
func (b *books) sayOnce(ctx context.Context, of string, err error) {
	if err == nil {
		delete(b.files.said, of)
		return
	}
	if err.Error() != b.files.said[of] {
		b.files.said[of] = err.Error()
		b.log.ErrorContext(ctx, "the roster cannot be read; the version before stays in force", "error", err)
	}
}

// readFiles reads the files that changed since they were last tried, and makes one
// version of all that they changed. A file that cannot be read leaves what it said
// before, and does not keep the others from being read.
func (b *books) readFiles(ctx context.Context, starting bool) error {
	var names []string
	if b.files.path != "" {
		var err error
		if names, err = rosterFiles(b.files.path); err != nil {
			return err
		}
	}
	read := make(map[string]*roster.File)
	refused := 0
	var failed []error
	for _, name := range names {
		f, problems, err := b.readChanged(ctx, name, starting)
		if err != nil {
			failed = append(failed, err)
		}
		if f != nil {
			read[sourceOf(name)] = f
			refused += len(problems)
		}
	}
	lost := b.files.lost(names)
	if len(read)+len(lost) > 0 || starting {
		_, err := b.change(ctx, edit{actor: "collector", action: "roster.files", origin: b.files.path, refused: refused,
			changes: func(s *standing) (map[string][]roster.Change, error) {
				return b.fileChanges(ctx, s, read, func(source string) bool {
					// At the start, files of an earlier configuration are lost, too.
					return lost[source] || starting && !b.files.told[source]
				}), nil
			}})
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// fileChanges says what becomes of what files say. A file that lacks most of what it had
// is taken for half of one.
func (b *books) fileChanges(ctx context.Context, s *standing, read map[string]*roster.File, lost func(source string) bool) map[string][]roster.Change {
	changes := make(map[string][]roster.Change)
	for source, f := range read {
		found := roster.Diff(s.records[source], f, false)
		if err := lostMost(s.records[source], found); err != nil {
			b.log.ErrorContext(ctx, "a file of the roster is refused; what it said before stays. To go over to it all the same, take the file away for a minute",
				"source", source, "error", err)
			if b.note != nil {
				b.note(ctx, "roster.refuse", source, fmt.Sprintf("what it said before stays: %v", err))
			}
			continue
		}
		if len(found) > 0 {
			changes[source] = found
		}
	}
	for source, records := range s.records {
		if !strings.HasPrefix(source, sourceFile) || !lost(source) {
			continue
		}
		for _, r := range records {
			changes[source] = append(changes[source], roster.Change{Kind: r.Kind, Key: r.Key, Before: r.Body})
		}
	}
	return changes
}

// unchanged reports whether a file is still the one that it was.
func unchanged(name string, was os.FileInfo) bool {
	is, err := os.Stat(name)
	return err == nil && sameFile(is, was)
}

// readChanged reads a file if it is another than was last tried; nil if it is the same.
func (b *books) readChanged(ctx context.Context, name string, starting bool) (*roster.File, []roster.Problem, error) {
	info, err := os.Stat(name)
	if err != nil {
		delete(b.files.seen, name)
		return nil, nil, fmt.Errorf("read the roster: %w", err)
	}
	rests := b.clock().Sub(info.ModTime())
	if sameFile(info, b.files.seen[name]) || !starting && rests >= 0 && rests < settled {
		return nil, nil, nil
	}
	f, problems, err := b.files.read(name, b.known)
	if err == nil && !unchanged(name, info) {
		return nil, nil, nil // it is being written: the next look reads it
	}
	if b.files.seen[name] = info; err != nil {
		if unreadable(err) {
			delete(b.files.seen, name) // what hinders reading can go without a change of the file
		} else if b.note != nil {
			b.note(ctx, "roster.refuse", name, fmt.Sprintf("what it said before stays: %v", err))
		}
		return nil, nil, err
	}
	b.sayProblems(ctx, problems)
	return f, problems, nil
}

func (b *books) sayProblems(ctx context.Context, problems []roster.Problem) {
	for _, p := range problems {
		if p.Counts {
			b.log.WarnContext(ctx, "part of a row of the roster cannot be used and is left out", "problem", p.Error())
			continue
		}
		b.log.ErrorContext(ctx, "a row of the roster cannot be used and is left out", "problem", p.Error())
	}
}
