// Package ingest is the hot path: a validated batch in, committed state out. It
// deduplicates by (device, boot_id, sequence), lets the judge turn reports into
// a change, and commits many devices' changes in one transaction before anybody
// is told that a report is safe.
//
// One collector owns a store: what was last committed of a device is remembered
// here, so whoever else changes a device does it inside Pipeline.Exclusive.
//
// Every acknowledgement hands out a nonce that the next delivery brings back:
//
//	the current nonce                     in step: committed, and a new one handed out
//	the one before, nothing new           redelivered: the same answer again
//	any other, or the one before with     out of step: committed all the same, marked as
//	something new                         a fork, and a new one handed out
//	any, where the last acknowledgement   taken on trust: the store was restored, copied
//	is of another epoch                   or opened anew since
//
// What forks mean is package fleet's to say.
//
// It may import proto/, collector/fleet and collector/store.
package ingest
