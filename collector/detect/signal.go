package detect

import (
	"time"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// document is a signal as its file says it.
type document struct {
	ID    strictyaml.Text `yaml:"id"`
	Title string          `yaml:"title"`
	// Question is remote, abroad, farm or trust.
	Question strictyaml.Text `yaml:"question"`
	// Family is the cause that the signal is evidence of.
	Family strictyaml.Text `yaml:"family"`
	// Displaced is the family in which it counts for "displaced", where that is another one.
	Displaced strictyaml.Text `yaml:"displaced"`
	// OnlyWith is a family without which the signal does not count for "hosted":
	// hours and zones say nothing of a controller that is not there.
	OnlyWith strictyaml.Text `yaml:"only_with"`
	// Needs are the senses without which nothing is said: fields of the device's Known.
	Needs []strictyaml.Text `yaml:"needs"`
	// Except are circumstances that explain it away: virtual_chassis, declared_offshore.
	Except []strictyaml.Text `yaml:"except"`
	// Beside makes the signal count in full beside the rest of its family, where
	// that weighs at least so many decibans, and not at all elsewhere.
	Beside float64 `yaml:"beside"`
	// Circumstantial says that it does not by itself answer its question, however
	// heavy it is: the answer tells it and claims no more.
	Circumstantial bool `yaml:"circumstantial"`
	// Tiers exclude each other; the first that holds counts, so the heaviest comes first.
	Tiers []tierDocument `yaml:"tiers"`
	// HalfLife is how long it takes until half of the weight is gone once no tier holds.
	HalfLife time.Duration `yaml:"half_life"`
	// Withdrawn is when an earlier observation is taken back at once rather than
	// fading: it turned out to have a reason.
	Withdrawn strictyaml.Text `yaml:"withdrawn"`
	Benign    []string        `yaml:"benign"`
	Attack    []string        `yaml:"attack"`
	Sources   []string        `yaml:"sources"`
	Tests     []testDocument  `yaml:"tests"`
	// Enabled is false for a signal that is not evaluated.
	Enabled *bool `yaml:"enabled"`
	// Shadow is true for a signal on trial: evaluated and shown, and it weighs nothing.
	Shadow *bool `yaml:"shadow"`
	// Note says why a signal is switched off, on trial or changed.
	Note string `yaml:"note"`
}

type tierDocument struct {
	When    strictyaml.Text `yaml:"when"`
	DB      strictyaml.Text `yaml:"db"`
	Because strictyaml.Text `yaml:"because"`
	// Was is what the tier weighed where somebody changed it: tiers are changed by their
	// position, and a later version of the shipped signal may have others there.
	Was strictyaml.Text `yaml:"was"`
}

type testDocument struct {
	// Picture is the device in the JSON form of its message, with the schema's field names.
	Picture strictyaml.Tree `yaml:"picture"`
	// Now is when it is judged, RFC 3339; noon of 17 March 2026 where it is left out.
	Now strictyaml.Text `yaml:"now"`
	// Tier is the number of the tier that holds, counted from 0, or none.
	Tier strictyaml.Text `yaml:"tier"`
	// Says is what the tier's sentence must be, where given.
	Says string `yaml:"says"`
	// Withdrawn says that an earlier observation must be taken back.
	Withdrawn bool `yaml:"withdrawn"`
}

// signal is a signal ready to be evaluated.
type signal struct {
	id, title string
	question  string
	// family is where it counts in each hypothesis, -1 where it does not.
	family   [hypotheses]int
	home     int // the family it is shown under
	onlyWith int // the family without which it does not count for hosted, -1 for none
	needs    senses
	except   circumstances
	beside   float64
	// circumstantial evidence is told by answers and does not lead them.
	circumstantial bool
	tiers          []tier
	halfLife       time.Duration
	withdrawn      *program // nil without
	benign         []string
	attack         []string
	tests          []test
	at             strictyaml.Text // its id, for problems
	enabled        bool
	shadow         bool
	// trial is where a signal on trial would count; family has it nowhere.
	trial [hypotheses]int
	doc   document // as its files say it together
	file  string   // the last of them
	// replaces is the signal that was there before it, nil for none. An overlay changes
	// some keys of that, the others stand in its place.
	replaces *signal
	overlay  bool
	changed  []string
}

type tier struct {
	when    *program
	db      float64
	because *program
}

type test struct {
	picture   *fleetv1.Device
	now       time.Time
	tier      int // -1 for none
	says      string
	withdrawn bool
	at        strictyaml.Text
}

// heaviest is the most that the signal can weigh, without its sign.
func (s *signal) heaviest() float64 {
	var most float64
	for _, t := range s.tiers {
		most = max(most, abs(t.db))
	}
	return most
}

// senses is a set of the device's Known flags, in the order of senseTable.
type senses uint16

// circumstances is a set of reasons for which some signals do not apply.
type circumstances uint8

const (
	virtualChassis circumstances = 1 << iota
	declaredOffshore
)

var circumstanceNames = map[string]circumstances{
	"virtual_chassis":   virtualChassis,
	"declared_offshore": declaredOffshore,
}

func circumstancesOf(dev *fleetv1.Device) circumstances {
	var c circumstances
	if dev.GetVirtualChassis() {
		c |= virtualChassis
	}
	if dev.GetPerson().GetOffshore() {
		c |= declaredOffshore
	}
	return c
}

// sense is one Known flag.
type sense struct {
	name    string
	known   func(*fleetv1.Known) bool
	missing string // what its absence hides
}

// senseTable holds every Known flag; a set of senses counts its bits by it.
var senseTable = []sense{
	{"control", (*fleetv1.Known).GetControl, "Whether somebody controls this laptop through remote-control software: sessions are not observed on it."},
	{"hands", (*fleetv1.Known).GetHands, "What input comes from: it is not counted by its origin on this laptop."},
	{"hardware", (*fleetv1.Known).GetHardware, "What the laptop is plugged into: peripherals are not listed."},
	{"network", (*fleetv1.Known).GetNetwork, "Who else is on its network: local network facts are not reported."},
	{"media", (*fleetv1.Known).GetMedia, "Whether camera and microphone are ever used: their use is not known."},
	{"geo", (*fleetv1.Known).GetGeo, "In which country its traffic leaves: address data is not loaded or does not know its address."},
	{"roster", (*fleetv1.Known).GetRoster, "Where the laptop should be: the roster does not have its serial."},
	{"distance", (*fleetv1.Known).GetDistance, "How far away it is: no round trips to the collector are known that do not go by way of the company's network."},
}

func sensesOf(known *fleetv1.Known) senses {
	var s senses
	for i, sense := range senseTable {
		if sense.known(known) {
			s |= 1 << i
		}
	}
	return s
}

func abs(x float64) float64 { return max(x, -x) }
