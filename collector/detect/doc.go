// Package detect weighs what is known about a device: it turns the picture into
// evidence, evidence into the probability of two hypotheses, and both into a
// judgement that says why in words. Signals are data (signals/*.yaml); how they
// are added up is code. It is a pure function of the device, the judgement before,
// and the time.
//
// Weights are decibans, ten times the decimal logarithm of a likelihood ratio:
// ten of them make something ten times likelier. Two hypotheses are weighed
// apart: "hosted" (kept somewhere and driven from elsewhere) and "displaced" (the
// laptop itself is not where it should be, with real hands on it).
//
// It may import proto/, strictyaml to read signals, and its own native, which evaluates
// their expressions.
package detect
