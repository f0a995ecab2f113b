package usb

// MaxReport is the longest report descriptor that the kernel takes, in bytes.
const MaxReport = 4096

// Report is what a HID report descriptor declares, by the top-level applications
// that it is made of.
type Report struct {
	// Keyboard is a keyboard or keypad with more than modifier keys.
	Keyboard bool
	// AbsolutePointer is a mouse or pointer whose X and Y are both positions.
	AbsolutePointer bool
	// RelativePointer is a mouse or pointer whose X or Y is a movement.
	RelativePointer bool
	// Digitizer is a pen, touch screen or touch pad.
	Digitizer bool
	// ConsumerControl is media keys and the like.
	ConsumerControl bool
}

// Usage pages and usages of the HID usage tables.
const (
	pageDesktop   = 0x01
	pageKeyboard  = 0x07
	pageConsumer  = 0x0c
	pageDigitizer = 0x0d

	usagePointer  = 0x01
	usageMouse    = 0x02
	usageKeyboard = 0x06
	usageKeypad   = 0x07
	usageX        = 0x30
	usageY        = 0x31

	usageConsumerControl = 0x01

	// Keys from A on; below are error codes.
	firstKey = 0x04
	// Left control, the first of eight modifiers.
	firstModifier = 0xe0
)

// Items of a report descriptor: the low two bits of the prefix are a length.
const (
	itemInput         = 0x80
	itemOutput        = 0x90
	itemFeature       = 0xb0
	itemCollection    = 0xa0
	itemEndCollection = 0xc0
	itemUsagePage     = 0x04
	itemPush          = 0xa4
	itemPop           = 0xb4
	itemUsage         = 0x08
	itemUsageMinimum  = 0x18
	itemUsageMaximum  = 0x28
	itemLong          = 0xfe
)

// Bounds that keep a hostile descriptor cheap.
const (
	maxUsages = 64
	maxPushes = 16
)

// usage is a page in the high half and an id in the low one.
type usage uint32

func (u usage) page() uint32 { return uint32(u) >> 16 }
func (u usage) id() uint32   { return uint32(u) & 0xffff }

// local is a usage as an item states it: whole with a page of its own, or an id
// whose page is the one that holds when a main item takes it up.
type local struct {
	value uint32
	whole bool
}

func (r *reader) resolve(l local) usage {
	if l.whole {
		return usage(l.value)
	}
	return usage(r.page<<16 | l.value&0xffff)
}

// reader is the state while a descriptor is read.
type reader struct {
	report Report

	page  uint32
	saved []uint32 // pages of Push

	usages                 []local
	minimum, maximum       local
	hasMinimum, hasMaximum bool

	depth int
	app   usage
	// Positions and movements seen in the application under way.
	absoluteX, absoluteY, relative bool
}

// ParseReport reads a report descriptor. One that is cut short gives what was
// declared before the cut.
func ParseReport(data []byte) Report {
	r := new(reader)
	for len(data) > 0 {
		prefix := data[0]
		if prefix == itemLong {
			const head = 3
			if len(data) < head || len(data) < head+int(data[1]) {
				break
			}
			data = data[head+int(data[1]):]
			continue
		}
		size := int(prefix & 3)
		if size == 3 {
			size = 4
		}
		if len(data) < 1+size {
			break
		}
		var value uint32
		for i := size; i > 0; i-- {
			value = value<<8 | uint32(data[i])
		}
		r.item(prefix&^3, value, size)
		data = data[1+size:]
	}
	r.closeApplication()
	return r.report
}

func (r *reader) item(kind byte, value uint32, size int) {
	switch kind {
	case itemUsagePage:
		r.page = value & 0xffff
	case itemPush:
		if len(r.saved) < maxPushes {
			r.saved = append(r.saved, r.page)
		}
	case itemPop:
		if n := len(r.saved); n > 0 {
			r.page, r.saved = r.saved[n-1], r.saved[:n-1]
		}
	case itemUsage:
		if len(r.usages) < maxUsages {
			r.usages = append(r.usages, local{value, size == 4})
		}
	case itemUsageMinimum:
		r.minimum, r.hasMinimum = local{value, size == 4}, true
	case itemUsageMaximum:
		r.maximum, r.hasMaximum = local{value, size == 4}, true
	case itemCollection:
		r.open()
	case itemEndCollection:
		r.end()
	case itemInput:
		r.input(value)
		r.forget()
	case itemOutput, itemFeature:
		r.forget()
	}
}

func (r *reader) forget() {
	r.usages, r.hasMinimum, r.hasMaximum = r.usages[:0], false, false
}

// open begins a collection. Nested ones belong to the application around them,
// whatever they call themselves.
func (r *reader) open() {
	if r.depth == 0 {
		r.app = 0
		if len(r.usages) > 0 {
			r.app = r.resolve(r.usages[0])
		}
		r.absoluteX, r.absoluteY, r.relative = false, false, false
		switch {
		case r.app.page() == pageConsumer && r.app.id() == usageConsumerControl:
			r.report.ConsumerControl = true
		case r.app.page() == pageDigitizer:
			r.report.Digitizer = true
		}
	}
	r.depth++
	r.forget()
}

func (r *reader) end() {
	r.forget()
	if r.depth == 0 {
		return
	}
	if r.depth--; r.depth == 0 {
		r.closeApplication()
	}
}

func (r *reader) closeApplication() {
	if r.app.page() == pageDesktop && (r.app.id() == usageMouse || r.app.id() == usagePointer) {
		r.report.AbsolutePointer = r.report.AbsolutePointer || r.absoluteX && r.absoluteY
		r.report.RelativePointer = r.report.RelativePointer || r.relative
	}
	r.app = 0
}

// input weighs one input item by the usages before it.
func (r *reader) input(flags uint32) {
	const constant, variable, movement = 1, 2, 4
	if flags&constant != 0 {
		return
	}
	for _, l := range r.usages {
		u := r.resolve(l)
		if flags&variable != 0 {
			r.axis(u, flags&movement != 0)
		}
		r.key(u, u)
	}
	first, last := r.resolve(r.minimum), r.resolve(r.maximum)
	if !r.hasMinimum || !r.hasMaximum || first.page() != last.page() || first > last {
		return
	}
	for _, u := range [...]usage{pageDesktop<<16 | usageX, pageDesktop<<16 | usageY} {
		if flags&variable != 0 && first <= u && u <= last {
			r.axis(u, flags&movement != 0)
		}
	}
	r.key(first, last)
}

func (r *reader) axis(u usage, relative bool) {
	if u.page() != pageDesktop || u.id() != usageX && u.id() != usageY {
		return
	}
	switch {
	case relative:
		r.relative = true
	case u.id() == usageX:
		r.absoluteX = true
	default:
		r.absoluteY = true
	}
}

// key notes keys of a keyboard application from first to last.
func (r *reader) key(first, last usage) {
	if r.app.page() != pageDesktop || r.app.id() != usageKeyboard && r.app.id() != usageKeypad {
		return
	}
	if first.page() == pageKeyboard && last.id() >= firstKey && first.id() < firstModifier {
		r.report.Keyboard = true
	}
}
