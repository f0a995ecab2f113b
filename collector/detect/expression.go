package detect

import (
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/detect/native"
	"github.com/farmhound-security/farmhound/collector/strictyaml"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// longestProgram bounds one program, in bytes.
	longestProgram = 4 << 10
	// dearestProgram bounds what one program may cost at worst, in CEL's units. It
	// is estimated when signals are loaded, so that evaluation need not count.
	dearestProgram = 50_000
	// longestList and longestWord are what the estimate takes for the size of a
	// device's lists and words; the picture keeps no more.
	longestList = 256
	longestWord = 128
)

// listSizes are the lists of which the picture keeps fewer.
var listSizes = map[string]uint64{"tools": 64, "peers": 16, "control_tools": 8}

// language compiles the programs of signals.
type language struct {
	env    *cel.Env
	native *native.Compiler
}

// program is one expression: in its native form where it has one, which says the same
// much faster, and as CEL evaluates it.
type program struct {
	full  cel.Program
	holds native.Bool
	says  native.String
	// ofUse is that it only holds of figures of active days.
	ofUse bool
	// ofControl is that it only holds of figures of sessions from elsewhere.
	ofControl bool
}

// writers are the language's own functions for expressions in native form.
var writers = native.Functions{
	"percent": percent, "hours": hours, "at_least_ms": atLeastMilliseconds, "at_most_ms": atMostMilliseconds,
	"said": said, "plain": plain, "date": date, "names": names,
	"number": func(n float64, _ ...string) string { return number(n) },
	"count":  func(n float64, nouns ...string) string { return count(n, nouns[0], nouns[1]) },
	"of_time": func(m proto.Message) string {
		a, _ := m.(*fleetv1.Activity)
		return ofTime(a)
	},
	"period": func(m proto.Message) string {
		a, _ := m.(*fleetv1.Activity)
		return period(a)
	},
	"days": part(days), "span": part(span), "assistive": part(besideAssistive), "declared": part(declared), "home": part(home),
	"others": part(others), "together": part(together),
}

func newLanguage() (*language, error) {
	device := cel.ObjectType("farmhound.fleet.v1.Device")
	activity := cel.ObjectType("farmhound.fleet.v1.Activity")
	env, err := cel.NewEnv(
		cel.Types(&fleetv1.Device{}),
		cel.Variable("device", device),
		cel.Variable("now", cel.TimestampType),
		cel.CrossTypeNumericComparisons(true),
		cel.ExtendedValidations(),
		words("percent", cel.DoubleType, func(v float64) string { return percent(v) }),
		words("hours", cel.DoubleType, func(v float64) string { return hours(v) }),
		words("at_least_ms", cel.DoubleType, atLeastMilliseconds),
		words("at_most_ms", cel.DoubleType, atMostMilliseconds),
		words("said", cel.StringType, said),
		words("plain", cel.StringType, plain),
		words("date", cel.TimestampType, date),
		words("of_time", activity, func(v *fleetv1.Activity) string { return ofTime(v) }),
		words("period", activity, func(v *fleetv1.Activity) string { return period(v) }),
		clauses(),
		cel.Function("number", counted("number", nil, func(n float64, _ ...string) string { return number(n) })...),
		cel.Function("count", counted("count", []*cel.Type{cel.StringType, cel.StringType},
			func(n float64, nouns ...string) string { return count(n, nouns[0], nouns[1]) })...),
		cel.Function("names", cel.Overload("names_list", []*cel.Type{cel.ListType(cel.StringType)}, cel.StringType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.String(names(listed(v))) }))),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare the language of signals: %w", err)
	}
	return &language{env, native.New("device", &fleetv1.Device{}, writers)}, nil
}

// words declares a function of one value that writes it.
func words[T any](name string, of *cel.Type, write func(T) string) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_"+of.TypeName(), []*cel.Type{of}, cel.StringType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			native, ok := v.Value().(T)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.String(write(native))
		})))
}

// counted declares a function of a number of any type and of words.
func counted(name string, nouns []*cel.Type, write func(float64, ...string) string) []cel.FunctionOpt {
	var options []cel.FunctionOpt
	for _, number := range []*cel.Type{cel.IntType, cel.UintType, cel.DoubleType} {
		args := append([]*cel.Type{number}, nouns...)
		options = append(options, cel.Overload(name+"_"+number.TypeName(), args, cel.StringType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				f, ok := args[0].ConvertToType(types.DoubleType).(types.Double)
				words := make([]string, 0, len(args)-1)
				for _, arg := range args[1:] {
					word, isWord := arg.(types.String)
					ok = ok && isWord
					words = append(words, string(word))
				}
				if !ok {
					return types.MaybeNoSuchOverloadErr(args[0])
				}
				return types.String(write(float64(f), words...))
			})))
	}
	return options
}

func listed(v ref.Val) []string {
	list, ok := v.(traits.Lister)
	if !ok {
		return nil
	}
	var all []string
	for it := list.Iterator(); it.HasNext() == types.True; {
		if s, ok := it.Next().(types.String); ok {
			all = append(all, string(s))
		}
	}
	return all
}

// compile makes a program of a text that must have the wanted type.
func (l *language) compile(text strictyaml.Text, want *cel.Type) (*program, error) {
	if len(text.Value) > longestProgram {
		return nil, text.Problem(fmt.Sprintf("the expression is %d bytes long, more than %d", len(text.Value), longestProgram))
	}
	checked, issues := l.env.Compile(text.Value)
	if issues.Err() != nil {
		var problems []error
		for _, e := range issues.Errors() {
			at := e.Location
			problems = append(problems, text.ProblemAt(at.Line(), at.Column()+1, e.Message+l.meant(text.Value, at.Line(), at.Column(), e.Message)))
		}
		return nil, errors.Join(problems...)
	}
	if !checked.OutputType().IsExactType(want) {
		return nil, text.Problem(fmt.Sprintf("the expression gives %s, not %s", checked.OutputType(), want))
	}
	estimate, err := l.env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, text.Problem("the cost of the expression cannot be estimated: " + err.Error())
	}
	if estimate.Max > dearestProgram {
		return nil, text.Problem(fmt.Sprintf("the expression may cost %d steps, more than %d; loops within loops are the usual reason", estimate.Max, dearestProgram))
	}
	full, err := l.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, text.Problem(err.Error())
	}
	p := &program{full: full}
	if want == cel.BoolType {
		p.holds = l.native.Bool(checked.NativeRep())
		p.ofUse = asksFor(figuresOfUse, checked.NativeRep().Expr())
		p.ofControl = !p.ofUse && asksFor(figuresOfControl, checked.NativeRep().Expr())
	} else {
		p.says = l.native.String(checked.NativeRep())
	}
	return p, nil
}

// sizes tells the estimate how large a device's lists and words can be.
type sizes struct{}

func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	switch node.Type().Kind() {
	case types.ListKind:
		if path := node.Path(); len(path) > 0 {
			if n, ok := listSizes[path[len(path)-1]]; ok {
				return &cost.SizeEstimate{Max: n}
			}
		}
		return &cost.SizeEstimate{Max: longestList}
	case types.StringKind:
		return &cost.SizeEstimate{Max: longestWord}
	}
	return nil
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// scene is what programs see.
type scene struct {
	dev      *fleetv1.Device
	frame    *native.Frame
	language *language
	at       time.Time
	// device and now are what CEL sees, made when it is asked.
	device, now ref.Val
}

func (l *language) scene(dev *fleetv1.Device, now time.Time) *scene {
	return &scene{dev: dev, frame: l.native.Frame(dev), language: l, at: now}
}

// ResolveName gives programs their two variables.
func (s *scene) ResolveName(name string) (any, bool) {
	switch name {
	case "device":
		if s.device == nil {
			s.device = s.language.env.CELTypeAdapter().NativeToValue(s.dev)
		}
		return s.device, true
	case "now":
		if s.now == nil {
			s.now = types.Timestamp{Time: s.at.UTC()}
		}
		return s.now, true
	}
	return nil, false
}

// Parent is nil: there is nothing else to see.
func (s *scene) Parent() cel.Activation { return nil }

func (s *scene) holds(p *program) (bool, error) {
	if holds, ok := p.holds.Value(s.frame); ok {
		return holds, nil
	}
	v, _, err := p.full.Eval(s)
	if err != nil {
		return false, err
	}
	return v == types.True, nil
}

func (s *scene) says(p *program) (string, error) {
	text, ok := p.says.Value(s.frame)
	if !ok {
		v, _, err := p.full.Eval(s)
		if err != nil {
			return "", err
		}
		said, _ := v.(types.String)
		text = string(said)
	}
	// Whatever a program puts into a sentence, devices may have written it.
	return printable(text, longestClause), nil
}
