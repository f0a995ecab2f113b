package detect

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What follows writes what several signals say of one part of the picture, so that all
// of them say of it what is known and no more.

// clauses declares these functions in the language of signals.
func clauses() cel.EnvOption {
	return func(env *cel.Env) (*cel.Env, error) {
		var err error
		for _, declare := range []cel.EnvOption{
			about("days", activityType, days), about("span", activityType, span), about("assistive", activityType, besideAssistive),
			about("declared", personType, declared), about("home", personType, home),
			about("others", siteType, others), about("together", siteType, together),
		} {
			if env, err = declare(env); err != nil {
				return nil, err
			}
		}
		return env, nil
	}
}

var (
	activityType = cel.ObjectType("farmhound.fleet.v1.Activity")
	personType   = cel.ObjectType("farmhound.fleet.v1.Person")
	siteType     = cel.ObjectType("farmhound.fleet.v1.Site")
)

// about declares a function that writes of one part of the picture, also of one that the
// picture does not have.
func about[T proto.Message](name string, of *cel.Type, write func(T) string) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_"+of.TypeName(), []*cel.Type{of}, cel.StringType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			part, _ := v.Value().(T)
			return types.String(write(part))
		})))
}

// part makes a writer of one part of the picture one of any message.
func part[T proto.Message](write func(T) string) func(proto.Message) string {
	return func(m proto.Message) string {
		p, _ := m.(T)
		return write(p)
	}
}

// days writes on how many days the laptop was in use, and when. Where no sense tells of
// use, they are days on which it was awake.
func days(a *fleetv1.Activity) string {
	var b [96]byte
	return string(appendDays(b[:0], a))
}

func appendDays(b []byte, a *fleetv1.Activity) []byte {
	one, many := "active day", "active days"
	switch {
	case a.GetDays() == 0:
		return append(b, "an unknown number of days"...)
	case !seesActivity(a):
		one, many = "day", "days"
	}
	return appendSpan(appendCount(b, float64(a.GetDays()), one, many), a.GetFrom(), a.GetTo())
}

// span writes in brackets from when to when the days of an activity are.
func span(a *fleetv1.Activity) string { return string(appendSpan(nil, a.GetFrom(), a.GetTo())) }

func appendSpan(b []byte, from, to *timestamppb.Timestamp) []byte {
	if from == nil || to == nil {
		return b
	}
	return append(appendDates(append(b, " ("...), from.AsTime(), to.AsTime()), ')')
}

// besideAssistive says how much of the time technology ran that injects input for people who
// need it.
func besideAssistive(a *fleetv1.Activity) string {
	switch {
	case a == nil || a.AssistiveShare == nil:
		return "whether assistive technology ran is not known"
	case a.GetAssistiveShare() == 0:
		return "with no known assistive technology running"
	}
	return "with known assistive technology running for " + percent(a.GetAssistiveShare()) + " of the active time"
}

// declared names in brackets the country that the roster declares.
func declared(p *fleetv1.Person) string {
	if p.GetCountry() == "" {
		return " (no country is declared)"
	}
	return " (declared: " + plain(p.GetCountry()) + ")"
}

// home names in brackets the declared place.
func home(p *fleetv1.Person) string {
	switch {
	case p.GetCountry() == "" && p.GetRegion() == "":
		return ""
	case p.GetRegion() == "":
		return " (" + plain(p.GetCountry()) + ")"
	}
	return " (" + plain(p.GetCountry()) + ", " + said(p.GetRegion()) + ")"
}

// others says whose laptops else are at a site. Of laptops that the roster does not
// know nobody knows how many people's they are.
func others(s *fleetv1.Site) string {
	people := max(s.GetPeople(), 1) - 1
	unnamed := min(s.GetUnnamedPeople(), people)
	switch named := people - unnamed; {
	case named == 0 && unnamed > 0:
		return count(float64(unnamed), "other laptop of somebody whom the roster does not name", "other laptops of people whom the roster does not name")
	case unnamed > 0:
		return "laptops of " + count(float64(named), "other person", "other people") + " and " +
			count(float64(unnamed), "laptop of somebody whom the roster does not name", "laptops of people whom the roster does not name")
	case people == 1:
		return "a laptop of 1 other person"
	}
	return "laptops of " + count(float64(people), "other person", "other people")
}

// together says on which days, which are of UTC, a laptop was at its site together with another
// person's.
func together(s *fleetv1.Site) string {
	var b [64]byte
	on := append(appendCount(append(b[:0], "on "...), float64(s.GetDays()), "day", "days"), " of UTC"...)
	return string(appendSpan(on, s.GetTogetherFrom(), s.GetTogetherTo()))
}
