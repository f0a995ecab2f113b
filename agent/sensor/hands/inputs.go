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
	// reports are how many came from it so far, negative where that is not noted.
	reports int64
}

// inputProperties are what is read of each device.
var inputProperties = []string{
	"Transport", "Product", "VendorID", "LocationID", "Built-In", "HIDVirtualDevice", "DeviceUsagePairs", "DebugState",
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
		if !isInput(root) || seen[root.ID] {
			continue
		}
		if len(inputs) == mostSources {
			return inputs, false
		}
		seen[root.ID] = true
		d := recentInput{id: root.ID, origin: originOf(root, console)}
		var known bool
		d.since, d.reports, known = lastUse(parts)
		complete = complete && known
		inputs = append(inputs, d)
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
func lastUse(parts []ioreg.Object) (since time.Duration, reports int64, known bool) {
	since, reports = never, -1
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
		if n, err := strconv.ParseInt(ioreg.Field(state, "InputReportCount"), 10, 64); err == nil && n >= 0 {
			reports = max(reports, n)
		}
	}
	return since, reports, known
}

// originOf says where the input of a device comes from. What software made is nobody's
// known: remappers pass on what a person types, and so do bridges of other laptops.
func originOf(o ioreg.Object, console func(location uint64) bool) origin {
	transport, product := strings.ToLower(o.Text("Transport")), strings.ToLower(o.Text("Product"))
	bluetooth := strings.HasPrefix(transport, "bluetooth")
	isVirtual, fixed := o.Yes("HIDVirtualDevice"), o.Yes("Built-In")
	const apple = 1452
	switch {
	case o.Doubtful, isVirtual != nil && *isVirtual, strings.Contains(transport, "virtual"), strings.Contains(product, "virtual"),
		strings.Contains(o.Class, "IOHIDUserDevice") && !bluetooth:
		return unplaced
	case transport == "usb" && console(o.Number("LocationID")): // whatever it calls itself
		return kvmLike
	case transport == "spi", transport == "fifo", transport == "i2c", fixed != nil && *fixed,
		fixed == nil && o.Number("VendorID") == apple && strings.HasPrefix(product, "apple internal"):
		return builtIn
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
	source  *source
	last    int64
	reports int64
	// silent is whether input came that nothing explains while this device had not noted
	// any: its driver may not note it at all.
	silent bool
}

// took is by how much, in milliseconds, answers to two questions about one moment differ.
const took = 2_000

// told notes which devices were used since they were asked about before, and reports
// whether that explains all input, the last of which was idle ago. It is not whole where
// a device may be used without its driver noting it.
func (p *placer) told(inputs []recentInput, idle time.Duration) (explained, whole bool) {
	now := p.ledger.clock()
	for _, d := range inputs {
		at := now - d.since.Milliseconds()
		k := p.known[d.id]
		if k == nil {
			k = &placedSource{source: p.ledger.open(d.id, d.origin), last: at, reports: d.reports}
			p.known[d.id] = k
		}
		explained = explained || d.since <= idle+took*time.Millisecond
		const sooner = 500
		if at > k.last+sooner {
			p.ledger.fill(k.source, max(k.last, at-k.used(d, at)), at)
			k.last, k.reports = at, d.reports
		}
	}
	p.forget(inputs)
	whole = true
	for _, d := range inputs {
		k := p.known[d.id]
		k.silent = d.since == never && (k.silent || !explained)
		whole = whole && !k.silent
	}
	return explained, whole
}

// used is for how long, in milliseconds, a device may be taken to have been used before a
// moment: since it was used before, if that is not long ago, and no longer than so many
// reports take. A key makes two, a hand on a pointer sixty a second; what nudges a pointer
// to keep the laptop awake makes one now and then.
func (k *placedSource) used(d recentInput, at int64) int64 {
	if at-k.last > lingers*1000 {
		return 0
	}
	if d.reports < 0 || k.reports < 0 {
		return at - k.last
	}
	return min(at-k.last, max(d.reports-k.reports, 0)/2*1000)
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
