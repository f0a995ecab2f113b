package geo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxSize bounds a file. The largest that are sold have half of it.
const maxSize = 1 << 30

// file is one path and the newest good version of what is there.
type file struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	current atomic.Pointer[version]
	// seen is the file as it was last looked at, good or not, or the reason why it
	// could not be looked at: the same thing is not complained of twice.
	seen    os.FileInfo
	missing bool
}

// version is a file's content. It is in memory and not mapped, so that neither
// a writer that truncates the file nor a newer version can pull it from under a
// reader; it is freed when the last one is done.
type version struct {
	reader *maxminddb.Reader
	// failed and stale are set once they were logged.
	failed atomic.Bool
	stale  bool
}

// look reads the file if it changed since it was last looked at. On an error the
// version in use stays.
func (f *file) look(ctx context.Context) error {
	defer f.warnIfStale(ctx)
	info, err := os.Stat(f.path)
	switch {
	case err != nil && f.missing:
		return nil
	case err != nil:
		f.missing, f.seen = true, nil
		return fmt.Errorf("read where addresses are: %w; put an MMDB file there or take the path out of the settings", err)
	case f.seen != nil && same(f.seen, info):
		return nil
	}
	f.missing, f.seen = false, info
	reader, err := read(ctx, f.path, info)
	if err != nil {
		return fmt.Errorf("read where addresses are from %s: %w", f.path, err)
	}
	f.current.Store(&version{reader: reader})
	f.log.InfoContext(ctx, "geography file read", "path", f.path, "type", reader.Metadata.DatabaseType, "built", built(reader))
	return nil
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// read reads and checks a file that was found as info says.
func read(ctx context.Context, path string, info os.FileInfo) (*maxminddb.Reader, error) {
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("it has %d bytes and at most %d are read", info.Size(), int64(maxSize))
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	content := make([]byte, info.Size())
	if _, err := io.ReadFull(in, content); err != nil {
		return nil, fmt.Errorf("it became shorter while it was read: %w", err)
	}
	switch after, err := in.Stat(); {
	case err != nil:
		return nil, err
	case !same(info, after):
		return nil, errors.New("it changed while it was read; replace it by renaming a complete file over it")
	}
	return parse(ctx, content)
}

// parse opens a database and reads all of it once, so that a damaged one is found
// before anybody relies on it.
func parse(ctx context.Context, content []byte) (*maxminddb.Reader, error) {
	reader, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, fmt.Errorf("it is not a whole MMDB file: %w", err)
	}
	if err := check(ctx, reader); err != nil {
		return nil, err
	}
	return reader, nil
}

// maxDistinct bounds the memory for telling which records were read already.
const maxDistinct = 1 << 20

// check follows every branch of the search tree and reads every record. A tree has
// one leaf more than nodes, and writers share at most the part for IPv4 between a
// few prefixes of IPv6; many more leaves mean that branches lead back into the tree,
// and following those would never end.
func check(ctx context.Context, reader *maxminddb.Reader) error {
	read, useful := map[uintptr]struct{}{}, false
	leaves, limit := uint(0), 8*reader.Metadata.NodeCount+1000
	for result := range reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if err := errors.Join(result.Err(), ctx.Err()); err != nil {
			return fmt.Errorf("it is damaged or could not be read to its end: %w", err)
		}
		if leaves++; leaves > limit {
			return errors.New("it is damaged: branches of its tree meet")
		}
		if _, ok := read[result.Offset()]; ok || !result.Found() {
			continue
		}
		var r record
		if err := result.Decode(&r); err != nil {
			return fmt.Errorf("it is damaged: %w", err)
		}
		useful = useful || r != record{}
		if len(read) < maxDistinct {
			read[result.Offset()] = struct{}{}
		}
	}
	if !useful {
		return fmt.Errorf("it is of type %q and says nothing of countries, networks or anonymisers", reader.Metadata.DatabaseType)
	}
	return nil
}

// record returns what the file says about an address.
func (f *file) record(addr netip.Addr) (record, bool) {
	v := f.current.Load()
	if v.reader.Metadata.IPVersion == 4 && addr.Is6() {
		return record{}, false
	}
	result := v.reader.Lookup(addr)
	if !result.Found() && result.Err() == nil {
		return record{}, false
	}
	var r record
	if err := result.Decode(&r); err != nil {
		// Every record was read when the file was; this is for a defect of ours.
		if !v.failed.Swap(true) {
			f.log.Error("an address could not be looked up", "path", f.path, "error", err)
		}
		return record{}, false
	}
	return r, true
}

// warnIfStale says once of every version that it is old.
func (f *file) warnIfStale(ctx context.Context) {
	v := f.current.Load()
	if v == nil || v.stale || v.reader.Metadata.BuildEpoch == 0 || f.now().Sub(built(v.reader)) <= staleAfter {
		return
	}
	v.stale = true
	f.log.WarnContext(ctx, "a geography file is old, and addresses have moved since; bring a newer one", "path", f.path, "built", built(v.reader))
}

func built(reader *maxminddb.Reader) time.Time {
	return reader.Metadata.BuildTime().UTC()
}
