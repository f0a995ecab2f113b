package native

import (
	"cmp"
	"math"
	"math/bits"
	"reflect"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// exact bounds the whole numbers that a float64 holds as they are.
const exact = 1 << 53

// comparison compiles how two values compare.
func (u *unit) comparison(op string, a, b ast.Expr) Bool {
	x, y := u.kind(a), u.kind(b)
	switch {
	case x == types.StringKind && y == types.StringKind:
		return compared(u, op, u.text(a), u.text(b))
	case x == types.BoolKind && y == types.BoolKind && (op == operators.Equals || op == operators.NotEquals):
		p, q, same := u.boolean(a), u.boolean(b), op == operators.Equals
		return func(f *Frame) bool { return (p(f) == q(f)) == same }
	case x == types.DoubleKind || y == types.DoubleKind:
		return compared(u, op, u.double(a), u.double(b))
	case x == types.UintKind || y == types.UintKind:
		return compared(u, op, u.unsigned(a), u.unsigned(b))
	case x == types.IntKind && y == types.IntKind:
		return compared(u, op, u.integer(a), u.integer(b))
	}
	u.beyond = true
	return nil
}

func compared[F ~func(*Frame) T, T cmp.Ordered](u *unit, op string, a, b F) Bool {
	switch op {
	case operators.Equals:
		return func(f *Frame) bool { return a(f) == b(f) }
	case operators.NotEquals:
		return func(f *Frame) bool { return a(f) != b(f) }
	case operators.Less:
		return func(f *Frame) bool { return a(f) < b(f) }
	case operators.LessEquals:
		return func(f *Frame) bool { return a(f) <= b(f) }
	case operators.Greater:
		return func(f *Frame) bool { return a(f) > b(f) }
	case operators.GreaterEquals:
		return func(f *Frame) bool { return a(f) >= b(f) }
	}
	u.beyond = true
	return nil
}

// double compiles a number with a fraction, or a whole number that is compared with one:
// that must be written out, for others may be too large to be held as they are.
func (u *unit) double(e ast.Expr) func(*Frame) float64 {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Double:
			return func(*Frame) float64 { return float64(v) }
		case types.Int:
			u.beyond = u.beyond || v > exact || v < -exact
			return func(*Frame) float64 { return float64(v) }
		case types.Uint:
			u.beyond = u.beyond || v > exact
			return func(*Frame) float64 { return float64(v) }
		}
	case ast.SelectKind:
		if u.kind(e) == types.DoubleKind {
			return ordered(field(u, e, reflect.Value.Float, reflect.Float64, reflect.Float32))
		}
	case ast.CallKind:
		if u.kind(e) == types.DoubleKind {
			return u.sum(e.AsCall())
		}
	}
	u.beyond = true
	return nil
}

// ordered leaves NaN to CEL.
func ordered(x func(*Frame) float64) func(*Frame) float64 {
	return func(f *Frame) float64 {
		v := x(f)
		if math.IsNaN(v) {
			f.failed = true
		}
		return v
	}
}

func (u *unit) sum(call ast.CallExpr) func(*Frame) float64 {
	args := call.Args()
	if call.FunctionName() == operators.Conditional {
		return chosen(u, args, u.double)
	}
	if call.FunctionName() == operators.Negate {
		a := u.double(args[0])
		return func(f *Frame) float64 { return -a(f) }
	}
	if len(args) != 2 {
		u.beyond = true
		return nil
	}
	a, b := u.double(args[0]), u.double(args[1])
	switch call.FunctionName() {
	case operators.Add:
		return ordered(func(f *Frame) float64 { return a(f) + b(f) })
	case operators.Subtract:
		return ordered(func(f *Frame) float64 { return a(f) - b(f) })
	case operators.Multiply:
		return ordered(func(f *Frame) float64 { return a(f) * b(f) })
	case operators.Divide:
		return ordered(func(f *Frame) float64 { return a(f) / b(f) })
	}
	u.beyond = true
	return nil
}

// unsigned compiles a whole number that is not negative, or one that is written out
// and compared with such.
func (u *unit) unsigned(e ast.Expr) func(*Frame) uint64 {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Uint:
			return func(*Frame) uint64 { return uint64(v) }
		case types.Int:
			u.beyond = u.beyond || v < 0
			return func(*Frame) uint64 { return uint64(v) }
		}
	case ast.SelectKind:
		if u.kind(e) == types.UintKind {
			return field(u, e, reflect.Value.Uint, reflect.Uint64, reflect.Uint32)
		}
	case ast.CallKind:
		if u.kind(e) == types.UintKind {
			return u.count(e.AsCall())
		}
	}
	u.beyond = true
	return nil
}

// count compiles arithmetic of unsigned numbers; what overflows is left to CEL.
func (u *unit) count(call ast.CallExpr) func(*Frame) uint64 {
	args := call.Args()
	if call.FunctionName() == operators.Conditional {
		return chosen(u, args, u.unsigned)
	}
	var of func(x, y uint64) (result, over uint64)
	switch call.FunctionName() {
	case operators.Add:
		of = func(x, y uint64) (uint64, uint64) { return bits.Add64(x, y, 0) }
	case operators.Subtract:
		of = func(x, y uint64) (uint64, uint64) { return bits.Sub64(x, y, 0) }
	case operators.Multiply:
		of = func(x, y uint64) (uint64, uint64) {
			over, result := bits.Mul64(x, y)
			return result, over
		}
	default:
		u.beyond = true
		return nil
	}
	a, b := u.unsigned(args[0]), u.unsigned(args[1])
	return func(f *Frame) uint64 {
		result, over := of(a(f), b(f))
		f.failed = f.failed || over != 0
		return result
	}
}

// integer compiles a whole number with a sign.
func (u *unit) integer(e ast.Expr) func(*Frame) int64 {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Int); ok {
			return func(*Frame) int64 { return int64(v) }
		}
	case ast.SelectKind:
		return field(u, e, reflect.Value.Int, reflect.Int64, reflect.Int32) // enumerations too
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == "size" {
			return u.size(call)
		}
	}
	u.beyond = true
	return nil
}

func (u *unit) startsWith(text, beginning ast.Expr) Bool {
	a, b := u.text(text), u.text(beginning)
	return func(f *Frame) bool { return strings.HasPrefix(a(f), b(f)) }
}
