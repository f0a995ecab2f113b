package catalog

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// AppendTouchedUSB appends every fact that a USB device touches to dst, weak ones
// included, where USB returns the one entry that it matches.
func (c *Catalog) AppendTouchedUSB(dst []Touch, d *farmhoundv1.UsbDevice) []Touch {
	for _, ref := range c.hardware().usbTouched(d) {
		dst = append(dst, c.touch(ref))
	}
	return dst
}

// AppendTouchedDisplay does the same for a display.
func (c *Catalog) AppendTouchedDisplay(dst []Touch, d *farmhoundv1.Display) []Touch {
	for _, ref := range c.hardware().displaysTouched(d) {
		dst = append(dst, c.touch(ref))
	}
	return dst
}
