package native_test

import (
	"math"
	"testing"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/detect/native"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func compile(t *testing.T, text string) (*native.Compiler, native.Bool) {
	t.Helper()
	env, err := cel.NewEnv(cel.Types(&fleetv1.Device{}), cel.Variable("device", cel.ObjectType("farmhound.fleet.v1.Device")), cel.CrossTypeNumericComparisons(true))
	if err != nil {
		t.Fatal(err)
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	c := native.New("device", &fleetv1.Device{}, nil)
	return c, c.Bool(checked.NativeRep())
}

func TestConditions(t *testing.T) {
	t.Parallel()
	dev := &fleetv1.Device{
		Day5:  &fleetv1.Activity{Days: 5, LocalShare: proto.Float64(0), ControlTools: []string{"AnyDesk"}},
		Tools: []*fleetv1.ToolSighting{{Name: "a", Present: true}, {Name: "b", Present: true, Approved: true}},

		Person: &fleetv1.Person{TravelCountries: []string{"DE", "JP"}},
	}
	for text, want := range map[string]bool{
		`device.day5.days >= 5`:       true,
		`device.day5.days * 2u > 10u`: false,
		`has(device.day5.local_share) && device.day5.local_share <= 0.05`:                true,
		`has(device.day1.local_share) || device.day1.local_share > 0`:                    false,
		`"AnyDesk" in device.day5.control_tools`:                                         true,
		`device.tools.exists(t, t.present && t.approved)`:                                true,
		`device.tools.all(t, t.approved)`:                                                false,
		`device.tools.filter(t, !t.approved).size() == 1`:                                true,
		`device.person.travel_countries.size() == 2`:                                     true,
		`size(device.day5.control_tools) > 1`:                                            false,
		`device.person.approved_tools.size() == 0`:                                       true, // empty
		`device.day1.control_tools.size() == 0`:                                          true, // of nothing
		`device.tools.exists(a, device.tools.exists(b, a.name == "b" && b.name == "a"))`: true,
		`device.tools.exists(t, t.name == "b" && device.tools.all(t, t.present))`:        true,
		`(device.day1.days > 0 ? device.day1.days : device.day5.days) == 5u`:             true,
		`-device.day5.local_share <= 0.0`:                                                true,
	} {
		c, holds := compile(t, text)
		got, ok := holds.Value(c.Frame(dev))
		if !ok || got != want {
			t.Errorf("%s: %t, %t; want %t", text, got, ok, want)
		}
	}
}

// What CEL may call an error is left to it, and so is what is beyond this package.
func TestWhatIsLeftToCEL(t *testing.T) {
	t.Parallel()
	dev := &fleetv1.Device{
		Day5: &fleetv1.Activity{LocalShare: proto.Float64(math.NaN())},
		Site: &fleetv1.Site{People: 0},
	}
	for text, hasForm := range map[string]bool{
		`device.day5.local_share <= 0.05`:                 true, // not a number
		`device.site.people - 1u > 3u`:                    true, // below zero
		`device.day5.local_share / 0.0 * 0.0 > 1.0`:       true,
		`device.serial.matches("^X")`:                     false,
		`device.weekly_use.exists(n, n > 3u)`:             false, // a list of numbers
		`device.weekly_use.size() > 3`:                    false,
		`device.serial.size() > 3`:                        false, // characters
		`device.first_report_at < device.last_report_at`:  false,
		`double(device.day5.days) > 3.0`:                  false,
		`[1, 2, 3].exists(n, n == 2)`:                     false,
		`device.tools.exists_one(t, t.present)`:           false,
		`device.tools.map(t, t.name).exists(n, n == "a")`: false,
	} {
		c, holds := compile(t, text)
		if (holds != nil) != hasForm {
			t.Errorf("%s: native form %t, want %t", text, holds != nil, hasForm)
		}
		if value, ok := holds.Value(c.Frame(dev)); ok {
			t.Errorf("%s: %t, which is CEL's to say", text, value)
		}
	}
}
