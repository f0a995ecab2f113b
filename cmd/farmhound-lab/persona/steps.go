package persona

import (
	"iter"
	"net/netip"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Step is everything that arrives at the collector at one moment.
type Step struct {
	// At is the collector's clock.
	At time.Time
	// Deliveries are in the order of their laptops, of one laptop oldest first.
	Deliveries []Delivery
}

// Delivery is one laptop's reports of one run of its agent.
type Delivery struct {
	Laptop *Laptop
	// Peer is the address that the collector sees.
	Peer netip.AddrPort
	// RTTMillis is the connection's smallest round trip; zero where unknown.
	RTTMillis float64
	// Ways are the ways out that the collector's responder sees at that moment.
	Ways []Way
	// Reports are oldest first.
	Reports []*farmhoundv1.Report
}

// Steps lives the world: it yields the arrivals of each hour, oldest first, hours
// without arrivals too. Every call lives the same life again.
func (w *World) Steps() iter.Seq[Step] {
	return func(yield func(Step) bool) {
		agents := make([]*agent, len(w.laptops))
		for i, l := range w.laptops {
			agents[i] = newAgent(w, l)
		}
		acquaint(agents)
		for at := w.start.Add(time.Hour); !at.After(w.end); at = at.Add(time.Hour) {
			step := Step{At: at}
			for _, a := range agents {
				step.Deliveries = append(step.Deliveries, a.deliver(at.Unix())...)
			}
			if !yield(step) {
				return
			}
		}
	}
}

func (a *agent) deliver(at int64) []Delivery {
	var out []Delivery
	for _, reports := range a.look(at) {
		stay := a.life.stayAt(at)
		port := uint16(a.d.whole(49152, 65535))
		out = append(out, Delivery{
			Laptop: a.laptop, Peer: netip.AddrPortFrom(stay.peer(at), port), RTTMillis: a.rtt(stay), Ways: a.ways(stay, at), Reports: reports,
		})
	}
	return a.noise.pass(at, out)
}
