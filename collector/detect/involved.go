package detect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// involved returns the paths of the picture that a condition names, in its order, as
// Fields writes them.
func (l *language) involved(condition string) []string {
	checked, issues := l.env.Compile(condition)
	if issues.Err() != nil {
		return nil
	}
	var w pathWalk
	w.walk(checked.NativeRep().Expr(), map[string]string{"device": "device"})
	return w.paths
}

// pathWalk collects the paths that an expression names.
type pathWalk struct{ paths []string }

// walk goes through an expression. names are the variables that stand for something
// of the picture.
func (w *pathWalk) walk(e ast.Expr, names map[string]string) {
	if path := pathOfExpr(e, names); path != "" {
		if !isMessage(path) && !slices.Contains(w.paths, path) {
			w.paths = append(w.paths, path)
		}
		return
	}
	switch e.Kind() {
	case ast.SelectKind:
		w.walk(e.AsSelect().Operand(), names)
	case ast.CallKind:
		if e.AsCall().IsMemberFunction() {
			w.walk(e.AsCall().Target(), names)
		}
		for _, arg := range e.AsCall().Args() {
			w.walk(arg, names)
		}
	case ast.ListKind:
		for _, one := range e.AsList().Elements() {
			w.walk(one, names)
		}
	case ast.ComprehensionKind:
		w.loop(e.AsComprehension(), names)
	}
}

// isMessage says whether a path ends at something that has fields of its own and is no
// list: it has no value to show.
func isMessage(path string) bool {
	steps := strings.Split(strings.ReplaceAll(path, "[]", ""), ".")
	if len(steps) == 1 {
		return true
	}
	in := fieldsBelow(steps[:len(steps)-1])
	if in == nil {
		return false
	}
	f := in.ByName(protoreflect.Name(steps[len(steps)-1]))
	return f != nil && f.Message() != nil && !isTime(f.Message()) && (!f.IsList() || strings.HasSuffix(path, "[]"))
}

// loop goes through what a macro such as exists() does with every element of a list.
func (w *pathWalk) loop(c ast.ComprehensionExpr, names map[string]string) {
	of := c.IterRange()
	for of.Kind() == ast.ComprehensionKind { // what filter() leaves of a list are elements of it
		w.walk(of, names)
		of = of.AsComprehension().IterRange()
	}
	inside := make(map[string]string, len(names)+1)
	for name, path := range names {
		inside[name] = path
	}
	delete(inside, c.IterVar())
	if path := pathOfExpr(of, names); path != "" {
		inside[c.IterVar()] = path + "[]"
	} else {
		w.walk(of, names)
	}
	w.walk(c.LoopCondition(), inside)
	w.walk(c.LoopStep(), inside)
}

// pathOfExpr is the path that an expression is, empty where it is another one.
func pathOfExpr(e ast.Expr, names map[string]string) string {
	switch e.Kind() {
	case ast.IdentKind:
		return names[e.AsIdent()]
	case ast.SelectKind:
		if path := pathOfExpr(e.AsSelect().Operand(), names); path != "" {
			return path + "." + e.AsSelect().FieldName()
		}
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index {
			if path := pathOfExpr(call.Args()[0], names); path != "" {
				return path + "[]"
			}
		}
	}
	return ""
}

// valueAt writes what a picture has at a path: one value, or those of all elements.
func valueAt(dev *fleetv1.Device, path string) string {
	steps := strings.Split(strings.TrimPrefix(path, "device."), ".")
	values := valuesOf(dev.ProtoReflect(), steps)
	if strings.Contains(path, "[]") {
		return "[" + strings.Join(values, ", ") + "]"
	}
	if len(values) == 0 {
		return "absent"
	}
	return values[0]
}

func valuesOf(m protoreflect.Message, steps []string) []string {
	name, elements := strings.CutSuffix(steps[0], "[]")
	f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if f == nil || f.HasPresence() && !m.Has(f) {
		return nil
	}
	v := m.Get(f)
	if !f.IsList() {
		return valuesIn(f, v, steps[1:])
	}
	var all []string
	for i := range v.List().Len() {
		all = append(all, valuesIn(f, v.List().Get(i), steps[1:])...)
	}
	if !elements {
		return []string{"[" + strings.Join(all, ", ") + "]"}
	}
	return all
}

// valuesIn writes one value of a field, or what is below it.
func valuesIn(f protoreflect.FieldDescriptor, v protoreflect.Value, below []string) []string {
	if f.Message() == nil {
		if f.Kind() == protoreflect.StringKind {
			return []string{strconv.Quote(v.String())}
		}
		return []string{v.String()}
	}
	if at, ok := v.Message().Interface().(*timestamppb.Timestamp); ok {
		return []string{at.AsTime().Format("2006-01-02T15:04:05Z")}
	}
	if len(below) == 0 {
		return []string{"{…}"}
	}
	return valuesOf(v.Message(), below)
}

// values writes what a picture has where conditions of a signal look: those of the
// given tiers, and what decides whether it says anything at all.
func (l *language) values(s *signal, dev *fleetv1.Device, tiers ...int) string {
	var paths []string
	for i, sense := range senseTable {
		if s.needs&(1<<i) != 0 && !sense.known(dev.GetKnown()) {
			paths = append(paths, "device.known."+sense.name)
		}
	}
	if s.except&virtualChassis != 0 && dev.GetVirtualChassis() {
		paths = append(paths, "device.virtual_chassis")
	}
	if s.except&declaredOffshore != 0 && dev.GetPerson().GetOffshore() {
		paths = append(paths, "device.person.offshore")
	}
	for _, i := range tiers {
		if i < 0 || i >= len(s.doc.Tiers) {
			continue
		}
		for _, path := range l.involved(s.doc.Tiers[i].When.Value) {
			if !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	var all []string
	for _, path := range paths {
		all = append(all, fmt.Sprintf("%s = %s", path, valueAt(dev, path)))
	}
	return strings.Join(all, ", ")
}
