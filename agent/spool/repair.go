package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockWait is how long another agent's hold on the file is waited out.
	lockWait = 2 * time.Second
	// growth is the step by which a large file grows.
	growth = 1 << 20
	// A file above worthCompacting with little in it is rewritten on opening:
	// bbolt never gives space back by itself.
	worthCompacting = 4 << 20
)

// newestOfNew is the newest transaction of a file that bbolt just made.
const newestOfNew = 1

// errDamaged marks an error after which the file cannot be trusted.
var errDamaged = errors.New("file is damaged")

// open opens the file and, where it is damaged, moves it aside and makes a new one.
func (s *Spool) open() error {
	err := s.openFile()
	if err == nil || !damage(err) {
		return err
	}
	return s.startOver(err)
}

// repairing runs an operation on the open file; damage found on the way is
// repaired and the operation tried once more, on the new file.
func (s *Spool) repairing(operate func() error) error {
	if s.closed {
		return errClosed
	}
	if s.db == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	err := guarded(operate)
	if err == nil || !damage(err) {
		return err
	}
	if err := s.startOver(err); err != nil {
		return err
	}
	return guarded(operate)
}

// startOver moves the file aside, keeping the newest damaged one only, and goes
// on with an empty file that remembers the losses.
func (s *Spool) startOver(cause error) error {
	lost := s.status
	s.abandon()
	// Until the new file is there the counts of the old one stand.
	aside := s.path + ".damaged"
	if err := os.Rename(s.path, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("move damaged file aside (%w): %w", cause, err)
	}
	if err := s.openFile(); err != nil {
		return fmt.Errorf("make a new file after damage (%w): %w", cause, err)
	}
	next := Status{Dropped: lost.Dropped + max(lost.Depth, 1), Damaged: lost.Damaged + 1}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		if err := makeBuckets(tx); err != nil {
			return err
		}
		if err := putCount(tx, droppedKey, next.Dropped); err != nil {
			return err
		}
		return putCount(tx, damagedKey, next.Damaged)
	})
	if err != nil {
		return fmt.Errorf("count damage: %w", err)
	}
	s.status, s.complete = next, true
	s.log.LogAttrs(context.Background(), slog.LevelError,
		"spool was damaged: it was moved aside and reporting goes on with an empty one; undelivered reports in it are lost",
		slog.String("moved_to", aside), slog.Any("cause", cause))
	return nil
}

// abandon releases a file that is no longer of use. A panic inside bbolt leaves
// its locks held, so that its own Close would wait forever; closing the file
// gives up the lock on it, and the mapping of at most the spool's size stays.
func (s *Spool) abandon() {
	if s.file != nil {
		_ = s.file.Close()
	}
	s.db, s.file = nil, nil
}

func (s *Spool) openFile() error {
	err := guarded(func() error {
		db, err := openBolt(s.path, &s.file)
		if err != nil {
			return err
		}
		s.db = db
		if err := s.load(); err != nil {
			return err
		}
		return s.compact()
	})
	if err == nil {
		return nil
	}
	s.abandon()
	if errors.Is(err, bolterrors.ErrTimeout) {
		return errors.New("another farmhound-agent is using it; stop that one or choose another state directory")
	}
	return err
}

// openBolt leaves the opened file in *file, for abandon. The
// free list is kept on disk: without it bbolt walks all pages on opening, in a
// goroutine whose panic on a damaged page nobody could recover.
func openBolt(path string, file **os.File) (*bbolt.DB, error) {
	info, err := os.Stat(path)
	made := err != nil || info.Size() == 0
	// bbolt has no error value for a file that is shorter than its two heads.
	if !made && info.Size() < 2*int64(os.Getpagesize()) {
		return nil, fmt.Errorf("%w: %d bytes long", errDamaged, info.Size())
	}
	options := &bbolt.Options{
		Timeout:      lockWait,
		NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			opened, err := os.OpenFile(name, flag, mode)
			if err == nil {
				pageByPage(opened)
			}
			*file = opened
			return opened, err
		},
	}
	db, err := bbolt.Open(path, 0o600, options)
	if err == nil && made {
		// bbolt writes the first pages of a new file as one piece, and so they would be
		// kept: it is opened anew.
		if err = db.Close(); err == nil {
			db, err = bbolt.Open(path, 0o600, options)
		}
	}
	if err != nil {
		return nil, err
	}
	db.AllocSize = growth
	return db, nil
}

// load checks every record and counts. A file that is
// shorter than its own pages was cut off. A file that has everything is not written:
// a full disk keeps nobody from delivering what waits.
func (s *Spool) load() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	complete := false
	err = s.db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%w: %d bytes long, %d expected", errDamaged, info.Size(), tx.Size())
		}
		complete = tx.Bucket(reportsBucket) != nil && tx.Bucket(stateBucket) != nil
		if !complete && tx.ID() > newestOfNew {
			return fmt.Errorf("%w: its reports cannot be found", errDamaged)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.complete = complete; !complete {
		// A new file holds nothing to count, and gets what is missing with what is
		// first stored in it.
		s.status = Status{}
		return nil
	}
	return s.db.View(func(tx *bbolt.Tx) error {
		s.status = Status{Dropped: getCount(tx, droppedKey), Damaged: getCount(tx, damagedKey)}
		err := tx.Bucket(reportsBucket).ForEach(func(_, value []byte) error {
			if _, err := decode(value); err != nil {
				return err
			}
			s.status.Depth++
			s.status.Bytes += uint64(len(value))
			return nil
		})
		if err != nil {
			return err
		}
		// A page can lose reports without a trace: the checksums are of what is there.
		if tx.Bucket(stateBucket).Get(depthKey) != nil && getCount(tx, depthKey) != s.status.Depth {
			return fmt.Errorf("%w: %d reports in it, %d expected", errDamaged, s.status.Depth, getCount(tx, depthKey))
		}
		return nil
	})
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{reportsBucket, stateBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// compact rewrites a file that is mostly empty pages. Where there is no room for a
// second one, the first does.
func (s *Spool) compact() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if info.Size() < worthCompacting || uint64(info.Size()) < 4*s.status.Bytes {
		return nil
	}
	fresh := s.path + ".compact"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil // the disk cannot be written: it stays as it is
	}
	if err := s.copyTo(fresh); err != nil {
		_ = os.Remove(fresh)
		if passing(err) {
			return nil
		}
		return err
	}
	if err := s.db.Close(); err != nil {
		return err
	}
	s.db = nil
	if err := os.Rename(fresh, s.path); err != nil {
		return err
	}
	s.db, err = openBolt(s.path, &s.file)
	return err
}

func (s *Spool) copyTo(path string) error {
	var file *os.File
	target, err := openBolt(path, &file)
	if err != nil {
		return err
	}
	if err := bbolt.Compact(target, s.db, growth); err != nil {
		_ = target.Close()
		return err
	}
	return target.Close()
}

// guarded turns a panic into an error. bbolt panics on impossible pages, and
// reading a page past the end of a cut-off file is a memory fault.
func guarded(operate func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("%w: %v", errDamaged, caught)
		}
	}()
	return operate()
}

func passing(err error) bool {
	return slices.ContainsFunc(passingErrors, func(sign error) bool { return errors.Is(err, sign) })
}

func damage(err error) bool {
	for _, sign := range []error{
		errDamaged, errRecord, bolterrors.ErrInvalid, bolterrors.ErrInvalidMapping,
		bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum, bolterrors.ErrIncompatibleValue,
	} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}
