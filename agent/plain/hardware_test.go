package plain

import (
	"bytes"
	"strings"
	"testing"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestTaken(t *testing.T) {
	t.Parallel()
	report := &farmhoundv1.Report{Hardware: &farmhoundv1.Hardware{
		Usb: []*farmhoundv1.UsbDevice{
			{Product: "USB Receiver", PortPath: "1-4"},
			{Product: "K\x1b120", PortPath: "1-5", CatalogId: "pikvm", RecognisedBy: farmhoundv1.RecognisedBy_RECOGNISED_BY_REPORT_DESCRIPTOR},
			{PortPath: "1-6", RecognisedBy: farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE},
		},
		Displays: []*farmhoundv1.Display{{Name: "PiKVM V3", Connector: "HDMI-A-1", CatalogId: "pikvm", RecognisedBy: farmhoundv1.RecognisedBy_RECOGNISED_BY_IDENTITY}},
	}}
	var out bytes.Buffer
	if err := Report(&out, report); err != nil {
		t.Fatal(err)
	}
	_, said, _ := strings.Cut(out.String(), "\n\nThe USB device")
	said, _, _ = strings.Cut("The USB device"+said, "\n\n")
	want := `The USB device "K\x1b120" on port 1-5 is taken for the catalogue's entry pikvm, by the report descriptors in its firmware, whatever it calls itself.
The USB device on port 1-6 is taken for a remote console that poses as something else, because it is keyboard and absolute pointer in one.
The display "PiKVM V3" on HDMI-A-1 is taken for the catalogue's entry pikvm, by what it says of itself.`
	if said != want {
		t.Errorf("got\n%s", said)
	}
}
