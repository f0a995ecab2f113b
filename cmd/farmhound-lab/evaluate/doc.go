// Package evaluate measures the detector on drawn worlds whose truth is known: what
// it finds and how soon, whom it wrongs, how well its probabilities are meant and
// what each signal is worth.
//
// A world is judged in this process, report by report, by the very rooms that a
// replay uses and at the replay's own clock; only the text between them is left
// out. Nothing of the truth reaches them.
//
// It may import proto/, the collector's rooms and cmd/farmhound-lab/persona.
package evaluate
