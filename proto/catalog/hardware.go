package catalog

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// hardware is what the catalogue knows of devices, on every system.
type hardware struct {
	usb     []usbFact
	edid    []edidFact
	reports map[string][]reference // by SHA-256 in hexadecimal
}

type usbFact struct {
	identity *farmhoundv1.UsbIdentity
	ref      reference
}

type edidFact struct {
	identity *farmhoundv1.EdidIdentity
	ref      reference
}

// describesDevice reports whether facts of a kind are hardware's.
func describesDevice(kind farmhoundv1.FactKind) bool {
	switch kind {
	case farmhoundv1.FactKind_FACT_KIND_USB, farmhoundv1.FactKind_FACT_KIND_EDID, farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR:
		return true
	}
	return false
}

func newHardware(c *Catalog) *hardware {
	h := &hardware{reports: map[string][]reference{}}
	for i, e := range c.All() {
		for j, f := range e.GetFacts() {
			ref := reference{uint16(i), uint16(j)} //nolint:gosec // both are bounded by the contract
			switch f.GetKind() {
			case farmhoundv1.FactKind_FACT_KIND_USB:
				h.usb = append(h.usb, usbFact{f.GetUsb(), ref})
			case farmhoundv1.FactKind_FACT_KIND_EDID:
				h.edid = append(h.edid, edidFact{f.GetEdid(), ref})
			case farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR:
				h.reports[f.GetValue()] = append(h.reports[f.GetValue()], ref)
			}
		}
	}
	return h
}

// usbTouched returns the facts that a USB device touches.
func (h *hardware) usbTouched(d *farmhoundv1.UsbDevice) []reference {
	var refs []reference
	for i := range h.usb {
		if sameUSB(h.usb[i].identity, d) {
			refs = append(refs, h.usb[i].ref)
		}
	}
	for _, i := range d.GetInterfaces() {
		refs = append(refs, h.reports[hex.EncodeToString(i.GetReportDescriptorSha256())]...)
	}
	return refs
}

// displaysTouched returns the facts that a display touches.
func (h *hardware) displaysTouched(d *farmhoundv1.Display) []reference {
	var refs []reference
	for i := range h.edid {
		if sameEDID(h.edid[i].identity, d) {
			refs = append(refs, h.edid[i].ref)
		}
	}
	return refs
}

// USB returns the entry that a USB device matches best, by what it says of
// itself and by the report descriptors compiled into it.
func (c *Catalog) USB(d *farmhoundv1.UsbDevice) (Match, bool) {
	return best(c.judgeAll(c.hardware().usbTouched(d)))
}

// ReportDescriptor returns the entry whose firmware holds the HID report
// descriptor with the SHA-256. One that many devices share matches nothing.
func (c *Catalog) ReportDescriptor(sum []byte) (Match, bool) {
	return best(c.judgeAll(slices.Clone(c.hardware().reports[hex.EncodeToString(sum)])))
}

// Display returns the entry that a display matches best, by its EDID or by the
// driver that the agent found behind it.
func (c *Catalog) Display(d *farmhoundv1.Display) (Match, bool) {
	if d == nil {
		return Match{}, false
	}
	if entry, ok := c.Entry(d.GetVirtualDriver()); ok {
		return Match{Entry: entry, Strength: farmhoundv1.Strength_STRENGTH_IDENTIFYING}, true
	}
	return best(c.judgeAll(c.hardware().displaysTouched(d)))
}

// best picks the match with the strongest and then the most facts, and names
// those that are its equal.
func best(matches []Match) (Match, bool) {
	if len(matches) == 0 {
		return Match{}, false
	}
	slices.SortStableFunc(matches, byWeight)
	chosen := matches[0]
	for _, other := range matches[1:] {
		if byWeight(chosen, other) == 0 {
			chosen.Also = append(chosen.Also, other.Entry.GetId())
		}
	}
	return chosen, true
}

func byWeight(a, b Match) int {
	return cmp.Or(
		cmp.Compare(a.Strength, b.Strength), // identifying is the smaller number
		-cmp.Compare(count(a, farmhoundv1.Strength_STRENGTH_IDENTIFYING), count(b, farmhoundv1.Strength_STRENGTH_IDENTIFYING)),
		-cmp.Compare(count(a, farmhoundv1.Strength_STRENGTH_SUPPORTING), count(b, farmhoundv1.Strength_STRENGTH_SUPPORTING)),
	)
}

func count(m Match, strength farmhoundv1.Strength) int {
	n := 0
	for _, f := range m.Facts {
		if f.GetStrength() == strength {
			n++
		}
	}
	return n
}

func sameUSB(want *farmhoundv1.UsbIdentity, d *farmhoundv1.UsbDevice) bool {
	return d != nil &&
		(want.VendorId == nil || want.GetVendorId() == d.GetVendorId()) &&
		(want.ProductId == nil || want.GetProductId() == d.GetProductId()) &&
		(want.GetManufacturer() == "" || sameWords(want.GetManufacturer(), d.GetManufacturer())) &&
		(want.GetProduct() == "" || sameWords(want.GetProduct(), d.GetProduct())) &&
		(!want.GetDecoySerial() || isDecoy(d.GetSerial())) &&
		(want.GetStorageName() == "" || slices.ContainsFunc(d.GetStorageNames(), func(name string) bool {
			return strings.HasPrefix(words(name), words(want.GetStorageName()))
		}))
}

func sameEDID(want *farmhoundv1.EdidIdentity, d *farmhoundv1.Display) bool {
	return (want.GetMaker() == "" || want.GetMaker() == d.GetMaker()) &&
		(want.ProductCode == nil || want.GetProductCode() == d.GetProductCode()) &&
		(want.GetName() == "" || sameWords(want.GetName(), d.GetName())) &&
		(!want.GetDecoySerial() || d.GetDecoySerial() != 0 || isDecoy(d.GetSerial()))
}

func isDecoy(s *farmhoundv1.PeripheralSerial) bool {
	return s.GetClass() == farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN
}

func sameWords(a, b string) bool { return words(a) == words(b) }

// words brings a device's words into a form to compare: vendors pad them to
// fixed widths and change their case between firmware versions.
func words(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
