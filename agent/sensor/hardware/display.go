package hardware

import (
	"crypto/sha256"
	"fmt"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/edid"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// maxDisplayName is the schema's bound on a display's name, in bytes.
const maxDisplayName = 32

// panel is one attached display as a system tells of it.
type panel struct {
	connector string
	edid      []byte // empty where it gives none
	// decoded is what the system decoded of a description that it does not show.
	decoded *edid.Display
	builtIn *bool
	// driver is the system's name of the driver that shows on it, empty where unknown.
	driver string
}

// display is the display as a report carries it. One without a description, or
// with one that cannot be read, is told by its connector alone.
func (c *config) display(p *panel) *farmhoundv1.Display {
	out := &farmhoundv1.Display{
		Connector: token(p.connector, maxPort), BuiltIn: p.builtIn,
		VirtualDriver: c.virtual(p.driver),
	}
	if d, err := edid.Parse(p.edid); err == nil {
		c.describe(out, d)
		out.ChecksumOk = d.ChecksumOK()
		sum := sha256.Sum256(p.edid)
		out.EdidSha256 = sum[:]
	} else if p.decoded != nil {
		c.describe(out, p.decoded)
	}
	if r, ok := c.catalog.RecogniseDisplay(out); ok {
		out.CatalogId, out.RecognisedBy = r.Entry.GetId(), r.By
	}
	return out
}

// virtual is the catalogue id of the virtual display that a driver shows, empty
// where it is none. DisplayLink's driver is none: there are real screens behind it.
func (c *config) virtual(driver string) string { return c.virtualOn(operatingSystem, driver) }

func (c *config) virtualOn(os farmhoundv1.OperatingSystem, driver string) string {
	if driver == "" {
		return ""
	}
	for _, m := range c.catalog.Match(os, []catalog.Fact{{Kind: farmhoundv1.FactKind_FACT_KIND_DRIVER, Value: driver}}) {
		if m.Entry.GetCategory() == farmhoundv1.Category_CATEGORY_VIRTUAL_DISPLAY {
			return m.Entry.GetId()
		}
	}
	return ""
}

func (c *config) describe(out *farmhoundv1.Display, d *edid.Display) {
	out.Maker, out.ProductCode = token(d.Maker, 3), uint32(d.ProductCode)
	out.Name = word(d.Name, maxDisplayName)
	if out.Name == "" {
		out.Name = word(d.DisplayID.Name, maxDisplayName)
	}
	out.Week, out.Year = uint32(d.Week), uint32(d.Year)
	out.WidthCm, out.HeightCm = uint32(d.WidthCM), uint32(d.HeightCM)
	out.WidthPx, out.HeightPx = uint32(d.Width), uint32(d.Height)
	out.Serial = c.displaySerial(d)
	if fleetkey.DecoyNumber(d.Serial) {
		out.DecoySerial = d.Serial
	}
}

// displaySerial takes the serial in words, which is the one on the label, and else
// the number.
func (c *config) displaySerial(d *edid.Display) *farmhoundv1.PeripheralSerial {
	text := d.SerialText
	if fleetkey.ClassOf(text) == farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT {
		number := d.Serial
		if number == 0 {
			number = d.DisplayID.Serial
		}
		text = ""
		if number != 0 {
			text = fmt.Sprintf("%08x", number)
		}
	}
	return c.keys.Serial(fleetkey.DisplaySerial, text)
}
