// Package demo shows the whole of Farmhound on one computer: a collector on an
// embedded store, this computer's real agent enrolled with it over mutual TLS, and
// beside it a simulated fleet that lives four weeks in about a minute, through the
// real API. Everything lies in a temporary folder and is gone afterwards.
//
// The collector's clock is the laboratory's until the simulation has caught up
// with the wall clock. The collector never sees which laptop is which persona's.
// The package may import agent/, collector/, proto/ and the laboratory's personas.
package demo
