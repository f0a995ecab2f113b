package hardware

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/ioreg"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func objectsOf(t *testing.T, name string) []ioreg.Object {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return ioreg.Parse(string(text))
}

func TestIoregDevices(t *testing.T) {
	t.Parallel()
	devices := ioregDevices(objectsOf(t, "ioreg_usb.txt"))
	want := map[string]string{"20-2": "unspecified", "20-2.1": "unspecified", "20-3": "pikvm report_descriptor"}
	if diff := cmp.Diff(want, recognised(devices)); diff != "" {
		t.Error(diff)
	}
	receiver, console := devices[1], devices[2]
	if len(receiver.interfaces) != 2 || receiver.speed != 12 || !receiver.interfaces[0].report.Keyboard || !receiver.interfaces[1].report.RelativePointer {
		t.Errorf("receiver: %+v", receiver)
	}
	if len(console.interfaces) != 3 || console.speed != 480 || console.serial != "00A1" || strings.Join(console.storage, "|") != "Generic Multimedia 1.00" {
		t.Errorf("console: %+v", console)
	}
}

func TestIoregPower(t *testing.T) {
	t.Parallel()
	p := ioregPower(objectsOf(t, "ioreg_power.txt"))
	if p.lidClosed == nil || !*p.lidClosed || p.source != farmhoundv1.PowerSource_POWER_SOURCE_AC || p.cycles == nil || *p.cycles != 137 {
		t.Errorf("%+v", p)
	}
	if p := ioregPower(nil); p.lidClosed != nil || p.source != 0 || p.cycles != nil {
		t.Errorf("nothing is something: %+v", p)
	}
}

func TestIoregDisplays(t *testing.T) {
	t.Parallel()
	panels := ioregDisplays(objectsOf(t, "ioreg_displays.txt"))
	if len(panels) != 2 || panels[0].builtIn == nil || !*panels[0].builtIn {
		t.Fatalf("%+v", panels)
	}
	c := &config{catalog: catalog.BuiltIn()}
	want := &farmhoundv1.Display{
		Maker: "LNX", ProductCode: 0x7771, Name: "PiKVM V3", Week: 35, Year: 2016, DecoySerial: 0x01010101,
		Serial:    &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN},
		CatalogId: "pikvm", RecognisedBy: farmhoundv1.RecognisedBy_RECOGNISED_BY_IDENTITY,
	}
	if diff := cmp.Diff(want, c.display(&panels[1]), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func FuzzIoreg(f *testing.F) {
	for _, name := range []string{"ioreg_usb.txt", "ioreg_power.txt", "ioreg_displays.txt"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	c := &config{catalog: catalog.BuiltIn()}
	f.Fuzz(func(t *testing.T, text string) {
		objects := ioreg.Parse(text)
		if len(objects) > ioreg.MaxObjects {
			t.Errorf("%d objects", len(objects))
		}
		o := c.observe(found{usb: ioregDevices(objects), displays: ioregDisplays(objects)})
		if len(o.usb) > maxReported || len(o.displays) > maxDisplays {
			t.Errorf("%d devices, %d displays", len(o.usb), len(o.displays))
		}
		ioregPower(objects)
	})
}
