package hands

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/ioreg"
)

// recentInput is one input device of macOS, and how long ago something came from it.
type recentInput struct {
	id     string
	origin origin
	since  time.Duration
}

// never is how long ago something came from a device that was not used yet.
const never = time.Duration(math.MaxInt64)

// parseInputs reads out of what ioreg prints of HID devices which of them somebody can
// type or point with, and how long ago each was used. It is complete if that is known of
// all of them. console says whether the USB device at a location is a remote console.
func parseInputs(objects []ioreg.Object, console func(location uint64) bool) (inputs []recentInput, complete bool) {
	complete = true
	seen := map[string]bool{}
	for len(objects) > 0 {
		root := objects[0]
		end := slices.IndexFunc(objects[1:], func(o ioreg.Object) bool { return o.Depth <= root.Depth }) + 1
		if end == 0 {
			end = len(objects)
		}
		parts := objects[:end]
		objects = objects[end:]
		if !isInput(root) || seen[root.ID] || len(inputs) == mostSources {
			continue
		}
		seen[root.ID] = true
		since, known := lastUse(parts)
		complete = complete && known
		inputs = append(inputs, recentInput{id: root.ID, origin: originOf(root, console), since: since})
	}
	return inputs, complete && len(inputs) > 0
}

// isInput reports whether somebody can type or point with a device, by the usages that
// its descriptor gives it: keyboards, pointers, mice, pens and touch pads. Buttons of
// headsets and lids are none.
func isInput(o ioreg.Object) bool {
	const desktop, digitizer = 1, 13
	for pair := range strings.SplitSeq(o.Properties["DeviceUsagePairs"], "}") {
		page, _ := strconv.Atoi(ioreg.Field(pair+"}", "DeviceUsagePage"))
		usage, _ := strconv.Atoi(ioreg.Field(pair+"}", "DeviceUsage"))
		switch {
		case page == desktop && (usage == 1 || usage == 2 || usage == 6 || usage == 7), page == digitizer && (usage >= 1 && usage <= 5):
			return true
		}
	}
	return false
}

// lastUse is how long ago a report came from a device, as the kernel's own drivers note it:
// that of the device where it is one of the newer kind, and that of the events made of
// its reports else. A driver that notes it and has had none says nothing.
func lastUse(parts []ioreg.Object) (since time.Duration, known bool) {
	since = never
	for _, o := range parts {
		state, noted := o.Properties["DebugState"]
		if !noted {
			continue
		}
		known = known || strings.Contains(o.Class, "EventDriver") || strings.HasPrefix(o.Class, "AppleUser")
		for _, key := range [...]string{"InputReportTime", "LastReportTime"} {
			if n, err := strconv.ParseInt(ioreg.Field(state, key), 10, 64); err == nil && n >= 0 {
				since, known = min(since, time.Duration(n)), true
			}
		}
	}
	return since, known
}

// originOf says where the input of a device comes from. What software made is nobody's
// known: remappers pass on what a person types, and so do bridges of other laptops.
func originOf(o ioreg.Object, console func(location uint64) bool) origin {
	transport, product := strings.ToLower(o.Text("Transport")), strings.ToLower(o.Text("Product"))
	bluetooth := strings.HasPrefix(transport, "bluetooth")
	builtin := o.Yes("Built-In")
	switch {
	case strings.Contains(transport, "virtual") || strings.Contains(product, "virtual"), strings.Contains(o.Class, "IOHIDUserDevice") && !bluetooth:
		return unplaced
	case builtin != nil && *builtin, transport == "spi", transport == "fifo", transport == "i2c", strings.HasPrefix(product, "apple internal"):
		return builtIn
	case transport == "usb" && console(o.Number("LocationID")):
		return kvmLike
	}
	return attached
}

// placer turns how long ago each device was used, asked now and then, into input of
// sources by their origin.
type placer struct {
	ledger *ledger
	known  map[string]*placedSource
}

type placedSource struct {
	source *source
	last   int64
}

// took is by how much, in milliseconds, answers to two questions about one moment differ.
const took = 2_000

// told notes which devices were used since they were asked about before, and reports
// whether that explains all input, the last of which was idle ago.
func (p *placer) told(inputs []recentInput, idle time.Duration) bool {
	now := p.ledger.clock()
	explained := false
	for _, d := range inputs {
		at := now - d.since.Milliseconds()
		k := p.known[d.id]
		if k == nil {
			k = &placedSource{source: p.ledger.open(d.id, d.origin), last: at}
			p.known[d.id] = k
		}
		explained = explained || d.since <= idle+took*time.Millisecond
		const sooner = 500
		if at <= k.last+sooner {
			continue
		}
		from := at
		if at-k.last <= lingers*1000 {
			from = k.last // used all the time, for all that is known
		}
		p.ledger.fill(k.source, from, at)
		k.last = at
	}
	p.forget(inputs)
	return explained
}

// forget lets go of devices that are gone.
func (p *placer) forget(inputs []recentInput) {
	for id, k := range p.known {
		if !slices.ContainsFunc(inputs, func(d recentInput) bool { return d.id == id }) {
			p.ledger.close(k.source)
			delete(p.known, id)
		}
	}
}
