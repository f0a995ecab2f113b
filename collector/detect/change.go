package detect

import (
	"strconv"
	"strings"
)

// nearlyWatch is the probability below which what is missing for a verdict is too
// much to be worth a word.
const nearlyWatch = 0.01

// carriers bounds how many observations are named as carrying the verdict.
const carriers = 3

// wouldChange says what the verdict hangs on and what the next one lacks, by
// weighing the ledger again without each of its lines.
func (c *judging) wouldChange() []string {
	var all []string
	o := c.outcomes[c.kind]
	if c.dev.GetPerson().GetExempt() {
		all = append(all, c.exemption(o)...)
	}
	if o.rank > rankClear {
		all = append(all, c.hangsOn(o)...)
	}
	if o.risk >= nearlyWatch && len(o.missing) > 0 {
		next := verdicts[o.rank+1].name
		all = append(all, "For "+next+" it would take "+strings.Join(o.missing, "; ")+".")
	}
	return all
}

// hangsOn names the observations without which the verdict would be milder.
func (c *judging) hangsOn(o outcome) []string {
	var all []string
	for _, i := range c.order {
		if len(all) == carriers {
			break
		}
		if c.lines[i].weight <= 0 || c.lines[i].signal.family[c.kind] < 0 {
			continue
		}
		if less := c.rankWithout(i, o.rank); less < o.rank {
			all = append(all, "Without "+strconv.Quote(c.lines[i].signal.title)+" it would be "+verdicts[less].name+".")
		}
	}
	if len(all) == 0 {
		all = append(all, "No single observation carries the verdict: without any one of them it stays "+verdicts[o.rank].name+".")
	}
	return all
}

// rankWithout is the rank of the verdict without a line, where that is below a rank:
// then the other hypothesis may be the worse one.
func (c *judging) rankWithout(i, below int) int {
	rank := rankClear
	if c.less.counted == nil {
		c.less.order, c.less.counted = make([]int, 0, len(c.lines)), make([]float64, len(c.lines))
	}
	order, counted := c.less.order, c.less.counted
	for _, h := range [...]hypothesis{c.kind, hosted + displaced - c.kind} {
		order = leaveOut(order[:0], c.strength[h], i)
		clear(counted)
		s := fuse(c.lines, order, h, counted)
		if rank = max(rank, rankAt(h, &s, c.detector.priors[h]+s.total, c.held(h), c.limit())); rank >= below {
			break
		}
	}
	return rank
}

// exemption says that the verdict is held back, and from what.
func (c *judging) exemption(o outcome) []string {
	free := c.weigh(c.kind, &c.sums[c.kind], rankNearCertain)
	words := "The person is exempt"
	if until := c.dev.GetPerson().GetExemptUntil(); until.IsValid() {
		words += " until " + until.AsTime().Format("2 Jan 2006 15:04 UTC")
	}
	if reason := c.dev.GetPerson().GetExemptReason(); reason != "" {
		words += " (" + said(reason) + ")"
	} else {
		words += " (the roster gives no reason)"
	}
	words += ", so that the verdict is at most watch"
	if free.rank > o.rank {
		words += "; without the exemption it would be " + verdicts[free.rank].name
	}
	return []string{words + "."}
}
