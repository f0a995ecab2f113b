package ordeal

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// ordealKills makes TestKill as long as its value says: that many kills of the
// collector under fifty agents. See the README.
const ordealKills = "FARMHOUND_ORDEAL_KILLS"

// scale is how much of an ordeal there is.
type scale struct {
	agents, kills int
	pace          time.Duration
}

func chosen(t *testing.T) scale {
	t.Helper()
	value := os.Getenv(ordealKills)
	if value == "" {
		return scale{agents: 16, kills: 25, pace: 100 * time.Millisecond}
	}
	kills, err := strconv.Atoi(value)
	if err != nil || kills < 1 {
		t.Fatalf("%s is %q, want a number of kills", ordealKills, value)
	}
	return scale{agents: 50, kills: kills, pace: 200 * time.Millisecond}
}

// TestKill kills the collector, and the agents, at random moments while they
// report. Whatever an agent was told is stored is in the store once, whatever it
// was not told is in its spool, and nobody is accused of being two laptops.
func TestKill(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	c := newCollector(t, t.TempDir())
	agents := newAgents(t, c, size.agents)
	for _, a := range agents {
		must(t, a.start(size.pace))
	}
	agentKills := 0
	began, working := time.Now(), 0
	for range size.kills {
		before := acknowledged(agents)
		killed := make(chan int)
		over := make(chan struct{})
		go func() { killed <- killSome(t, agents, size.pace, over) }()
		c.start()
		lastsAWhile(t, agents, before)
		c.kill()
		close(over)
		agentKills += <-killed
		if acknowledged(agents) > before {
			working++
		}
	}
	for _, a := range agents {
		a.kill()
	}
	f := audit(t, c, agents)
	t.Logf("%d kills of the collector, %d of them while it took reports, and %d of %d agents, in %v: %d reports made, %d acknowledgements, %d stored, %d still in spools",
		size.kills, working, agentKills, size.agents, time.Since(began).Round(time.Second), f.tried, f.acknowledgements, f.stored, f.spooled)
	if working < size.kills/2 || agentKills < size.kills/2 || f.stored < 10*size.kills {
		t.Error("that is too little to show anything")
	}
	drain(t, c, agents)
}

// drain lets everything that waits arrive: then all of it is acknowledged, and the
// audit shows it in the store. What was acknowledged last may still be in a spool.
func drain(t *testing.T, c *collector, agents []*agent) {
	t.Helper()
	c.serve()
	for _, a := range agents {
		must(t, a.start(0))
	}
	for _, a := range agents {
		eventually(t, a.name+" has delivered what waited", func() bool { return !a.ledger.outstanding() })
		a.kill()
	}
	c.kill()
	if f := audit(t, c, agents); f.stored < f.kept {
		t.Errorf("%d reports were spooled and %d are stored", f.kept, f.stored)
	}
}

// lastsAWhile returns at a random moment: while the collector starts, or after some
// acknowledgements.
func lastsAWhile(t *testing.T, agents []*agent, before int) {
	t.Helper()
	if rand.IntN(8) == 0 {
		time.Sleep(rand.N(300 * time.Millisecond)) // a moment by the clock is what is wanted
		return
	}
	wanted := before + 1 + rand.IntN(4*len(agents))
	eventually(t, "acknowledgements", func() bool { return acknowledged(agents) >= wanted })
	time.Sleep(rand.N(20 * time.Millisecond)) // not always where the look above happens
}

// killSome kills random agents at random moments and starts each again, until over.
func killSome(t *testing.T, agents []*agent, pace time.Duration, over <-chan struct{}) (kills int) {
	for {
		select {
		case <-over:
			return kills
		case <-time.After(rand.N(200 * time.Millisecond)):
		}
		a := agents[rand.IntN(len(agents))]
		a.kill()
		if err := a.start(pace); err != nil {
			t.Error(err)
			return kills
		}
		kills++
	}
}

func acknowledged(agents []*agent) (n int) {
	for _, a := range agents {
		n += a.ledger.acknowledged()
	}
	return n
}
