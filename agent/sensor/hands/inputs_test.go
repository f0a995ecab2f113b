package hands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/ioreg"
	"github.com/farmhound-security/farmhound/agent/systemtool"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// hidText is what ioreg would print of HID devices, after the names of properties in the
// kernel's published source; ages says how long ago each was used, reports how often.
func hidText(t testing.TB, ages map[string]time.Duration, reports int64) string {
	t.Helper()
	text, err := os.ReadFile("testdata/ioreg_hid.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := strings.ReplaceAll(string(text), "@reports@", strconv.FormatInt(reports, 10))
	for _, device := range []string{"built-in", "attached", "console"} {
		age, used := ages[device]
		if !used {
			age = 30 * 24 * time.Hour
		}
		out = strings.ReplaceAll(out, "@"+device+"@", strconv.FormatInt(age.Nanoseconds(), 10))
	}
	return out
}

func TestParseInputs(t *testing.T) {
	t.Parallel()
	const device = "+-o X  <class %s, id 0x1, registered>\n  | {\n  |   \"Transport\" = \"%s\"\n  |   \"Product\" = \"%s\"\n  |   \"DeviceUsagePairs\" = ({\"DeviceUsagePage\"=1,\"DeviceUsage\"=6})\n%s  | }\n"
	const noted = "  |   \"DebugState\" = {\"InputReportTime\"=5000000000}\n"
	for name, tt := range map[string]struct {
		class, transport, product, state string
		origin                           origin
		since                            time.Duration
		complete                         bool
	}{
		"a keyboard over Bluetooth":        {"AppleUserHIDDevice", "Bluetooth", "Magic Keyboard", noted, attached, 5 * time.Second, true},
		"one over Bluetooth Low Energy":    {"IOHIDUserDevice", "Bluetooth Low Energy", "MX Keys", noted, attached, 5 * time.Second, true},
		"a remapper's":                     {"AppleUserHIDDevice", "USB", "Karabiner DriverKit VirtualHIDKeyboard 1.8.0", noted, unplaced, 5 * time.Second, true},
		"a program's":                      {"IOHIDUserDevice", "USB", "Keyboard", noted, unplaced, 5 * time.Second, true},
		"an older laptop's own":            {"AppleHSSPIHIDDevice", "SPI", "Apple Internal Keyboard / Trackpad", noted, builtIn, 5 * time.Second, true},
		"a Mac's own over USB":             {"AppleUserHIDDevice", "USB", "Apple Internal Keyboard / Trackpad", "  |   \"VendorID\" = 1452\n" + noted, builtIn, 5 * time.Second, true},
		"not used yet":                     {"AppleUserHIDDevice", "USB", "USB Keyboard", "  |   \"DebugState\" = {}\n", attached, never, true},
		"of which nobody notes the use":    {"SomeHIDDevice", "USB", "USB Keyboard", "", attached, never, false},
		"of which something else is noted": {"SomeHIDDevice", "USB", "USB Keyboard", "  |   \"DebugState\" = {\"EnqueueFailCount\"=0}\n", attached, never, false},
		"a program's over Bluetooth":       {"IOHIDUserDevice", "Bluetooth Low Energy", "MX Keys", "  |   \"HIDVirtualDevice\" = Yes\n" + noted, unplaced, 5 * time.Second, true},
		"one that says it is built in":     {"AppleUserHIDDevice", "USB", "Keyboard\"\n  |   \"Built-In\" = Yes\n  |   \"Built-In\" = \"No", noted, unplaced, 5 * time.Second, true},
		"one that calls itself Apple's":    {"AppleUserHIDDevice", "USB", "Apple Internal Keyboard / Trackpad", noted, attached, 5 * time.Second, true},
		"of which nonsense is noted":       {"SomeHIDDevice", "USB", "USB Keyboard", "  |   \"DebugState\" = {\"InputReportTime\"=-1}\n", attached, never, false},
	} {
		got, complete := parseInputs(ioreg.Parse(fmt.Sprintf(device, tt.class, tt.transport, tt.product, tt.state)), func(uint64) bool { return false })
		if len(got) != 1 || got[0].origin != tt.origin || got[0].since != tt.since || complete != tt.complete {
			t.Errorf("%s: %+v, complete %v", name, got, complete)
		}
	}
	if got, complete := parseInputs(nil, nil); len(got) != 0 || complete {
		t.Errorf("nothing is %v, complete %v", got, complete)
	}
}

// A console stays one, whatever it calls itself.
func TestConsoleUnderAnotherName(t *testing.T) {
	t.Parallel()
	const device = "+-o X  <class AppleUserHIDDevice, id 0x1>\n  \"Transport\" = \"USB\"\n  \"VendorID\" = 1452\n  \"LocationID\" = 7\n" +
		"  \"Product\" = \"Apple Internal Keyboard / Trackpad\"\n  \"DeviceUsagePairs\" = ({\"DeviceUsagePage\"=1,\"DeviceUsage\"=6})\n"
	got, _ := parseInputs(ioreg.Parse(device), func(location uint64) bool { return location == 7 })
	if len(got) != 1 || got[0].origin != kvmLike {
		t.Errorf("%+v", got)
	}
}

// What nudges a pointer now and then does not make a laptop used all the time, and a
// device whose use is not noted makes nothing of the others'.
func TestPlacerIsNotDeceived(t *testing.T) {
	t.Parallel()
	clock := &handClock{}
	l := newLedger(clock.read)
	p := placer{ledger: l, known: map[string]*placedSource{}}
	reports := int64(100)
	for ; clock.now < 300_000; clock.now += 25_000 {
		reports++
		explained, whole := p.told([]recentInput{
			{id: "jiggler", origin: attached, since: time.Second, reports: reports}, {id: "hand", origin: attached, since: time.Second, reports: 60 * reports},
		}, time.Second)
		if !explained || !whole {
			t.Fatal("it is explained")
		}
	}
	l.mu.Lock()
	jiggled, typed := p.known["jiggler"].source.during.count(), p.known["hand"].source.during.count()
	l.mu.Unlock()
	if jiggled > 12 || typed < 250 {
		t.Errorf("the jiggler counts for %d s, a hand for %d s", jiggled, typed)
	}
	silent := []recentInput{{id: "keys", origin: builtIn, since: time.Minute, reports: -1}, {id: "pad", origin: builtIn, since: never, reports: -1}}
	if explained, whole := p.told(silent, time.Second); explained || whole {
		t.Error("somebody used what notes nothing, and that is not seen")
	}
	if _, whole := p.told(silent, time.Minute); whole {
		t.Error("it is forgotten")
	}
	silent[1].since = time.Second
	if _, whole := p.told(silent, time.Second); !whole {
		t.Error("a device that notes its use is not believed")
	}
}

func FuzzParseInputs(f *testing.F) {
	f.Add(hidText(f, nil, 7))
	f.Add("+-o X  <class Y, id 0x1>\n  \"DeviceUsagePairs\" = ({\"DeviceUsagePage\"=1,\"DeviceUsage\"=6})\n")
	f.Fuzz(func(t *testing.T, text string) {
		inputs, _ := parseInputs(ioreg.Parse(text), func(uint64) bool { return true })
		if len(inputs) > mostSources {
			t.Errorf("%d devices", len(inputs))
		}
		for _, d := range inputs {
			if d.since < 0 || d.origin >= origins {
				t.Errorf("%+v", d)
			}
		}
	})
}

// fakeMac answers like a Mac on which devices were used at given times.
type fakeMac struct {
	t       *testing.T
	clock   *handClock
	used    map[string]int64 // by device, when
	program int64            // when a program made input
	broken  bool
	asked   map[systemtool.Tool]int
}

func (m *fakeMac) ask(_ context.Context, tool systemtool.Tool) ([]byte, error) {
	m.asked[tool]++
	ages, last := map[string]time.Duration{}, m.program
	for device, at := range m.used {
		ages[device], last = time.Duration(m.clock.now-at)*time.Millisecond, max(last, at)
	}
	switch tool {
	case systemtool.Idle:
		return fmt.Appendf(nil, "  \"HIDIdleTime\" = %d\n", (m.clock.now-last)*int64(time.Millisecond)), nil
	case systemtool.Inputs:
		if m.broken {
			return nil, errors.New("ended early")
		}
		return []byte(hidText(m.t, ages, m.clock.now)), nil
	default:
		text, err := os.ReadFile("../hardware/testdata/ioreg_usb.txt")
		return text, err
	}
}

// Somebody types for two minutes, rests, and then the console is used; at the end of some
// windows a program moves the pointer.
func TestRegistryPlacesInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		use    map[string][2]int64 // seconds from and to
		broken bool
		input  *farmhoundv1.InputSeconds
		active [2]uint32
	}{
		"built-in":            {use: map[string][2]int64{"built-in": {20, 140}}, input: &farmhoundv1.InputSeconds{BuiltIn: 120}, active: [2]uint32{120, 155}},
		"attached":            {use: map[string][2]int64{"attached": {20, 140}}, input: &farmhoundv1.InputSeconds{Attached: 120}, active: [2]uint32{120, 155}},
		"console":             {use: map[string][2]int64{"console": {20, 270}}, input: &farmhoundv1.InputSeconds{KvmLike: 250}, active: [2]uint32{250, 285}},
		"own, then console":   {use: map[string][2]int64{"built-in": {20, 80}, "console": {150, 270}}, input: &farmhoundv1.InputSeconds{BuiltIn: 60, KvmLike: 120}, active: [2]uint32{180, 245}},
		"nobody":              {input: &farmhoundv1.InputSeconds{}, active: [2]uint32{0, 31}},
		"a program":           {use: map[string][2]int64{"program": {20, 140}}, active: [2]uint32{115, 155}},
		"a program beside it": {use: map[string][2]int64{"built-in": {20, 140}, "program": {200, 220}}, active: [2]uint32{150, 210}},
		"not to be asked":     {use: map[string][2]int64{"built-in": {20, 140}}, broken: true, active: [2]uint32{115, 155}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &handClock{now: 1_000}
			l := newLedger(clock.read)
			mac := &fakeMac{t: t, clock: clock, program: -3_600_000, used: map[string]int64{"built-in": -3_600_000}, broken: tt.broken, asked: map[systemtool.Tool]int{}}
			r := newRegistry(l, catalog.BuiltIn, mac.ask)
			least := whole
			for ; clock.now < 300_000; clock.now += 25_000 {
				for device, when := range tt.use {
					at := min(clock.now-200, when[1]*1000)
					switch {
					case at < when[0]*1000:
					case device == "program":
						mac.program = at
					default:
						mac.used[device] = at
					}
				}
				least = min(least, r.look(t.Context()).input)
			}
			w := &farmhoundv1.Window{Seconds: 300}
			l.count(w, least)
			if w.Rhythm != nil || w.GetActiveSeconds() < tt.active[0] || w.GetActiveSeconds() > tt.active[1] {
				t.Errorf("window: %v", w)
			}
			got := w.GetInput()
			if (got == nil) != (tt.input == nil) {
				t.Fatalf("input: %v, want %v", got, tt.input)
			}
			for _, pair := range [][2]uint32{
				{got.GetBuiltIn(), tt.input.GetBuiltIn()}, {got.GetAttached(), tt.input.GetAttached()}, {got.GetKvmLike(), tt.input.GetKvmLike()},
				{got.GetInjected(), tt.input.GetInjected()}, {got.GetJiggler(), 0},
			} {
				if pair[0]+30 < pair[1] || pair[0] > pair[1]+30 { // what the first look cannot know
					t.Errorf("input: %v, want %v", got, tt.input)
				}
			}
			if name == "nobody" && mac.asked[systemtool.Inputs] != 1 {
				t.Errorf("with nobody there the devices are asked for %d times", mac.asked[systemtool.Inputs])
			}
		})
	}
}
