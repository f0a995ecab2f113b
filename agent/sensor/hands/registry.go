package hands

import (
	"context"
	"slices"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/ioreg"
	"github.com/farmhound-security/farmhound/agent/systemtool"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// What macOS does not tell a program that may not listen to keys.
const (
	detailPlaced = "which devices were used is seen, not how; input that programs make is not seen"
	detailOrigin = "when somebody was active is seen, not from which device; programs are not seen"
	detailNone   = "input cannot be asked for"
)

// hidRegistry asks macOS's registry when somebody last did something, and if so by which
// devices: to ask for all devices costs more.
type hidRegistry struct {
	ask     func(context.Context, systemtool.Tool) ([]byte, error)
	catalog func() *catalog.Catalog
	ledger  *ledger
	idler   idler
	placer  placer

	started, whole bool  // whether devices were asked for, and whether all of them tell
	last           int64 // when the last input came
	rests          int64 // until when devices are not asked for: to no purpose, it costs as much
	consoles       map[uint64]bool
}

func newRegistry(l *ledger, c func() *catalog.Catalog, ask func(context.Context, systemtool.Tool) ([]byte, error)) hidRegistry {
	return hidRegistry{
		ask: ask, catalog: c, ledger: l, idler: idler{ledger: l}, placer: placer{ledger: l, known: map[string]*placedSource{}}, last: -1,
	}
}

// look asks once. Input that no device of those that tell explains is somebody's, and
// nobody can say whose.
func (r *hidRegistry) look(ctx context.Context) state {
	text, err := r.ask(ctx, systemtool.Idle)
	idle, ok := parseIdle(string(text))
	if err != nil || !ok {
		return state{details: []string{detailNone}}
	}
	at := r.ledger.clock() - idle.Milliseconds()
	const sooner = 500 // milliseconds by which two answers about one moment differ
	if !r.started || at > r.last+sooner {
		r.last = at
		r.place(ctx, idle)
	}
	if !r.whole {
		return state{input: activity, details: []string{detailOrigin}}
	}
	return state{input: placed, details: []string{detailPlaced}}
}

// place asks which devices were used.
func (r *hidRegistry) place(ctx context.Context, idle time.Duration) {
	r.started = true
	if r.ledger.clock() < r.rests {
		r.idler.told(idle)
		return
	}
	text, err := r.ask(ctx, systemtool.Inputs)
	if err != nil {
		r.whole, r.rests = false, r.ledger.clock()+registryRests
		r.idler.told(idle)
		return
	}
	objects := ioreg.Parse(string(text), inputProperties...)
	if slices.ContainsFunc(objects, func(o ioreg.Object) bool { return isInput(o) && r.placer.known[o.ID] == nil }) {
		r.findConsoles(ctx)
	}
	inputs, complete := parseInputs(objects, func(location uint64) bool { return r.consoles[location] })
	explained, whole := r.placer.told(inputs, idle)
	r.whole = complete && whole
	if !r.whole {
		r.rests = r.ledger.clock() + registryRests
	}
	if !r.whole || !explained {
		r.idler.told(idle)
	}
}

// registryRests, in milliseconds, is for how long devices are not asked for again after
// an answer that tells nothing.
const registryRests = 5 * 60_000

// findConsoles asks which USB devices are remote consoles. One that cannot be asked for
// is none.
func (r *hidRegistry) findConsoles(ctx context.Context) {
	text, err := r.ask(ctx, systemtool.USBDevices)
	if err != nil {
		return
	}
	known := r.catalog()
	r.consoles = map[uint64]bool{}
	for location, d := range hardware.USBByLocation(known, ioreg.Parse(string(text))) {
		recognised, ok := known.RecogniseUSB(d)
		r.consoles[location] = ok && recognised.RemoteConsole()
	}
}
