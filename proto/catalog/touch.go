package catalog

import (
	"encoding/hex"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// AppendTouchedUSB appends every fact that a USB device touches to dst, weak ones
// included, where USB returns the one entry that it matches.
func (c *Catalog) AppendTouchedUSB(dst []Touch, d *farmhoundv1.UsbDevice) []Touch {
	for _, ref := range c.usb {
		if sameUSB(c.fact(ref).GetUsb(), d) {
			dst = append(dst, Touch{c.entries[ref.entry], c.fact(ref)})
		}
	}
	for _, i := range d.GetInterfaces() {
		for _, ref := range c.reports[hex.EncodeToString(i.GetReportDescriptorSha256())] {
			dst = append(dst, Touch{c.entries[ref.entry], c.fact(ref)})
		}
	}
	return dst
}

// AppendTouchedDisplay does the same for a display.
func (c *Catalog) AppendTouchedDisplay(dst []Touch, d *farmhoundv1.Display) []Touch {
	for _, ref := range c.edid {
		if sameEDID(c.fact(ref).GetEdid(), d) {
			dst = append(dst, Touch{c.entries[ref.entry], c.fact(ref)})
		}
	}
	return dst
}
