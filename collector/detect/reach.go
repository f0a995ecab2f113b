package detect

import (
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// condition is what is understood of a condition: enough to see that a tier can never
// be the first that holds. What is not understood is an atom that is only like itself.
type condition struct {
	and, or []condition // of one of them, or of neither
	// text is an atom as it is written.
	text string
	// subject, in a comparison with a number, is what is compared, and from..to where it
	// then lies; the ends belong to it where they are closed.
	subject              string
	from, to             float64
	fromClosed, toClosed bool
}

// understand takes a condition apart. A text that does not compile is understood as
// nothing in particular.
func (l *language) understand(text string) condition {
	checked, issues := l.env.Compile(text)
	if issues.Err() != nil {
		return condition{text: text}
	}
	native := checked.NativeRep()
	return understand(native.Expr(), native.SourceInfo())
}

func understand(e ast.Expr, info *ast.SourceInfo) condition {
	text, err := cel.ExprToString(e, info)
	if err != nil {
		text = "" // like nothing, not even itself
	}
	c := condition{text: text}
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return c
	}
	call := e.AsCall()
	a, b := call.Args()[0], call.Args()[1]
	switch call.FunctionName() {
	case operators.LogicalAnd:
		c.and = []condition{understand(a, info), understand(b, info)}
	case operators.LogicalOr:
		c.or = []condition{understand(a, info), understand(b, info)}
	default:
		c.compare(call.FunctionName(), a, b, info)
	}
	return c
}

// mirrored is a comparison with its sides exchanged.
var mirrored = map[string]string{
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
	operators.Equals: operators.Equals,
}

func (c *condition) compare(op string, a, b ast.Expr, info *ast.SourceInfo) {
	limit, ok := numberOf(b)
	if !ok {
		if limit, ok = numberOf(a); !ok {
			return
		}
		a, op = b, mirrored[op]
	}
	from, to := math.Inf(-1), math.Inf(1)
	switch op {
	case operators.Less:
		to = limit
	case operators.LessEquals:
		to, c.toClosed = limit, true
	case operators.Greater:
		from = limit
	case operators.GreaterEquals:
		from, c.fromClosed = limit, true
	case operators.Equals:
		from, to, c.fromClosed, c.toClosed = limit, limit, true, true
	default:
		return
	}
	subject, err := cel.ExprToString(a, info)
	if err != nil {
		return
	}
	c.subject, c.from, c.to = subject, from, to
}

func numberOf(e ast.Expr) (float64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	switch v := e.AsLiteral().(type) {
	case types.Double:
		return float64(v), true
	case types.Int:
		return float64(v), true
	case types.Uint:
		return float64(v), true
	}
	return 0, false
}

// implies says whether other holds wherever c does, as far as that shows.
func (c *condition) implies(other *condition) bool {
	switch {
	case len(other.and) > 0:
		return c.implies(&other.and[0]) && c.implies(&other.and[1])
	case len(c.or) > 0:
		return c.or[0].implies(other) && c.or[1].implies(other)
	case c.same(other) || other.text == "true":
		return true
	case len(other.or) > 0 && (c.implies(&other.or[0]) || c.implies(&other.or[1])):
		return true
	case len(c.and) > 0:
		return c.and[0].implies(other) || c.and[1].implies(other)
	}
	return c.subject != "" && c.subject == other.subject && c.within(other)
}

func (c *condition) same(other *condition) bool { return c.text != "" && c.text == other.text }

// within says whether everything between the ends of c lies between those of other.
func (c *condition) within(other *condition) bool {
	above := c.from > other.from || c.from == other.from && (other.fromClosed || !c.fromClosed)
	below := c.to < other.to || c.to == other.to && (other.toClosed || !c.toClosed)
	return above && below
}

// never says whether the condition contradicts itself, as far as that shows.
func (c *condition) never() bool {
	if c.text == "false" {
		return true
	}
	if len(c.or) > 0 {
		return c.or[0].never() && c.or[1].never()
	}
	all := c.conjuncts(nil)
	for i, a := range all {
		if a != c && a.never() {
			return true
		}
		for _, b := range all[i+1:] {
			if a.subject != "" && a.subject == b.subject && (a.apart(b) || b.apart(a)) {
				return true
			}
		}
	}
	return false
}

func (c *condition) conjuncts(all []*condition) []*condition {
	if len(c.and) == 0 {
		return append(all, c)
	}
	return c.and[1].conjuncts(c.and[0].conjuncts(all))
}

// apart says whether c ends before other begins.
func (c *condition) apart(other *condition) bool {
	return c.to < other.from || c.to == other.from && (!c.toClosed || !other.fromClosed)
}
