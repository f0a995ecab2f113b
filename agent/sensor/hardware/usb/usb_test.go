package usb_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
)

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The descriptors of a Logitech Unifying receiver: its configuration is as a USB
// prober showed it.
const receiver = `12 01 00 02 00 00 00 20 6d 04 2b c5 10 24 01 02 00 01
	09 02 54 00 03 01 04 a0 31
	09 04 00 00 01 03 01 01 00 09 21 11 01 00 01 22 3b 00 07 05 81 03 08 00 08
	09 04 01 00 01 03 01 02 00 09 21 11 01 00 01 22 94 00 07 05 82 03 08 00 02
	09 04 02 00 01 03 00 00 00 09 21 11 01 00 01 22 62 00 07 05 83 03 20 00 02`

func TestParseDescriptors(t *testing.T) {
	t.Parallel()
	whole := bytesOf(t, receiver)
	three := []usb.Interface{
		{Number: 0, Class: 3, Subclass: 1, Protocol: 1, HIDVersion: 0x0111, Interval: 8},
		{Number: 1, Class: 3, Subclass: 1, Protocol: 2, HIDVersion: 0x0111, Interval: 2},
		{Number: 2, Class: 3, HIDVersion: 0x0111, Interval: 2},
	}
	other := append(append([]byte{}, whole[18+9:18+9+9]...), bytesOf(t, "07 05 81 03 08 00 01")...)
	other[3] = 1 // an alternate setting
	cases := []struct {
		name string
		data []byte
		want usb.Device
		ok   bool
	}{
		{"whole", whole, usb.Device{Vendor: 0x046d, Product: 0xc52b, Interfaces: three}, true},
		{"without the device", whole[18:], usb.Device{Interfaces: three}, true},
		{"alternate settings", append(append([]byte{}, whole...), other...), usb.Device{Vendor: 0x046d, Product: 0xc52b, Interfaces: three}, true},
		{"second configuration", append(append([]byte{}, whole...), whole[18:]...), usb.Device{Vendor: 0x046d, Product: 0xc52b, Interfaces: three}, true},
		{"cut in the second interface", whole[:18+9+25+12], usb.Device{Vendor: 0x046d, Product: 0xc52b, Interfaces: []usb.Interface{three[0], {Number: 1, Class: 3, Subclass: 1, Protocol: 2}}}, true},
		{"device only", whole[:18], usb.Device{Vendor: 0x046d, Product: 0xc52b}, true},
		{"empty", nil, usb.Device{}, false},
		{"length of zero", []byte{0, 1, 2, 3}, usb.Device{}, false},
		{"length beyond the end", []byte{200, 1, 2, 3}, usb.Device{}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ok := usb.ParseDescriptors(c.data)
			if ok != c.ok {
				t.Fatalf("ok %v", ok)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseReport(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, descriptor string
		want             usb.Report
	}{
		{"empty", "", usb.Report{}},
		{"keyboard", "05010906a101050719e029e71500250175019508810295017508810395057501050819012905910295017503910195067508150025650507190029658100c0", usb.Report{Keyboard: true}},
		{"modifiers alone", "05010906a101050719e029e715002501750195088102c0", usb.Report{}},
		{"relative mouse", "05010902a1010901a1000509190129081500250195087501810205010930093109381581257f750895038106c0c0", usb.Report{RelativePointer: true}},
		{"absolute pointer", "05010902a1010901a1000509190129081500250195087501810205010930093116000026ff7f75109502810209381581257f750895018106c0c0", usb.Report{AbsolutePointer: true}},
		{"absolute as a range of usages", "05010902a1010901a1001930293116000026ff7f751095028102c0c0", usb.Report{AbsolutePointer: true}},
		{"absolute with whole usages", "05010902a1010901a1000b300001000b3100010016000026ff7f751095028102c0c0", usb.Report{AbsolutePointer: true}},
		{"page stated after the usages", "05010902a1010901a100050909300931050116000026ff7f751095028102c0c0", usb.Report{AbsolutePointer: true}},
		{"only X", "05010902a1010901a100093016000026ff7f751095018102c0c0", usb.Report{}},
		{"wheel only", "05010902a1010901a10009381581257f750895018106c0c0", usb.Report{}},
		{"constants", "05010902a1010901a1000930093116000026ff7f751095028103c0c0", usb.Report{}},
		{"gamepad", "05010905a10109300931150026ff00750895028102c0", usb.Report{}},
		{"positions of a gamepad after a mouse", "05010902a10109301581257f750895018106c005010905a10109300931150026ff00750895028102c0", usb.Report{RelativePointer: true}},
		{"pen", "050d0902a10109200501093009311600 0026ff7f751095028102c0", usb.Report{Digitizer: true}},
		{"media keys", "050c0901a101190 02a3c02150 0263c02751095018100c0", usb.Report{ConsumerControl: true}},
		{"page pushed and popped", "05010902a1010901a100a40509b40930093116000026ff7f751095028102c0c0", usb.Report{AbsolutePointer: true}},
		{"long item before", "fe020011220 5010906a10105071904291d150025017501951a8102c0", usb.Report{Keyboard: true}},
		{"end without a beginning", "c0c0c005010902a1010930093181 02c0", usb.Report{AbsolutePointer: true}},
		{"never ended", "05010902a1010930093181 02", usb.Report{AbsolutePointer: true}},
		{"cut inside an item", "05010902a10109300931810205", usb.Report{AbsolutePointer: true}},
		{"boot keyboard and absolute mouse in one", "05010906a101050719002965150025657508950681 00c005010902a1010901a1000930093126ff7f751095028102c0c0", usb.Report{Keyboard: true, AbsolutePointer: true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, usb.ParseReport(bytesOf(t, c.descriptor))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseDescriptors(f *testing.F) {
	f.Add(bytesOf(f, receiver))
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		d, ok := usb.ParseDescriptors(data)
		if len(d.Interfaces) > usb.MaxInterfaces || !ok && len(d.Interfaces) > 0 {
			t.Errorf("%v with %d interfaces", ok, len(d.Interfaces))
		}
	})
}

func FuzzParseReport(f *testing.F) {
	f.Add(bytesOf(f, "05010906a101050719e029e7150025017501950881020900c0"))
	f.Add(bytesOf(f, "05010902a1010901a1000930093116000026ff7f751095028102c0c0"))
	f.Add([]byte{0xfe, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := usb.ParseReport(data)
		// What was declared before a cut stays declared, and an end adds nothing.
		if ended := usb.ParseReport(append(data[:len(data):len(data)], 0xc0)); whole.Keyboard && !ended.Keyboard {
			t.Error("an end took a keyboard away")
		}
	})
}
