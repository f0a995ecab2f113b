// Package heard is what the local network says of itself to everybody: announcements
// by multicast DNS (RFC 6762), SSDP and link-local name resolution (RFC 4795) that
// arrive without anybody having been asked.
//
// Nothing is ever sent. The system tells routers and switches that it listens to the
// groups, as every desktop system does for the same ones; that asks nobody anything,
// and nothing answers it. Of a packet two things are kept: from where it came, while
// it is fresh, and what kind of thing sent it. Names are read and forgotten.
//
// The package imports the standard library and golang.org/x/sys only.
package heard
