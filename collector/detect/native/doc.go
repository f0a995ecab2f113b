// Package native turns checked CEL expressions over one message into Go closures that
// give the same values some twenty times faster: fields are found once, when an
// expression is compiled, and neither values nor calls go through interfaces.
//
// It knows the part of the language in which signals are written. An expression that
// is beyond that has no native form, and one whose evaluation meets what CEL may call
// an error (a number that overflows, NaN) says so: then CEL has the word. So an
// expression never means anything but what CEL says it means.
//
// It may import nothing of the module.
package native
