package native

import (
	"fmt"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// in compiles whether a text is in a list of texts.
func (u *unit) in(text, list ast.Expr) Bool {
	if u.kind(text) != types.StringKind {
		u.beyond = true
		return nil
	}
	a, all := u.text(text), u.words(list)
	return func(f *Frame) bool { return slices.Contains(all(f), a(f)) }
}

// words compiles a list of texts.
func (u *unit) words(e ast.Expr) func(*Frame) []string {
	switch e.Kind() {
	case ast.ListKind:
		var all []string
		for _, element := range e.AsList().Elements() {
			if element.Kind() != ast.LiteralKind {
				u.beyond = true
				return nil
			}
			text, ok := element.AsLiteral().(types.String)
			u.beyond = u.beyond || !ok
			all = append(all, string(text))
		}
		return func(*Frame) []string { return all }
	case ast.SelectKind:
		if p := u.path(e); p.of == reflect.TypeFor[[]string]() {
			return field(u, e, func(v reflect.Value) []string { return *v.Addr().Interface().(*[]string) }, reflect.Slice)
		}
	case ast.ComprehensionKind:
		return u.mapped(e.AsComprehension())
	}
	u.beyond = true
	return nil
}

// messages compiles a list of messages, and returns their type.
func (u *unit) messages(e ast.Expr) (func(*Frame) []reflect.Value, reflect.Type) {
	switch e.Kind() {
	case ast.SelectKind:
		return u.repeated(e)
	case ast.ComprehensionKind:
		return u.filtered(e.AsComprehension())
	}
	u.beyond = true
	return nil, nil
}

func (u *unit) repeated(e ast.Expr) (func(*Frame) []reflect.Value, reflect.Type) {
	p := u.path(e)
	// A list within an element is another with each.
	if u.beyond || p.from != 0 || p.of.Kind() != reflect.Slice || p.of.Elem().Kind() != reflect.Pointer {
		u.beyond = true
		return nil, nil
	}
	number := u.lists.of(fmt.Sprint(p.fields))
	return func(f *Frame) []reflect.Value {
		list := p.value(f)
		if !list.IsValid() || list.Len() == 0 {
			return nil
		}
		if number >= len(f.lists) { // compiled since the frame was made
			f.failed = true
			return nil
		}
		if f.lists[number] == nil {
			all := make([]reflect.Value, list.Len())
			for i := range all {
				all[i] = list.Index(i).Elem()
			}
			f.lists[number] = all
		}
		return f.lists[number]
	}, p.of.Elem().Elem()
}

// body compiles what a loop does with each element, and returns the element's place in frames.
func body[F any](u *unit, name string, element reflect.Type, compile func() F) (F, int) {
	at := 1 + len(u.loops)
	if u.beyond || at > deepest {
		u.beyond = true
		var none F
		return none, 0
	}
	u.loops = append(u.loops, loop{name, element})
	defer func() { u.loops = u.loops[:len(u.loops)-1] }()
	return compile(), at
}

// quantified compiles exists and all.
func (u *unit) quantified(c ast.ComprehensionExpr) Bool {
	begin, ok := literal(c.AccuInit())
	all := begin == types.True
	op := operators.LogicalOr
	if all {
		op = operators.LogicalAnd
	}
	step, isStep := stepOf(c, op)
	if !ok || !isStep || c.HasIterVar2() || !isIdent(c.Result(), c.AccuVar()) {
		u.beyond = true
		return nil
	}
	list, element := u.messages(c.IterRange())
	holds, at := body(u, c.IterVar(), element, func() Bool { return u.boolean(step) })
	return func(f *Frame) bool {
		for _, v := range list(f) {
			if f.values[at] = v; !v.IsValid() {
				f.failed = true
				return false
			}
			if holds(f) != all {
				return !all
			}
		}
		return all
	}
}

func literal(e ast.Expr) (types.Bool, bool) {
	if e.Kind() != ast.LiteralKind {
		return false, false
	}
	v, ok := e.AsLiteral().(types.Bool)
	return v, ok
}

func isIdent(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

// stepOf returns what a loop joins to its result with each element.
func stepOf(c ast.ComprehensionExpr, op string) (ast.Expr, bool) {
	step := c.LoopStep()
	if step.Kind() != ast.CallKind {
		return nil, false
	}
	call := step.AsCall()
	if call.FunctionName() != op || len(call.Args()) != 2 || !isIdent(call.Args()[0], c.AccuVar()) {
		return nil, false
	}
	return call.Args()[1], true
}

// chain is a loop that makes a list: of what it adds for each element, where it does.
type chain struct{ when, add ast.Expr }

func chainOf(c ast.ComprehensionExpr) (chain, bool) {
	init, step := c.AccuInit(), c.LoopStep()
	if init.Kind() != ast.ListKind || init.AsList().Size() != 0 || c.HasIterVar2() ||
		!isIdent(c.Result(), c.AccuVar()) || step.Kind() != ast.CallKind {
		return chain{}, false
	}
	var made chain
	call := step.AsCall()
	if call.FunctionName() == operators.Conditional && isIdent(call.Args()[2], c.AccuVar()) && call.Args()[1].Kind() == ast.CallKind {
		made.when = call.Args()[0]
		call = call.Args()[1].AsCall()
	}
	if call.FunctionName() != operators.Add || len(call.Args()) != 2 || !isIdent(call.Args()[0], c.AccuVar()) {
		return chain{}, false
	}
	added := call.Args()[1]
	if added.Kind() != ast.ListKind || added.AsList().Size() != 1 {
		return chain{}, false
	}
	made.add = added.AsList().Elements()[0]
	return made, true
}

// filtered compiles the elements of a list for which something holds.
func (u *unit) filtered(c ast.ComprehensionExpr) (func(*Frame) []reflect.Value, reflect.Type) {
	made, ok := chainOf(c)
	if !ok || made.when == nil || !isIdent(made.add, c.IterVar()) {
		u.beyond = true
		return nil, nil
	}
	list, element := u.messages(c.IterRange())
	holds, at := body(u, c.IterVar(), element, func() Bool { return u.boolean(made.when) })
	return func(f *Frame) []reflect.Value {
		var some []reflect.Value
		for _, v := range list(f) {
			if f.values[at] = v; !v.IsValid() {
				f.failed = true
				return nil
			}
			if holds(f) {
				some = append(some, v)
			}
		}
		return some
	}, element
}

// mapped compiles what is said of each message of a list.
func (u *unit) mapped(c ast.ComprehensionExpr) func(*Frame) []string {
	made, ok := chainOf(c)
	if !ok || made.when != nil || u.kind(made.add) != types.StringKind {
		u.beyond = true
		return nil
	}
	list, element := u.messages(c.IterRange())
	says, at := body(u, c.IterVar(), element, func() String { return u.text(made.add) })
	return func(f *Frame) []string {
		all := list(f)
		if len(all) == 0 {
			return nil
		}
		words := make([]string, len(all))
		for i, v := range all {
			if f.values[at] = v; !v.IsValid() {
				f.failed = true
				return nil
			}
			words[i] = says(f)
		}
		return words
	}
}

// size compiles the length of a list of messages or of texts.
func (u *unit) size(call ast.CallExpr) func(*Frame) int64 {
	list := call.Target()
	if !call.IsMemberFunction() {
		list = call.Args()[0]
	}
	if list.Kind() == ast.SelectKind && u.path(list).of == reflect.TypeFor[[]string]() {
		all := u.words(list)
		return func(f *Frame) int64 { return int64(len(all(f))) }
	}
	all, _ := u.messages(list)
	return func(f *Frame) int64 { return int64(len(all(f))) }
}
