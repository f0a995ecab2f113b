package detect

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func assess(t testing.TB, dev *fleetv1.Device, before *fleetv1.Judgement) *fleetv1.Judgement {
	t.Helper()
	j, err := New(rules(t), Options{}).Assess(dev, before, personaNow)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// personas are the paper personas with the verdict that the weights promise.
var personas = []struct {
	name    string
	device  func() *fleetv1.Device
	verdict string
	kind    string
}{
	{"RMM farm laptop", rmmFarmLaptop, "near_certain", "hosted"},
	{"named console on a shelf, hands unknown", namedConsoleNoHands, "likely", "hosted"},
	{"disguised console, hands known", disguisedConsole, "likely", "hosted"},
	{"shipped abroad behind a VPN", shippedAbroad, "likely", "displaced"},
	{"single laptop at a relative's", laptopAtARelatives, "likely", "hosted"},
	{"one of three, in turns", mixedFarm, "near_certain", "hosted"},

	{"office worker", officeWorker, "clear", "hosted"},
	{"help desk with the approved tool", helpDesk, "clear", "hosted"},
	{"developer with his own console", developerWithConsole, "clear", "hosted"},
	{"docked with the lid shut", docked, "clear", "hosted"},
	{"corporate VPN", corporateVPN, "clear", "hosted"},
	{"approved traveller", traveller, "clear", "hosted"},
	{"couple in one household", couple, "clear", "hosted"},
	{"undeclared flatmates", flatmates, "clear", "hosted"},
	{"virtual desktop", virtualDesktop, "clear", "hosted"},
	{"assistive technology", assistive, "clear", "hosted"},
	{"VPN for privacy", privacyVPN, "clear", "displaced"},
	{"supported for a day", supportedOnce, "clear", "hosted"},
	{"contractor abroad as declared", offshoreContractor, "clear", "hosted"},

	// Known to be hard: the first is missed, the second is flagged.
	{"fully cloned console", clonedConsole, "clear", "hosted"},
	{"drives his own laptop through a relay", drivesHisOwn, "likely", "hosted"},
}

func TestPaperPersonasGetTheVerdictTheWeightsPromise(t *testing.T) {
	t.Parallel()
	for _, tt := range personas {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dev := tt.device()
			given := proto.CloneOf(dev)
			a := assess(t, dev, nil).GetAssessment()
			if a.GetVerdict() != tt.verdict || (tt.verdict != "clear" && a.GetKind() != tt.kind) {
				t.Errorf("verdict %s (%s), want %s (%s); risk %.4f", a.GetVerdict(), a.GetKind(), tt.verdict, tt.kind, a.GetRisk())
				for _, e := range a.GetEvidence() {
					t.Logf("%6.1f of %5.1f  %-9s %-24s %s", e.GetDb(), e.GetFullDb(), e.GetFamily(), e.GetSignal(), e.GetBecause())
				}
			}
			if !proto.Equal(dev, given) {
				t.Error("the device was modified")
			}
		})
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestGoldenAssessment(t *testing.T) {
	t.Parallel()
	for name, dev := range map[string]*fleetv1.Device{
		"rmm_farm_laptop": rmmFarmLaptop(), "named_console_hands_unknown": namedConsoleNoHands(), "shipped_abroad": shippedAbroad(),
	} {
		text, err := protojson.Marshal(assess(t, dev, nil))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		// protojson's own spacing changes from build to build.
		if err := json.Indent(&got, text, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		file := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, diff)
		}
	}
}

func TestAnExemptPersonIsWatchedAtMostAndTheReasonIsSaid(t *testing.T) {
	t.Parallel()
	dev := rmmFarmLaptop()
	dev.Person.Exempt, dev.Person.ExemptReason = true, "red team exercise"
	dev.Person.ExemptUntil = timestamppb.New(time.Date(2026, 4, 1, 4, 0, 0, 0, time.UTC))
	a := assess(t, dev, nil).GetAssessment()
	if a.GetVerdict() != "watch" || a.GetRisk() >= 0.6 || a.GetFirstAt().GetLikely() != nil {
		t.Errorf("%s at %g, first at %v", a.GetVerdict(), a.GetRisk(), a.GetFirstAt())
	}
	want := `The person is exempt until 1 Apr 2026 04:00 UTC ("red team exercise"), so that the verdict is at most watch; without the exemption it would be near_certain.`
	if len(a.GetWouldChange()) == 0 || a.GetWouldChange()[0] != want {
		t.Errorf("would change %q, want first %q", a.GetWouldChange(), want)
	}
	honest := officeWorker()
	honest.Person.Exempt = true
	if a := assess(t, honest, nil).GetAssessment(); a.GetVerdict() != "clear" {
		t.Errorf("an exemption made an office worker %s", a.GetVerdict())
	}
}

func TestAnswersSayWhatWasObserved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		device   *fleetv1.Device
		question func(*fleetv1.Questions) *fleetv1.Question
		want     string
	}{
		{
			"driven", rmmFarmLaptop(), (*fleetv1.Questions).GetRemote,
			"Strong signs of remote control: AnyDesk controlled this laptop for 83 % of its active time over 5 active days (13–17 Mar 2026); AnyDesk runs, open to control with nobody there, and 97 % of the input was injected by software, with no known assistive technology running; on 20 of 20 active days (26 Feb – 17 Mar 2026) at least half of the use was control that nobody approved, or input through what looks like a remote console.",
		},
		{
			"controlled from abroad", rmmFarmLaptop(), (*fleetv1.Questions).GetAbroad,
			"Signs that it is controlled from elsewhere than supposed: it was controlled from 198.51.100.23 in XA (declared: US); no direct round trip to 198.51.100.23, from where it was controlled, took less than 212 ms within 20 days.",
		},
		{
			"a console, and hands on the keyboard", developerWithConsole(), (*fleetv1.Questions).GetRemote,
			`Little speaks for remote control: the remote console "PiKVM" is plugged in, recognised by its own identity, and was first seen on 20 Feb 2026; OpenSSH server accepts control with nobody in front of the laptop and without being approved; Tailscale can join the laptop to a private network without being approved. Against it: 70 % of the input came from the laptop's own keyboard and pointer over 5 active days (13–17 Mar 2026).`,
		},
		{
			"a console that no input comes through", unusedConsole(), (*fleetv1.Questions).GetRemote,
			`It can be driven from elsewhere; that it mostly is, was not observed: the remote console "PiKVM" is plugged in, recognised by its own identity, and was first seen on 20 Feb 2026; OpenSSH server accepts control with nobody in front of the laptop and without being approved; Tailscale can join the laptop to a private network without being approved.`,
		},
		{
			"a console, and no sense that would see it used", namedConsoleNoHands(), (*fleetv1.Questions).GetRemote,
			`It can be driven from elsewhere, and nothing tells whether it is: the remote console "PiKVM" is plugged in, recognised by its own identity, and was first seen on 3 Feb 2026; its lid was shut for 100 % of the observed time over 5 active days (13–17 Mar 2026), and no USB keyboard or pointer but "PiKVM" is plugged in.`,
		},
		{
			"an account that controls others too", sharedAccount(), (*fleetv1.Questions).GetAbroad,
			"Where it and its controller are does not show; still: one remote account controlled the laptops of 2 people.",
		},
		{
			"far away", shippedAbroad(), (*fleetv1.Questions).GetAbroad,
			`Strong signs that it is not where it is supposed to be: on 18 days, at 16 different hours of the day, no round trip to the collector took less than 231 ms; from the declared place at most 90 ms are likely; on none of 20 days with a known address (26 Feb – 17 Mar 2026) was that address at the declared place (US, "OH") and of no VPN, proxy, tunnel or hosting provider; Astrill, the consumer VPN named most often in reported cases, runs or carries its traffic.`,
		},
		{
			"an approved tool", helpDesk(), (*fleetv1.Questions).GetRemote,
			"It was controlled through approved tools for 90 % of its active time over 5 active days (13–17 Mar 2026), which is not counted. Nothing else observed says that anybody drives this laptop from elsewhere.",
		},
		{
			"never at the keyboard, but at the office", officeWorkerWithoutHands(), (*fleetv1.Questions).GetRemote,
			"More speaks against remote control than for it: on 8 of 20 active days (26 Feb – 17 Mar 2026) it was on the network of a company office or behind its address; it moved 12 times between 4 networks within 20 days.",
		},
		{
			"at home", officeWorker(), (*fleetv1.Questions).GetAbroad,
			"More speaks for its being where it is supposed to be than against it: on 19 of 20 days with a known address (26 Feb – 17 Mar 2026) that address was at the declared place and of no VPN, proxy or hosting provider.",
		},
		{
			"nothing to say", officeWorker(), (*fleetv1.Questions).GetFarm,
			"Nothing observed says that the laptop is kept with others as hosted equipment.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.question(assess(t, tt.device, nil).GetAssessment().GetQuestions()).GetSentence()
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// sharedAccount is controlled by an account that controls another person's laptop
// too, and nothing tells from where.
func sharedAccount() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Place = &fleetv1.PlaceHistory{}
		d.Operator = &fleetv1.Operator{Days: 4, AccountPeople: 2}
	})
}

func officeWorkerWithoutHands() *fleetv1.Device {
	d := officeWorker()
	d.Known.Hands = false
	return d
}

func TestUnknownIsSaidInWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		device *fleetv1.Device
		want   []string
	}{
		{"every sense", officeWorker(), nil},
		{"no hands", namedConsoleNoHands(), []string{"What input comes from: it is not counted by its origin on this laptop."}},
		{"a virtual machine", virtualDesktop(), []string{"Not weighed: this is a virtual machine, of which hardware, stillness, idle keyboards, a broker's sessions and a hosting provider's address say nothing."}},
		{"declared abroad", offshoreContractor(), []string{"Not weighed: the roster declares IN, outside the company's home countries, so where traffic leaves, how far the laptop is and where a controller is say nothing."}},
		{"assistive technology", assistive(), []string{"Assistive technology ran for 97 % of the active time over 5 active days (13–17 Mar 2026); input that it makes looks injected and is weighed as that."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, assess(t, tt.device, nil).GetAssessment().GetUnknown()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatWouldChangeTheVerdictIsComputed(t *testing.T) {
	t.Parallel()
	a := assess(t, disguisedConsole(), nil).GetAssessment()
	want := []string{
		"No single observation carries the verdict: without any one of them it stays likely.",
		"For near_certain it would take at least 8 dB from where traffic leaves, how far it is, where the controller is, or who shares its place.",
	}
	if diff := cmp.Diff(want, a.GetWouldChange()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// And it is true: unplugged, it stays likely, for what came through it.
	without := disguisedConsole()
	without.Kvm.Attached = false
	if v := assess(t, without, nil).GetAssessment().GetVerdict(); v != "likely" {
		t.Errorf("without the console the verdict is %s", v)
	}
}

func TestSettingThePriorMovesTheVerdict(t *testing.T) {
	t.Parallel()
	j, err := New(rules(t), Options{PriorHosted: -50}).Assess(laptopAtARelatives(), nil, personaNow)
	if err != nil {
		t.Fatal(err)
	}
	if v := j.GetAssessment().GetVerdict(); v != "watch" {
		t.Errorf("with a prior of -50 dB the verdict is %s, want watch", v)
	}
}

func TestNoDeviceIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := New(rules(t), Options{}).Assess(nil, nil, personaNow); err == nil {
		t.Error("no device was judged")
	}
}
