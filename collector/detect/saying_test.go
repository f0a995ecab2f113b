package detect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// saying is the text of one tier, taken apart.
type saying struct {
	signal  *signal
	tier    int
	when    []string // fields that the condition names
	told    []string // fields that the sentence names
	asked   []string // those of them that has() asks for, in condition or sentence
	written []call   // functions that write of a whole part
	literal []string
}

type call struct{ function, part string }

func sayingOf(t *testing.T, r *Rules, s *signal, tier int) saying {
	t.Helper()
	x := saying{signal: s, tier: tier}
	x.when = r.language.involved(s.doc.Tiers[tier].When.Value)
	x.told = slices.DeleteFunc(r.language.involved(s.doc.Tiers[tier].Because.Value), func(path string) bool {
		return slices.Contains(chooses[s.id], path)
	})
	for _, text := range []string{s.doc.Tiers[tier].When.Value, s.doc.Tiers[tier].Because.Value} {
		for _, m := range regexp.MustCompile(`has\((device(?:\.\w+)+)\)`).FindAllStringSubmatch(text, -1) {
			x.asked = append(x.asked, m[1])
		}
	}
	checked, issues := r.language.env.Compile(s.doc.Tiers[tier].Because.Value)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	for _, e := range ast.MatchDescendants(ast.NavigateAST(checked.NativeRep()), ast.AllMatcher()) {
		switch e.Kind() {
		case ast.LiteralKind:
			if text, ok := e.AsLiteral().(types.String); ok {
				x.literal = append(x.literal, string(text))
			}
		case ast.CallKind:
			if args := e.AsCall().Args(); len(args) == 1 {
				if path := pathOfExpr(args[0], map[string]string{"device": "device"}); path != "" && isMessage(path) {
					x.written = append(x.written, call{e.AsCall().FunctionName(), path})
				}
			}
		}
	}
	return x
}

// lies returns what a sentence says that its condition did not see.
func (x *saying) lies(types map[string]Field) []string {
	var all []string
	for _, path := range x.told {
		quantity := types[path].Type == "double" || types[path].Type == "uint"
		if quantity && !slices.Contains(x.when, path) && alsoTold[path] == "" {
			all = append(all, "it gives "+path+", which its condition does not ask for")
		}
	}
	all = append(all, x.spans()...)
	for _, text := range append([]string{x.signal.title}, x.literal...) {
		for word := range mayClaim {
			text = strings.ReplaceAll(text, word, "")
		}
		if word := claims.FindString(text); word != "" {
			all = append(all, fmt.Sprintf("%q claims what is not observed: %s", text, word))
		}
	}
	return all
}

// spans returns what is wrong with the days over which a sentence says that it was.
func (x *saying) spans() []string {
	var all []string
	days := regexp.MustCompile(`^device\.day\d+`)
	var of []string // the spans whose figures are given
	add := func(span string) {
		if span != "" && !slices.Contains(of, span) {
			of = append(of, span)
		}
	}
	for _, path := range x.told {
		add(days.FindString(path))
	}
	if len(of) == 0 {
		for _, path := range x.told {
			add(spansOf[strings.Join(strings.Split(path, ".")[:2], ".")])
		}
	}
	if len(of) > 1 {
		all = append(all, "it gives figures over "+strings.Join(of, " and ")+" in one breath")
	}
	dated := false
	for _, c := range x.written {
		if !days.MatchString(c.part) {
			continue
		}
		dated = dated || c.function != "of_time" && c.function != "assistive"
		if !slices.Contains(of, c.part) {
			all = append(all, fmt.Sprintf("%s says %s, and the figures are over %s", c.function, c.part, strings.Join(of, ", ")))
		}
	}
	if slices.ContainsFunc(x.told, days.MatchString) && !dated {
		all = append(all, "it gives figures over days and does not say which")
	}
	return all
}

// allowed are the figures that a sentence may have on a device: those of its own text,
// and those of the fields that it names, rounded as words.go rounds what they are.
func (x *saying) allowed(dev *fleetv1.Device) map[string]bool {
	known := make(map[string]bool)
	add := func(text string) {
		for _, figure := range figures.FindAllString(text, -1) {
			known[figure] = true
		}
	}
	for _, text := range x.literal {
		add(text)
	}
	for _, path := range x.told {
		told(dev.ProtoReflect(), strings.Split(strings.TrimPrefix(path, "device."), "."), add)
	}
	for _, c := range x.written {
		for _, field := range map[string][]string{
			"period": {"days", "from", "to"}, "days": {"days", "from", "to"}, "span": {"from", "to"}, "assistive": {"assistive_share"},
			"declared": {"country"}, "home": {"country", "region"}, "others": {"people", "unnamed_people"}, "together": {"days", "together_from", "together_to"},
		}[c.function] {
			told(dev.ProtoReflect(), append(strings.Split(strings.TrimPrefix(c.part, "device."), "."), field), add)
		}
		if c.function == "of_time" {
			add(ofTime(&fleetv1.Activity{}))
		}
		if c.function == "others" { // those who are named
			add(others(dev.GetSite()))
		}
	}
	return known
}

// told adds what words may make of a field's values.
func told(m protoreflect.Message, steps []string, add func(string)) {
	name, _ := strings.CutSuffix(steps[0], "[]")
	f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	switch {
	case f.IsList():
		list := m.Get(f).List()
		for i := range list.Len() {
			if len(steps) > 1 {
				told(list.Get(i).Message(), steps[1:], add)
			} else if f.Message() == nil {
				add(list.Get(i).String())
			}
		}
		for n := range max(list.Len()-4, 0) {
			add(strconv.Itoa(n + 1)) // "and 3 more"
		}
	case len(steps) > 1:
		told(m.Get(f).Message(), steps[1:], add)
	default:
		value(f, m.Get(f), add)
	}
}

func value(f protoreflect.FieldDescriptor, v protoreflect.Value, add func(string)) {
	name := string(f.Name())
	switch {
	case f.Message() != nil:
		if at, ok := v.Message().Interface().(*timestamppb.Timestamp); ok {
			add(date(at.AsTime()))
			add(date(at.AsTime().Add(-time.Nanosecond))) // the end of a span
		}
	case f.Kind() == protoreflect.StringKind:
		add(v.String())
	case f.Kind() == protoreflect.Uint32Kind || f.Kind() == protoreflect.Uint64Kind:
		add(number(float64(v.Uint())))
		if strings.Contains(name, "people") && v.Uint() > 0 {
			add(number(float64(v.Uint() - 1))) // the others
		}
	case f.Kind() != protoreflect.DoubleKind:
	case strings.HasSuffix(name, "_share"):
		add(percent(v.Float()))
	case strings.HasSuffix(name, "_ms"):
		add(atLeastMilliseconds(v.Float()))
		add(atMostMilliseconds(v.Float()))
	case strings.HasSuffix(name, "_seconds"):
		add(number(v.Float()))
		add(count(v.Float()/60, "", ""))
		add(hours(v.Float() / 3600))
	case strings.HasSuffix(name, "_days"):
		add(count(v.Float(), "", ""))
	default:
		add(number(v.Float()))
		add(number(-v.Float()))
	}
}

// unsaid returns fields of a sentence that the device does not have and that nothing
// asked for: they read as zero, and would be told as that.
func (x *saying) unsaid(dev *fleetv1.Device, types map[string]Field) []string {
	var all []string
	for _, path := range x.told {
		if types[path].Optional && types[path].Type != "timestamp" && !strings.Contains(path, "[]") && !slices.Contains(x.asked, path) && valueAt(dev, path) == "absent" {
			all = append(all, path)
		}
	}
	return all
}

func fieldTypes() map[string]Field {
	all := make(map[string]Field)
	for _, f := range Fields() {
		all[f.Path] = f
	}
	return all
}
