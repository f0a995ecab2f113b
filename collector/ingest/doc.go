// Package ingest is the hot path: a validated batch in, committed state out. It
// deduplicates by (device, boot_id, sequence), lets the judge turn reports into
// a change, and commits many devices' changes in one transaction before anybody
// is told that a report is safe.
//
// One collector owns a store: what was last committed of a device is remembered
// here, so whoever else changes a device does it inside Pipeline.Exclusive.
//
// It may import proto/, collector/fleet and collector/store.
package ingest
