package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// settled is how long a file must rest before it is read: one that is still being
// written looks like a shorter one. Where that is not waited for, at the start, it shows
// with the next look.
const settled = 2 * time.Second

// open takes over what the store has and reads the files. A file that cannot be read is
// an error only where nothing is known of what it said before. Sources that the store
// has, of an earlier configuration too, are lost like others: their files may only not
// be there yet.
func (b *books) open(ctx context.Context) error {
	b.changing.Lock()
	s, err := b.load(ctx)
	b.changing.Unlock()
	if err != nil {
		return err
	}
	for source := range s.records {
		if strings.HasPrefix(source, sourceFile) {
			b.files.told[source] = true
		}
	}
	if err := b.readFiles(ctx, true); err != nil {
		if b.version.N == 0 {
			return err
		}
		b.sayOnce(ctx, b.files.path, err)
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
// before, and does not keep the others from being read. What the store does not take is
// tried again with the next look.
func (b *books) readFiles(ctx context.Context, starting bool) error {
	var names []string
	var failed []error
	if b.files.path != "" {
		var err error
		if names, err = rosterFiles(b.files.path); errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		} else if err != nil {
			return err
		}
	}
	read := make(map[string]*roster.File)
	var bad []roster.Problem
	for _, name := range names {
		f, problems, err := b.readChanged(ctx, name, starting)
		if err != nil {
			failed = append(failed, err)
		}
		if f != nil {
			read[sourceOf(name)] = f
			bad = append(bad, problems...)
		}
	}
	again := starting || len(b.files.gone) > 0 // one that is replaced can be missing for a moment
	lost := b.files.lost(names)
	if again && len(names)+len(failed) == 0 && len(b.files.gone) > 0 {
		failed = append(failed, fmt.Errorf("no file is in the folder of rosters %s: what its files said stays, and goes once another file is there or the configuration names no roster", b.files.path))
	}
	if len(read)+len(lost) > 0 || starting {
		failed = append(failed, b.changeFiles(ctx, read, lost, bad))
	}
	return errors.Join(failed...)
}

// changeFiles makes a version of files that were read and sources that are lost.
func (b *books) changeFiles(ctx context.Context, read map[string]*roster.File, lost map[string]bool, bad []roster.Problem) error {
	var refused map[string]error
	_, err := b.change(ctx, edit{actor: "collector", action: "roster.files", origin: b.files.path, refused: len(bad),
		changes: func(s *standing) (changes map[string][]roster.Change, _ error) {
			changes, refused = b.fileChanges(s, read, lost)
			return changes, nil
		}})
	if err != nil {
		b.files.forget(read, lost)
		return err
	}
	b.files.settle(read, refused)
	b.sayProblems(ctx, bad)
	for source, err := range refused {
		b.log.ErrorContext(ctx, "a file of the roster is refused; what it said before stays. To go over to it all the same, take the file away for a minute and put it back",
			"roster", source, "error", err)
		if b.note != nil {
			b.note(ctx, "roster.refuse", source, fmt.Sprintf("what it said before stays: %v", err))
		}
	}
	return nil
}

// fileChanges says what becomes of what files say. A file that lacks most of what it had
// is taken for half of one and refused, unless it was taken away and put back since.
func (b *books) fileChanges(s *standing, read map[string]*roster.File, lost map[string]bool) (changes map[string][]roster.Change, refused map[string]error) {
	changes, refused = make(map[string][]roster.Change), make(map[string]error)
	for source, f := range read {
		found := roster.Diff(s.records[source], f, false)
		if err := lostMost(s.records[source], found); err != nil && !b.files.allowed[source] {
			refused[source] = err
			continue
		}
		if len(found) > 0 {
			changes[source] = found
		}
	}
	for source := range lost {
		for _, r := range s.records[source] {
			changes[source] = append(changes[source], roster.Change{Kind: r.Kind, Key: r.Key, Before: r.Body})
		}
	}
	return changes, refused
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
