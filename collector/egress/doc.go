// Package egress answers laptops that ask under which address they are seen over
// one way out: a STUN responder (RFC 8489) over UDP and TCP for laptops of the
// fleet only.
//
// The address that a report comes from is that of the default route. A laptop
// behind a VPN has another one on its physical interface, and asks over both. The
// answers travel with its reports, sealed: the laptop cannot read or make one, and
// every collector that has the store's secret can open it.
//
// The package imports proto/ only.
package egress
