// Package geo tells where an address is and what kind of network it belongs to,
// from MMDB files that the company brings: MaxMind's Country, City, ASN and
// Anonymous-IP layouts and IPinfo's flat one. Files that change are read again
// while the collector runs.
//
// It may import proto/ and, for the word Place, collector/fleet.
package geo

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
)

const (
	// lookEvery is the pause between looks for newer versions of the files.
	lookEvery = time.Minute
	// staleAfter is the age from which a file's answers are said to be old: address
	// blocks change hands.
	staleAfter = 30 * 24 * time.Hour
)

// Database answers from the newest good version of every file.
type Database struct {
	files []*file
	stop  context.CancelFunc
	looks sync.WaitGroup
}

var _ fleet.Places = (*Database)(nil)

// Open reads the files and keeps looking for newer versions until ctx ends or
// Close is called. With no paths it knows nothing and works. A file that is missing
// or cannot be read is an error now; later, its last good version stays in use.
//
// Where several files know an address, the earlier path is believed and the later
// ones fill in what it leaves open.
func Open(ctx context.Context, paths []string, log *slog.Logger) (*Database, error) {
	return open(ctx, paths, lookEvery, time.Now, log)
}

func open(ctx context.Context, paths []string, every time.Duration, now func() time.Time, log *slog.Logger) (*Database, error) {
	d := &Database{}
	var problems []error
	for _, path := range paths {
		f := &file{path: path, now: now, log: log}
		if err := f.look(ctx); err != nil {
			problems = append(problems, err)
		}
		d.files = append(d.files, f)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	ctx, d.stop = context.WithCancel(ctx)
	if len(d.files) > 0 {
		d.looks.Go(func() { d.keepLooking(ctx, every, log) })
	}
	return d, nil
}

func (d *Database) keepLooking(ctx context.Context, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, f := range d.files {
			if err := f.look(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "the version of a geography file that was read before stays in use", "path", f.path, "error", err)
			}
		}
	}
}

// Close stops looking for newer versions and waits until nobody looks. What is
// loaded keeps answering.
func (d *Database) Close() error {
	d.stop()
	d.looks.Wait()
	return nil
}

// Place implements fleet.Places. It reports false for an address that no file
// knows anything about.
func (d *Database) Place(addr netip.Addr) (fleet.Place, bool) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return fleet.Place{}, false
	}
	var p fleet.Place
	for _, f := range d.files {
		if r, ok := f.record(addr); ok {
			fill(&p, r)
		}
	}
	return p, p != fleet.Place{}
}
