package detect

import (
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// lead is how an answer begins from a sum on.
type lead struct {
	from  float64
	words string
}

// leads are the answers to each question, strongest first. They say what the
// observations that follow them add up to, and nothing about anybody's origin.
var leads = map[string][]lead{
	remote: {
		{18, "Remotely driven"},
		{8, "Probably remotely driven"},
		{0.1, "Little speaks for remote control"},
		{0, "What speaks for remote control and against it is in balance"},
		{-1000, "Used by somebody who is in front of it or close by"},
	},
	abroad: {
		{12, "Not where it is supposed to be, or its controller is not"},
		{5, "Possibly not where it is supposed to be"},
		{0.1, "Little speaks for its being elsewhere"},
		{0, "What speaks for its being elsewhere and against it is in balance"},
		{-1000, "Where it is supposed to be"},
	},
	farm: {
		{10, "Kept with others like hosted equipment"},
		{5, "Some signs of hosted equipment"},
		{0, "Little speaks for hosted equipment"},
	},
}

// silent are the answers when nothing speaks to a question, and blind those when
// no sense that could was there.
var (
	silent = map[string]string{
		remote: "Nothing observed says that anybody drives this laptop from elsewhere.",
		abroad: "Nothing observed says that the laptop or a controller is elsewhere than supposed.",
		farm:   "Nothing observed says that the laptop is kept with others as hosted equipment.",
	}
	blind = map[string]string{
		remote: "Whether anybody drives this laptop from elsewhere cannot be told: neither sessions nor input nor peripherals are observed.",
		abroad: "Whether the laptop is elsewhere than supposed cannot be told: neither its address nor its distance nor its declared place is known.",
		farm:   "Whether the laptop is kept with others cannot be told: its network and its peripherals are not observed.",
	}
)

// spoken bounds the observations that one answer names.
const spoken = 3

// question answers one question from the evidence that speaks to it.
func (c *judging) question(name string) *fleetv1.Question {
	q := &fleetv1.Question{}
	var pro, contra []string
	for _, i := range c.order {
		if c.lines[i].signal.question != name {
			continue
		}
		db := c.shown[i]
		q.Db += db
		switch {
		case db > 0 && len(pro) < spoken:
			pro = append(pro, c.lines[i].clause())
		case db < 0 && len(contra) < spoken:
			contra = append(contra, c.lines[i].clause())
		}
	}
	q.Db = round1(q.GetDb())
	c.shorten(pro, contra)
	switch {
	case len(pro)+len(contra) > 0:
		q.Sentence = answer(c.lead(name, q.GetDb()), q.GetDb() < 0, pro, contra)
	case c.blindTo(name):
		q.Sentence = blind[name]
	default:
		q.Sentence = silent[name]
	}
	return q
}

// shorten says only once over which days observations were made.
func (c *judging) shorten(clauses ...[]string) {
	for _, a := range []*fleetv1.Activity{c.dev.GetDay5(), c.dev.GetDay1(), c.dev.GetDay20()} {
		over := " " + period(a)
		said := false
		for _, list := range clauses {
			for i, clause := range list {
				short, same := strings.CutSuffix(clause, over)
				if same && said {
					list[i] = strings.TrimSuffix(short, ",")
				}
				said = said || same
			}
		}
	}
}

func (c *judging) lead(question string, db float64) string {
	// A remote console that is plugged in is not yet one that is used.
	if question == remote && db >= 8 && c.sums[hosted].family[famControl] < 8 {
		return "It could be driven from elsewhere"
	}
	for _, l := range leads[question] {
		if db >= l.from {
			return l.words
		}
	}
	return ""
}

func answer(lead string, against bool, pro, contra []string) string {
	first, second, turn := pro, contra, ". Against it: "
	if against {
		first, second, turn = contra, pro, ". All the same: "
	}
	var b strings.Builder
	b.WriteString(lead)
	if len(first) == 0 {
		first, second = second, nil
	}
	b.WriteString(": ")
	b.WriteString(strings.Join(first, "; "))
	if len(second) > 0 {
		b.WriteString(turn)
		b.WriteString(strings.Join(second, "; "))
	}
	b.WriteString(".")
	return b.String()
}

func (c *judging) blindTo(question string) bool {
	k := c.dev.GetKnown()
	switch question {
	case remote:
		return !k.GetControl() && !k.GetHands() && !k.GetHardware()
	case abroad:
		return !k.GetGeo() && !k.GetDistance()
	}
	return !k.GetNetwork() && !k.GetHardware()
}

// unknown says what this device cannot tell and what was left out on purpose.
func (c *judging) unknown() []string {
	var all []string
	known := c.dev.GetKnown()
	for _, s := range senseTable {
		if !s.known(known) {
			all = append(all, s.missing)
		}
	}
	around := circumstancesOf(c.dev)
	if around&virtualChassis != 0 {
		all = append(all, "Not weighed: this is a virtual machine, of which hardware, stillness, idle keyboards, a broker's sessions and a hosting provider's address say nothing.")
	}
	if around&declaredOffshore != 0 {
		all = append(all, "Not weighed: the roster declares "+plain(c.dev.GetPerson().GetCountry())+", outside the company's home countries, so where traffic leaves, how far the laptop is and where a controller is say nothing.")
	}
	if share := c.dev.GetDay5().GetAssistiveShare(); share > 0 {
		all = append(all, "Assistive technology ran for "+percent(share)+" of the active time; input that it makes looks injected and is weighed as that.")
	}
	return append(all, c.failed...)
}
