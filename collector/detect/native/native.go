package native

import (
	"reflect"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/proto"
)

// deepest bounds loops within loops.
const deepest = 4

// Functions are the language's own functions by name: func(float64) string,
// func(float64, ...string) string, func(string) string, func([]string) string,
// func(time.Time) string or func(proto.Message) string. They must depend on nothing but
// what they are given.
type Functions map[string]any

// Compiler gives expressions over one message a native form. What it compiled may be
// evaluated by many at once; compiling may not.
type Compiler struct {
	name      string // of the message, in expressions
	message   reflect.Type
	functions Functions
	lists     numbering // lists of messages, by path
	texts     numbering // what functions say of messages, by function and path
}

// New returns a compiler of expressions that call a message by a name.
func New(name string, message proto.Message, functions Functions) *Compiler {
	return &Compiler{name: name, message: reflect.TypeOf(message).Elem(), functions: functions, lists: numbering{}, texts: numbering{}}
}

// numbering gives equal things one number.
type numbering map[string]int

func (n numbering) of(thing string) int {
	number, ok := n[thing]
	if !ok {
		number = len(n)
		n[thing] = number
	}
	return number
}

// Frame is one message under evaluation, for one goroutine. What several expressions
// ask of it is looked up once.
type Frame struct {
	values [1 + deepest]reflect.Value // the message, and the elements of loops around
	lists  [][]reflect.Value
	texts  []string
	failed bool
}

// Frame returns a frame for a message, which must not change while it is used.
func (c *Compiler) Frame(message proto.Message) *Frame {
	f := &Frame{lists: make([][]reflect.Value, len(c.lists)), texts: make([]string, len(c.texts))}
	f.values[0] = reflect.ValueOf(message).Elem()
	return f
}

// Bool is an expression that holds or not; nil has no native form.
type Bool func(*Frame) bool

// Value evaluates the expression. Where ok is false, CEL has to.
func (b Bool) Value(f *Frame) (value, ok bool) {
	if b == nil {
		return false, false
	}
	f.failed = false
	value = b(f)
	return value, !f.failed
}

// String is an expression that says something; nil has no native form.
type String func(*Frame) string

// Value evaluates the expression. Where ok is false, CEL has to.
func (s String) Value(f *Frame) (value string, ok bool) {
	if s == nil {
		return "", false
	}
	f.failed = false
	value = s(f)
	return value, !f.failed
}

// Bool gives a checked expression of type bool its native form, nil where it has none.
func (c *Compiler) Bool(checked *ast.AST) Bool {
	u := &unit{Compiler: c, checked: checked}
	if b := u.boolean(checked.Expr()); !u.beyond {
		return b
	}
	return nil
}

// String gives a checked expression of type string its native form, nil where it has none.
func (c *Compiler) String(checked *ast.AST) String {
	u := &unit{Compiler: c, checked: checked}
	if s := u.text(checked.Expr()); !u.beyond {
		return s
	}
	return nil
}

// unit is one expression being compiled. Whatever is beyond this package is noted, and
// the closures made of it are never called.
type unit struct {
	*Compiler
	checked *ast.AST
	loops   []loop
	beyond  bool
}

// loop is a loop whose body is being compiled.
type loop struct {
	name    string
	element reflect.Type
}

func (u *unit) kind(e ast.Expr) types.Kind { return u.checked.GetType(e.ID()).Kind() }

// boolean compiles what holds or not.
func (u *unit) boolean(e ast.Expr) Bool {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Bool); ok {
			return func(*Frame) bool { return bool(v) }
		}
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return u.present(e)
		}
		return field(u, e, reflect.Value.Bool, reflect.Bool)
	case ast.ComprehensionKind:
		return u.quantified(e.AsComprehension())
	case ast.CallKind:
		return u.condition(e.AsCall())
	}
	u.beyond = true
	return nil
}

func (u *unit) condition(call ast.CallExpr) Bool {
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		a, b := u.boolean(args[0]), u.boolean(args[1])
		return func(f *Frame) bool { return a(f) && b(f) }
	case operators.LogicalOr:
		a, b := u.boolean(args[0]), u.boolean(args[1])
		return func(f *Frame) bool { return a(f) || b(f) }
	case operators.LogicalNot:
		a := u.boolean(args[0])
		return func(f *Frame) bool { return !a(f) }
	case operators.Conditional:
		return chosen(u, args, u.boolean)
	case operators.In:
		return u.in(args[0], args[1])
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return u.comparison(call.FunctionName(), args[0], args[1])
	case "startsWith":
		if call.IsMemberFunction() {
			return u.startsWith(call.Target(), args[0])
		}
	}
	u.beyond = true
	return nil
}

// chosen compiles what is one thing or another.
func chosen[F ~func(*Frame) T, T any](u *unit, args []ast.Expr, compile func(ast.Expr) F) F {
	when, then, otherwise := u.boolean(args[0]), compile(args[1]), compile(args[2])
	return func(f *Frame) T {
		if when(f) {
			return then(f)
		}
		return otherwise(f)
	}
}
