package detect

import (
	"slices"
	"strings"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

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
	c.shorten(c.since(name), pro, contra)
	switch {
	case len(pro)+len(contra) > 0:
		q.Sentence = answer(c.lead(name, q.GetDb()/c.left(name == remote)), q.GetDb() < 0, pro, contra)
	case c.blindTo(name):
		q.Sentence = blind[name]
	default:
		q.Sentence = silent[name]
	}
	if approved := c.approved(); name == remote && approved != "" {
		rest := " Apart from that: " + lower(q.GetSentence())
		if q.GetSentence() == silent[remote] {
			rest = " Nothing else observed says that anybody drives this laptop from elsewhere."
		}
		q.Sentence = approved + ", which is not counted." + rest
	}
	if since := c.since(name); !since.IsZero() {
		q.Sentence = c.staleSince(since, q.GetSentence(), len(pro)+len(contra) > 0)
	}
	return q
}

// since is when what answers a question was as it says, zero for now.
func (c *judging) since(question string) time.Time {
	switch {
	case c.silence > 0:
		return c.seen
	case c.idle > 0 && question == remote:
		return c.used
	}
	return time.Time{}
}

// staleSince says of a laptop that is silent, or not used, what was known before, if
// that still counts for anything.
func (c *judging) staleSince(at time.Time, then string, counts bool) string {
	since := "Nothing came from this laptop since " + date(at)
	if c.silence == 0 {
		since = "This laptop was on and not in use since " + date(at)
	}
	if !counts {
		return since + ", and nothing known from then still counts."
	}
	return since + "; as it was then: " + lower(then)
}

// approved says how much of the use is left out because it was approved.
func (c *judging) approved() string {
	a := c.dev.GetDay5()
	if a.GetSanctionedShare() < toldShare {
		return ""
	}
	return "It was controlled through approved tools" + c.approvals() + " for " + percent(a.GetSanctionedShare()) + " " + ofTime(a) + " " + period(a)
}

// approvals names the approvals that cover tools here, and those who answer for them.
func (c *judging) approvals() string {
	var all []string
	for _, t := range c.dev.GetTools() {
		if by := t.GetApprovedBy(); by != "" && t.GetControls() && !slices.Contains(all, by) {
			all = append(all, by)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " (" + names(all) + ")"
}

// overApprovals says which approvals and exemptions ended: what they covered is weighed
// since, and whoever gave them may think that it is not.
func (c *judging) overApprovals() []string {
	var all []string
	if at := c.dev.GetPerson().GetExemptionEndedAt(); at != nil {
		all = append(all, "Exempt no more since "+date(at.AsTime())+": the exemption in the roster ended.")
	}
	for _, t := range c.dev.GetTools() {
		if t.GetApprovalEndedAt() == nil || !t.GetControls() {
			continue
		}
		of := ""
		if t.GetApprovalEnded() != "" {
			of = " (" + t.GetApprovalEnded() + ")"
		}
		all = append(all, "Weighed since "+date(t.GetApprovalEndedAt().AsTime())+": the approval of "+t.GetName()+of+" ended.")
	}
	return all
}

// unlikeApproved names tools that are approved, but not as they are here.
func (c *judging) unlikeApproved() []string {
	var all []string
	for _, t := range c.dev.GetTools() {
		if t.GetOtherInstallation() {
			all = append(all, t.GetName())
		}
	}
	return all
}

// toldShare is the share of control through approved tools that is worth a word.
const toldShare = 0.05

// shorten says only once over which days observations were made, and since when
// there were none.
func (c *judging) shorten(since time.Time, clauses ...[]string) {
	n := 0
	for _, list := range clauses {
		n += len(list)
		for i := range list {
			if !since.IsZero() {
				list[i] = strings.TrimSuffix(list[i], lastObserved(since))
			}
		}
	}
	if n < 2 {
		return
	}
	for n, a := range [...]*fleetv1.Activity{c.dev.GetDay5(), c.dev.GetDay3(), c.dev.GetDay1(), c.dev.GetDay20()} {
		if c.periods[n] == "" {
			c.periods[n] = " " + period(a)
		}
		over, said := c.periods[n], false
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
	if c.silence > 0 {
		all = append(all, "Whatever happened since "+date(c.seen)+": nothing came from this laptop, and what was known then fades.")
	}
	if c.silence == 0 && c.idle > 0 {
		all = append(all, "Who uses it now: it was on and not in use since "+date(c.used)+", and what was known of its use then fades.")
	}
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
	if approved := c.approved(); approved != "" {
		all = append(all, "Not weighed: "+lower(approved)+".")
	}
	all = append(all, c.overApprovals()...)
	if others := c.unlikeApproved(); len(others) > 0 {
		all = append(all, "Weighed although the company approves the tool: this is another installation or tenant of "+names(others)+".")
	}
	if share := c.dev.GetDay5().GetAssistiveShare(); share > 0 {
		all = append(all, "Assistive technology ran for "+percent(share)+" of the active time "+period(c.dev.GetDay5())+"; input that it makes looks injected and is weighed as that.")
	}
	return append(all, c.failed...)
}
