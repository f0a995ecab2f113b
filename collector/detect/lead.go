package detect

// A lead is how an answer begins: what the observations that follow it come to. It
// claims no more than they say, and nothing about anybody's origin.

// From these sums on there are some signs, signs, and strong ones. They are signs and no
// probability: that is the verdict's, which knows how rare it is that they mean something.
const (
	some   = 5
	plenty = 12
	strong = 24
)

func (c *judging) lead(question string, db float64) string {
	switch question {
	case remote:
		return c.remoteLead(db)
	case abroad:
		return c.abroadLead(db)
	}
	return c.farmLead(db)
}

func (c *judging) remoteLead(db float64) string {
	driven := c.leading("control")
	switch {
	case db >= 18 && driven >= 14:
		return "Strong signs of remote control"
	case db >= 8 && driven >= 8:
		return "Signs of remote control"
	case db >= 8 && !c.seesUse():
		return "It can be driven from elsewhere, and nothing tells whether it is"
	case db >= 8:
		// A remote console that is plugged in is not yet one that is used.
		return "It can be driven from elsewhere; that it mostly is, was not observed"
	case db > 0:
		return "Little speaks for remote control"
	case db == 0:
		return "What speaks for remote control and against it is in balance"
	case c.leading("presence") < 0:
		return "More speaks for use on the spot than for remote control"
	case c.leading("near") < 0:
		return "More speaks for control from near than from far away"
	}
	return "More speaks against remote control than for it"
}

// seesUse says whether it would show if what can drive the laptop did: through a
// remote console it shows in where input comes from, through a tool in its sessions.
func (c *judging) seesUse() bool {
	if c.leading("kvm") > 0 {
		return c.dev.GetKnown().GetHands()
	}
	return c.dev.GetKnown().GetControl()
}

// abroadLead tells the laptop's place from its controller's: either may be known
// without the other.
func (c *judging) abroadLead(db float64) string {
	laptop := min(c.leading("egress", "distance", "history", "clock"), db)
	controller := min(c.leading("operator"), db)
	switch {
	case db < 0:
		return "More speaks for its being where it is supposed to be than against it"
	case db == 0:
		return "What speaks for its being elsewhere and against it is in balance"
	case db < some:
		return "Little speaks for its being elsewhere"
	case laptop >= some && controller >= some:
		return signs(max(laptop, controller)) + " that it is not where it is supposed to be, or its controller is not"
	case laptop >= some:
		return signs(laptop) + " that it is not where it is supposed to be"
	case controller >= some:
		return signs(controller) + " that it is controlled from elsewhere than supposed"
	}
	return "Where it and its controller are does not show; still"
}

func signs(db float64) string {
	switch {
	case db >= strong:
		return "Strong signs"
	case db >= plenty:
		return "Signs"
	}
	return "Some signs"
}

func (c *judging) farmLead(db float64) string {
	together := c.dev.GetSite().GetPeople() > 1
	switch {
	case db >= 10 && together:
		return "Signs of equipment that is hosted with others"
	case db >= 10:
		return "Signs of hosted equipment"
	case db >= some:
		return "Some signs of hosted equipment"
	}
	return "Little speaks for hosted equipment"
}

// leading is what the lines of families count that answer their question by
// themselves, as they did when the laptop last spoke, or was last used.
func (c *judging) leading(names ...string) float64 {
	sum := 0.0
	for i := range c.lines {
		s := c.lines[i].signal
		for _, name := range names {
			if !s.circumstantial && families[s.home].name == name {
				sum += c.shown[i] / c.left(s.aboutUse(c.lines[i].tier))
			}
		}
	}
	return sum
}
