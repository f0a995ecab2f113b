// Package fleet keeps the running picture of every device: it merges reports,
// counts activity per day, remembers what was seen where, groups devices that
// are kept together, and derives from all of it the Device that signals and
// analysts look at.
//
// It may import proto/ only; address data and the roster reach it through small
// interfaces of its own.
package fleet
