package persona

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Noise is what goes wrong between laptops and the collector. It is drawn apart from
// everything else: who lives in a world, and how, stays the same.
type Noise struct {
	Lost     float64 `help:"Share of reports whose windows are lost, as a full spool drops them." placeholder:"SHARE"`
	Late     float64 `help:"Share of deliveries that are held up for hours and arrive with later ones." placeholder:"SHARE"`
	Restarts float64 `help:"How often a day agents start anew while the laptop is awake." placeholder:"TIMES"`
}

func (n Noise) check() error {
	for name, share := range map[string]float64{"lost": n.Lost, "late": n.Late} {
		if share < 0 || share > 0.9 {
			return fmt.Errorf("the share that is %s is from 0 to 0.9, not %g", name, share)
		}
	}
	if n.Restarts < 0 || n.Restarts > 24 {
		return fmt.Errorf("agents start anew from 0 to 24 times a day, not %g", n.Restarts)
	}
	return nil
}

// Flags are the words of a command line that say the same.
func (n Noise) Flags() []string {
	var words []string
	for _, one := range []struct {
		flag  string
		value float64
	}{{"--lost", n.Lost}, {"--late", n.Late}, {"--restarts", n.Restarts}} {
		if one.value > 0 {
			words = append(words, one.flag, strconv.FormatFloat(one.value, 'g', -1, 64))
		}
	}
	return words
}

// noiseOf is what goes wrong with one laptop. In some castings a share of them has
// trouble of its own, unless the world has some for all.
func (w *World) noiseOf(l *Laptop) Noise {
	if w.casting.troubled == 0 || w.opts.Noise != (Noise{}) {
		return w.opts.Noise
	}
	d := stream(w.opts.Seed, "trouble", l.Serial)
	if !d.chance(w.casting.troubled) {
		return Noise{}
	}
	return Noise{Late: d.between(0, 0.1), Restarts: d.between(0, 1)}
}

// noisy holds up and loses what one laptop delivers.
type noisy struct {
	Noise
	d     draw
	held  []Delivery
	until int64 // nothing arrives before
}

// pass is what arrives of what is sent at a moment. What was held up comes with the
// first delivery after it, from where the laptop is then.
func (n *noisy) pass(at int64, sent []Delivery) []Delivery {
	if n.Noise == (Noise{}) || len(sent) == 0 {
		return sent
	}
	sent = n.lose(sent)
	if at < n.until {
		n.held = append(n.held, sent...)
		return nil
	}
	for i := range n.held {
		last := &sent[len(sent)-1]
		n.held[i].Peer, n.held[i].RTTMillis = last.Peer, last.RTTMillis
	}
	sent, n.held = append(n.held, sent...), nil
	if n.d.chance(n.Late) {
		n.until = at + int64(n.d.between(1, 12)*3600)
		n.held = sent
		return nil
	}
	return sent
}

// lose takes the windows out of some reports. One that held nothing else goes on empty,
// so that its place in the sequence is taken.
func (n *noisy) lose(sent []Delivery) []Delivery {
	for i := range sent {
		for at, r := range sent[i].Reports {
			if len(r.GetWindows()) > 0 && n.d.chance(n.Lost) {
				left := proto.CloneOf(r)
				left.Windows = nil
				sent[i].Reports[at] = left
			}
		}
	}
	return sent
}

// restart ends the agent's run at a moment, awake, and begins another. It returns what
// the run that ended had still to tell.
func (a *agent) restart(now int64) *farmhoundv1.Report {
	a.cut(now)
	if now > a.began {
		a.ended = append(a.ended, a.window(a.began, now))
	}
	a.sequence++
	last := &farmhoundv1.Report{
		BootId: a.boot, Sequence: a.sequence, ObservedAt: stamp(now), Windows: a.ended, RemoteSessions: a.sessions(now),
	}
	a.ended = nil
	a.start(now, a.booted)
	return last
}
