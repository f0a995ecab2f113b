// Package load measures how much a collector takes: many simulated laptops report at
// once, as fast as they are answered, and beside it, in the same run, to a bare gRPC
// server that sends the same payload back. Figures of a machine mean little
// elsewhere; the ratio of the two means more.
//
// It may import both agent's and collector's sides, as the laboratory does.
package load
