package detect

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Shares of active days are as old as the last of these days, however new the report is that
// they came with. What follows finds out which tiers tell such.

// figuresOfUse are the parts of the picture that active days add up to.
var figuresOfUse = []string{
	"device.day1.", "device.day3.", "device.day5.", "device.day20.",
	"device.still.rhythm_cv", "device.still.machine_rhythm_share", "device.kvm.beat_seconds",
}

// figuresOfControl are those that sessions of twenty days add up to: they are as old as the last.
var figuresOfControl = []string{"device.operator."}

// asksFor says whether a condition can only hold where some of these figures are there or
// above something. What it only asks not to be so is no more than a reservation.
func asksFor(figures []string, e ast.Expr) bool {
	switch e.Kind() {
	case ast.SelectKind:
		return e.AsSelect().IsTestOnly() && namesOnly(figures, e)
	case ast.CallKind:
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.LogicalAnd:
			return asksFor(figures, args[0]) || asksFor(figures, args[1])
		case operators.LogicalOr:
			return asksFor(figures, args[0]) && asksFor(figures, args[1])
		case operators.Greater, operators.GreaterEquals:
			return namesOnly(figures, e)
		}
	}
	return false
}

// namesOnly says whether an expression names some of these figures and nothing else of the picture.
func namesOnly(figures []string, e ast.Expr) bool {
	var w pathWalk
	w.walk(e, map[string]string{"device": "device"})
	isOther := func(path string) bool {
		return !slices.ContainsFunc(figures, func(figure string) bool { return strings.HasPrefix(path, figure) })
	}
	return len(w.paths) > 0 && !slices.ContainsFunc(w.paths, isOther)
}

// aboutUse says whether a tier fades while the laptop is on and not used. Whoever drives a
// laptop uses it, so that everything does that answers who: were a console that is plugged in
// as heavy as ever when the hands beside it are forgotten, it would speak against its owner.
func (s *signal) aboutUse(tier int) bool {
	return s.question == remote || tier < len(s.tiers) && s.tiers[tier].when.ofUse
}
