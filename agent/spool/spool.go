// Package spool is the agent's durable queue: reports wait here, on disk, until
// the collector has committed them.
//
//	Append ->  [ oldest | ... | newest ]  -> Peek, deliver, Commit
//	               ^ dropped when too old; when there are too many bytes, the
//	                 oldest of the least value first; and counted
//
// What the spool promises:
//   - When Append returns nil and Dropped did not grow by the report itself, the
//     report survives a crash and a power cut.
//   - Commit removes what was acknowledged and stores the nonce of the next
//     delivery in one transaction: either both happened or neither.
//   - Nothing is lost without being counted: evicted and refused reports in
//     Status.Dropped, damaged files in Status.Damaged. A damaged file is moved
//     aside and the agent goes on with an empty one.
//   - A disk that is full or cannot be written does not end it: what is called
//     meanwhile fails, and works again when the disk does.
//
// The spool knows reports only as bytes and by the value they are given. It may
// import nothing of this module.
package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// DefaultMaxBytes holds more than a week of a laptop that is offline.
	DefaultMaxBytes = 16 << 20
	// DefaultMaxAge is how long the collector keeps activity by default: older
	// reports would change nothing there.
	DefaultMaxAge = 90 * 24 * time.Hour
)

// Value is how much the loss of a report would cost. A report is never evicted to
// make room for one of less value.
type Value uint8

// The values, rising.
const (
	// Low is a report of counts over a time: the next ones say much the same.
	Low Value = iota
	// Normal is a report of something that changed.
	Normal
	// High is a report that others cannot be understood without, or of something
	// that happened once: identity, sessions.
	High
)

var (
	reportsBucket = []byte("reports") // big-endian position -> record
	stateBucket   = []byte("state")   // name -> value

	nonceKey   = []byte("nonce")
	droppedKey = []byte("dropped")
	damagedKey = []byte("damaged")
	depthKey   = []byte("depth")
)

// Options are settings of a spool; the zero value is usable.
type Options struct {
	// MaxBytes caps what waits. Zero means DefaultMaxBytes.
	MaxBytes int64
	// MaxAge caps how long a report waits. Zero means DefaultMaxAge.
	MaxAge time.Duration
	// Now is the clock that ages are told by. Nil means the system's.
	Now func() time.Time
	// Log receives what the spool has to say. Nil means slog.Default().
	Log *slog.Logger
}

// Status counts what is in the spool and what was lost.
type Status struct {
	// Depth is the number of reports that wait, Bytes their size.
	Depth, Bytes uint64
	// Dropped counts reports that were evicted, too old, refused or lost to damage
	// since the state directory was made.
	Dropped uint64
	// Damaged counts files that were found damaged and moved aside.
	Damaged uint64
}

// Batch is the oldest reports of one boot id.
type Batch struct {
	// BootID is the run of the agent that made all of them.
	BootID string
	// Sequences and Payloads are the reports, oldest first.
	Sequences []uint64
	Payloads  [][]byte
	// Nonce is what the last Commit stored.
	Nonce []byte
}

// Last returns the sequence of the newest report of the batch.
func (b *Batch) Last() uint64 { return b.Sequences[len(b.Sequences)-1] }

// Spool is an open queue. It is safe for concurrent use.
type Spool struct {
	path     string
	maxBytes int64
	maxAge   time.Duration
	now      func() time.Time
	log      *slog.Logger
	changed  chan struct{}

	mu     sync.Mutex
	db     *bbolt.DB // nil while the file cannot be opened, and after Close
	file   *os.File  // db's own
	closed bool
	status Status
	// complete is whether the file has its buckets: a new one has not.
	complete bool
}

// Open opens the queue at path, making it if there is none. Damage is repaired
// by moving the file aside. On a disk that is full or read-only the spool opens all
// the same, and opens its file with the first call that finds the disk usable. An
// error means that the directory is not this user's to write, or that another agent
// holds the file.
func Open(path string, options Options) (*Spool, error) {
	s := &Spool{
		path:     path,
		maxBytes: options.MaxBytes,
		maxAge:   options.MaxAge,
		now:      options.Now,
		log:      options.Log,
		changed:  make(chan struct{}, 1),
	}
	if s.maxBytes <= 0 {
		s.maxBytes = DefaultMaxBytes
	}
	if s.maxAge <= 0 {
		s.maxAge = DefaultMaxAge
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if err := s.open(); err != nil && !passing(err) {
		return nil, fmt.Errorf("open spool %s: %w", path, err)
	} else if err != nil {
		s.log.LogAttrs(context.Background(), slog.LevelError,
			"spool cannot be opened for now: reports are not kept until it can; make room on the disk or make it writable",
			slog.String("file", path), slog.Any("cause", err))
	}
	if s.status.Depth > 0 {
		s.signal()
	}
	return s, nil
}

// Close releases the file. What waits stays on disk.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db, s.file = nil, nil
	return err
}

// Changed receives after reports of more than the least value were appended. It holds
// one signal at most.
func (s *Spool) Changed() <-chan struct{} { return s.changed }

// Status returns the counters.
func (s *Spool) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Append stores a report durably. It returns how many had to go for that: older
// ones of no more value, or, where all that waits is worth more, the report itself.
func (s *Spool) Append(bootID string, sequence uint64, payload []byte, worth Value) (dropped int, err error) {
	now := s.now()
	value, err := record{value: worth, at: now.Unix(), bootID: bootID, sequence: sequence, payload: payload}.encode()
	if err != nil {
		return 0, fmt.Errorf("append to spool: %w", err)
	}
	if int64(len(value)) > s.maxBytes {
		return 0, fmt.Errorf("append to spool: report of %d bytes is larger than the whole spool of %d", len(value), s.maxBytes)
	}
	var old, evicted int
	var stored bool
	err = s.update(func(tx *bbolt.Tx, next *Status) error {
		var err error
		if old, err = expire(tx, next, now.Add(-s.maxAge).Unix()); err != nil {
			return err
		}
		if evicted, err = s.makeRoom(tx, next, int64(len(value)), worth); err != nil {
			return err
		}
		stored = int64(next.Bytes)+int64(len(value)) <= s.maxBytes
		if !stored {
			return addDropped(tx, next, 1)
		}
		return put(tx, next, value)
	})
	if err != nil {
		return 0, fmt.Errorf("append to spool: %w", err)
	}
	dropped = old + evicted
	if !stored {
		dropped++
	}
	if dropped > 0 {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "reports dropped from the spool: too old, or no room for them",
			slog.Int("too_old", old), slog.Int("no_room", dropped-old), slog.Uint64("dropped_total", s.Status().Dropped))
	}
	if worth > Low {
		s.signal()
	}
	return dropped, nil
}

// Peek returns the oldest reports of one boot id: at most maxReports and, the
// first report aside, at most maxBytes. It is nil when nothing waits.
func (s *Spool) Peek(maxReports, maxBytes int) (*Batch, error) {
	var batch *Batch
	err := s.view(func(tx *bbolt.Tx) error {
		batch = nil
		size := 0
		cursor := tx.Bucket(reportsBucket).Cursor()
		for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
			r, err := decode(value)
			if err != nil {
				return err
			}
			if batch == nil {
				batch = &Batch{BootID: r.bootID, Nonce: bytes.Clone(tx.Bucket(stateBucket).Get(nonceKey))}
			}
			size += len(r.payload)
			full := len(batch.Payloads) >= maxReports || size > maxBytes && len(batch.Payloads) > 0
			if full || r.bootID != batch.BootID {
				return nil
			}
			batch.Sequences = append(batch.Sequences, r.sequence)
			batch.Payloads = append(batch.Payloads, bytes.Clone(r.payload))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	return batch, nil
}

// Commit removes the oldest reports of bootID up to and including sequence and
// stores the nonce of the next delivery with it. It returns how many it removed.
func (s *Spool) Commit(bootID string, sequence uint64, nonce []byte) (removed int, err error) {
	err = s.update(func(tx *bbolt.Tx, next *Status) error {
		var removeErr error
		removed, removeErr = remove(tx, next, bootID, sequence)
		if removeErr != nil {
			return removeErr
		}
		return tx.Bucket(stateBucket).Put(nonceKey, nonce)
	})
	if err != nil {
		return 0, fmt.Errorf("commit delivered reports in spool: %w", err)
	}
	return removed, nil
}

// Drop removes what Commit would and counts it as dropped, for reports that the
// collector can never take. The nonce stays.
func (s *Spool) Drop(bootID string, sequence uint64) (dropped int, err error) {
	err = s.update(func(tx *bbolt.Tx, next *Status) error {
		var removeErr error
		dropped, removeErr = remove(tx, next, bootID, sequence)
		if removeErr != nil {
			return removeErr
		}
		return addDropped(tx, next, uint64(dropped))
	})
	if err != nil {
		return 0, fmt.Errorf("drop refused reports from spool: %w", err)
	}
	return dropped, nil
}

func (s *Spool) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// errClosed is returned after Close.
var errClosed = errors.New("spool is closed")

// update runs change in a transaction, with the counters as they would be.
func (s *Spool) update(change func(*bbolt.Tx, *Status) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repairing(func() error {
		next := s.status
		err := s.db.Update(func(tx *bbolt.Tx) error {
			if !s.complete {
				if err := makeBuckets(tx); err != nil {
					return err
				}
			}
			if err := change(tx, &next); err != nil || next.Depth == s.status.Depth {
				return err
			}
			return putCount(tx, depthKey, next.Depth)
		})
		if err != nil {
			return err
		}
		s.status, s.complete = next, true
		return nil
	})
}

func (s *Spool) view(look func(*bbolt.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repairing(func() error {
		if !s.complete {
			return nil // new, and nothing in it
		}
		return s.db.View(look)
	})
}

func put(tx *bbolt.Tx, next *Status, value []byte) error {
	reports := tx.Bucket(reportsBucket)
	position, err := reports.NextSequence()
	if err != nil {
		return err
	}
	// Reports are only ever appended: full pages need no room for later ones.
	reports.FillPercent = 0.95
	if err := reports.Put(binary.BigEndian.AppendUint64(nil, position), value); err != nil {
		return err
	}
	next.Depth++
	next.Bytes += uint64(len(value))
	return nil
}

func remove(tx *bbolt.Tx, next *Status, bootID string, sequence uint64) (int, error) {
	removed := 0
	cursor := tx.Bucket(reportsBucket).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.First() {
		r, err := decode(value)
		if err != nil {
			return 0, err
		}
		if r.bootID != bootID || r.sequence > sequence {
			break
		}
		next.forget(value)
		if err := cursor.Delete(); err != nil {
			return 0, err
		}
		removed++
	}
	return removed, nil
}

func (st *Status) forget(value []byte) {
	st.Depth--
	st.Bytes -= uint64(len(value))
}

func addDropped(tx *bbolt.Tx, next *Status, more uint64) error {
	if more == 0 {
		return nil
	}
	next.Dropped += more
	return putCount(tx, droppedKey, next.Dropped)
}

func putCount(tx *bbolt.Tx, key []byte, count uint64) error {
	return tx.Bucket(stateBucket).Put(key, binary.BigEndian.AppendUint64(nil, count))
}

func getCount(tx *bbolt.Tx, key []byte) uint64 {
	value := tx.Bucket(stateBucket).Get(key)
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}
