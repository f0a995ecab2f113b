package store

import (
	"context"
	"time"
)

// RosterRecord is one thing that a source says: of a laptop, an approved tool, an
// office. Bodies are the roster's own and mean nothing to the store.
type RosterRecord struct {
	Source, Kind, Key, Body string
}

// RosterVersion is one state of what all sources say together. Versions stay, with
// everything that was said, as long as the audit log.
type RosterVersion struct {
	// N counts versions from 1 without gaps; zero is before the first.
	N uint64
	// Digest names what is said, equal for versions that say the same.
	Digest string
	At     time.Time
	// Actor is who made it, as the audit log has it; Origin what it was made from.
	Actor, Origin string
	// Added, Changed and Removed count records; Refused what could not be used.
	Added, Changed, Removed, Refused uint32
}

// RosterChange is what a version did to one record. Before and After are bodies, empty
// where there was or is none.
type RosterChange struct {
	Source, Kind, Key string
	Before, After     string
}

// Rosters keeps what the company says of its laptops, tools and offices.
type Rosters interface {
	// RosterVersion returns the latest version, the zero value where there is none.
	RosterVersion(ctx context.Context) (RosterVersion, error)
	// RosterVersionOf returns the latest version with a digest, or ErrNotFound.
	RosterVersionOf(ctx context.Context, digest string) (RosterVersion, error)
	// RosterVersions lists versions before one, zero for all, latest first.
	RosterVersions(ctx context.Context, before uint64, limit int) ([]RosterVersion, error)
	// PutRoster makes the version after v.N of it, with changes and an entry in the audit
	// log, in one durable step, and returns its number. ErrConflict means that v.N is not
	// the latest, or that a record is not as a change says it was.
	PutRoster(ctx context.Context, v RosterVersion, changes []RosterChange, audit AuditEntry) (uint64, error)
	// EachRosterRecord calls fn for every record as of a version, ordered by source,
	// kind and key, those after one, until it errs. The zero value is before the first.
	// ErrNotFound means that the version was forgotten or never was.
	EachRosterRecord(ctx context.Context, n uint64, after RosterRecord, fn func(RosterRecord) error) error
	// RosterChanges lists what a version changed, ordered by source, kind and key, those
	// after one; its zero value is before the first.
	RosterChanges(ctx context.Context, n uint64, after RosterChange, limit int) ([]RosterChange, error)
}
