package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// explained says of an error about a damaged database what to do about it.
func explained(path string, err error) error {
	var refused *driver.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damaged(path, err)
	}
	return err
}

func damaged(path string, err error) error {
	return fmt.Errorf("the store %s is damaged: %w; put the last backup in its place: laptops send again what they were not yet told is safe", path, err)
}

// present refuses to take a store that lost its content for a new one: laptops
// would be told that nobody knows them. A collector's claim shows that there was one.
func present(path string) error {
	if _, err := os.Stat(path + ownerSuffix); err != nil {
		return nil //nolint:nilerr // no collector was here
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0:
		return damaged(path, fmt.Errorf("nothing is left of it; to begin with an empty one instead, remove %s too", path+ownerSuffix))
	case err != nil:
		return fmt.Errorf("look at the store: %w", err)
	}
	return nil
}

// Layout of a log, https://www.sqlite.org/fileformat2.html#the_write_ahead_log:
// numbers are big-endian, and frames of the present round have the header's salt.
const (
	logHeader      = 32
	logPageSize    = 8
	logSalt        = 16
	frameHeader    = 24
	framePages     = 4 // of the whole database, where the frame commits
	frameSalt      = 8
	saltSize       = 8
	lockedByPage   = 1 << 30 // SQLite never writes the page at this place
	smallestPage   = 512
	largestPage    = 65536
	largestLogRead = 1 << 30
)

// torn reports whether pages are in neither the file nor its log. Without a log
// SQLite notices by itself; with one, only when it reads such a page, perhaps days
// later. It may be wrong about a page that was freed before it was written.
func torn(path string) bool {
	// The database itself is not opened: closing it would give up the locks that this
	// process may have on it.
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	log, err := os.Open(path + "-wal")
	if err != nil {
		return false
	}
	defer log.Close()
	in := bufio.NewReader(io.LimitReader(log, largestLogRead))
	var head [logHeader]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return false
	}
	size := int64(binary.BigEndian.Uint32(head[logPageSize:]))
	if size < smallestPage || size > largestPage {
		return false
	}
	logged, last := readFrames(in, size, head[logSalt:logSalt+saltSize])
	for page := info.Size()/size + 1; page <= last; page++ {
		if !logged[page] && page != lockedByPage/size+1 {
			return true
		}
	}
	return false
}

// readFrames returns the pages that a log has, and how many the database has.
func readFrames(in *bufio.Reader, size int64, salt []byte) (logged map[int64]bool, last int64) {
	logged = map[int64]bool{}
	var frame [frameHeader]byte
	for {
		if _, err := io.ReadFull(in, frame[:]); err != nil || !bytes.Equal(frame[frameSalt:frameSalt+saltSize], salt) {
			return logged, last
		}
		if _, err := in.Discard(int(size)); err != nil {
			return logged, last
		}
		logged[int64(binary.BigEndian.Uint32(frame[:]))] = true
		if pages := binary.BigEndian.Uint32(frame[framePages:]); pages > 0 {
			last = int64(pages)
		}
	}
}

// sound reads the whole database.
func sound(ctx context.Context, db *sql.DB, path string) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the store %s: %w", path, explained(path, err))
	}
	if verdict != "ok" {
		return damaged(path, errors.New(verdict))
	}
	return nil
}
