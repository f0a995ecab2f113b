package hardware

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// readNodes reads a fixture: every line is a key and a value, an empty line ends a
// node.
func readNodes(t *testing.T, name string) []node {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []node
	for block := range strings.SplitSeq(string(data), "\n\n") {
		var n node
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch key {
			case "instance":
				n.instance = value
			case "parent":
				n.parent = value
			case "hardware":
				n.hardware = append(n.hardware, value)
			case "compatible":
				n.compatible = append(n.compatible, value)
			case "description":
				n.description = value
			case "unique":
				n.unique = true
			case "container":
				n.container = value
			case "location":
				n.location = value
			case "absolute":
				n.axes.absoluteX, n.axes.absoluteY = true, true
			case "relative":
				n.axes.relative = true
			}
		}
		if n.instance != "" {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func recognised(devices []device) map[string]string {
	c := &config{catalog: catalog.BuiltIn(), keys: fleetkey.Ring{}}
	seen := map[string]string{}
	for i := range devices {
		d := c.usb(&devices[i])
		seen[d.GetPortPath()] = strings.TrimSpace(d.GetCatalogId() + " " + strings.ToLower(strings.TrimPrefix(d.GetRecognisedBy().String(), "RECOGNISED_BY_")))
	}
	return seen
}

// A keyboard belongs to its own device, whatever else has the same ids.
func TestWindowsTreeOwners(t *testing.T) {
	t.Parallel()
	nodes := append(readNodes(t, "windows.txt"), node{instance: `HID\VID_046D&PID_C52B&MI_00\7&bbb&0&0000`, parent: `USB\VID_046D&PID_C52B&MI_00\6&aaa&0&0000`},
		node{instance: `HID\SYNA8004&COL01\5&1f3c2d&0&0000`, parent: `ACPI\SYNA8004\4&1`}, node{instance: `HID\A\1`, parent: `HID\A\1`})
	tree := newWindowsTree(nodes)
	devices := tree.devices()
	for instance, want := range map[string]string{
		`HID\VID_046D&PID_C52B&MI_00\7&2A1B&0&0000`: "0-1", `HID\VID_046D&PID_C52B&MI_01&Col01\7&2a1c&0&0000`: "0-1",
		`HID\VID_046D&PID_C52B&MI_00\7&BBB&0&0000`: "0-2", `HID\SYNA8004&COL01\5&1F3C2D&0&0000`: "", `HID\A\1`: "", `HID\GONE\1`: "", "": "",
	} {
		got := ""
		if d := tree.usbOf(instance, devices); d != nil {
			got = d.port
		}
		if got != want {
			t.Errorf("%s belongs to %q, want %q", instance, got, want)
		}
	}
}

// What hangs on a driver alone is told from what hangs on a bus of the machine, on which
// everything hangs that the firmware found, by a path however long.
func TestWindowsTreeSoftware(t *testing.T) {
	t.Parallel()
	var nodes []node
	path := func(instances ...string) {
		for i, instance := range instances[:len(instances)-1] {
			nodes = append(nodes, node{instance: instance, parent: instances[i+1]})
		}
	}
	path(`PCI\VEN_8086&DEV_A36D\3&1`, `ACPI\PNP0A08\0`, `ACPI_HAL\PNP0C08\0`, `ROOT\ACPI_HAL\0000`, `HTREE\ROOT\0`)
	path(`HID\VID_046D&PID_C52B\7&1`, `USB\VID_046D&PID_C52B\6&1`, `USB\VID_05E3&PID_0610\5&1`, `USB\VID_05E3&PID_0610\5&2`, `USB\VID_05E3&PID_0610\5&3`,
		`USB\VID_05E3&PID_0610\5&4`, `USB\ROOT_HUB30\4&1`, `PCI\VEN_8086&DEV_15EC\3&2`, `PCI\VEN_8086&DEV_15D3\3&3`, `PCI\VEN_8086&DEV_A36D\3&1`)
	path(`HID\SYNA8004&COL01\5&1`, `ACPI\SYNA8004\4&1`, `PCI\VEN_8086&DEV_A36D\3&1`)
	path(`HID\VMULTI&COL01\1&1`, `ROOT\VMULTI\0000`, `HTREE\ROOT\0`)
	path(`HID\VID_1234&PID_5678\1&2`, `USB\VID_1234&PID_5678\1`, `USB\ROOT_HUB30\4&2`, `ROOT\USBIP_WIN2\0000`)
	path(`HID\VHF\1&3`, `SWD\VHF\1`)
	path(`HID\LOST\1`, `USB\GONE\1`)
	path(`HID\A\1`, `HID\A\1`)
	tree := newWindowsTree(nodes)
	type answer struct{ software, listed bool }
	for instance, want := range map[string]answer{
		`HID\VID_046D&PID_C52B\7&1`: {false, true}, `HID\SYNA8004&Col01\5&1`: {false, true},
		`HID\VMULTI&COL01\1&1`: {true, true}, `HID\VID_1234&PID_5678\1&2`: {true, true}, `hid\vhf\1&3`: {true, true},
		`HID\LOST\1`: {}, `HID\NEW\1`: {}, "": {}, `HID\A\1`: {false, true},
	} {
		software, listed := tree.software(instance)
		if got := (answer{software, listed}); got != want {
			t.Errorf("%s: %+v, want %+v", instance, got, want)
		}
	}
}

func TestWindowsTree(t *testing.T) {
	t.Parallel()
	tree := newWindowsTree(readNodes(t, "windows.txt"))
	devices := tree.devices()
	want := map[string]string{
		"0-1": "unspecified",           // Logitech receiver
		"0-2": "jetkvm identity",       // known by its drive
		"0-3": "impossible_identity",   // a Dell keyboard that points absolutely
		"0-4": "glinet-comet identity", // known by its drive
		"0-5": "unspecified",           // built-in camera
		"0-6": "unspecified",           // keyboard of one interface
		"0-7": "shape",                 // invented names
		"0-8": "unspecified",           // drawing tablet with keys
	}
	if diff := cmp.Diff(want, recognised(devices)); diff != "" {
		t.Error(diff)
	}
	receiver := devices[0]
	if receiver.serial != "" || len(receiver.interfaces) != 3 || !receiver.interfaces[0].report.Keyboard || !receiver.interfaces[1].report.RelativePointer {
		t.Errorf("receiver: %+v", receiver)
	}
	if class := fleetkey.ClassOf(devices[1].serial); class != farmhoundv1.SerialClass_SERIAL_CLASS_WINDOWS_GENERATED {
		t.Errorf("a copied instance id is %v", class)
	}
	if camera := devices[4]; camera.builtIn == nil || !*camera.builtIn {
		t.Error("the camera is built in")
	}
	panels := tree.displays()
	if len(panels) != 2 {
		t.Fatalf("%d displays", len(panels))
	}
	c := &config{catalog: catalog.BuiltIn()}
	if got := c.virtualOn(farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS, panels[1].driver); got != "mtt-virtual-display" {
		t.Errorf("virtual display %q on %q", got, panels[1].driver)
	}
}

func TestParseValueCaps(t *testing.T) {
	t.Parallel()
	caps := func(page, first, last uint16, absolute bool) []byte {
		b := make([]byte, valueCapsSize)
		binary.LittleEndian.PutUint16(b, page)
		binary.LittleEndian.PutUint16(b[56:], first)
		binary.LittleEndian.PutUint16(b[58:], last)
		if first != last {
			b[12] = 1
		}
		if absolute {
			b[15] = 1
		}
		return b
	}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	cases := []struct {
		name string
		caps []byte
		want axes
	}{
		{"none", nil, axes{}},
		{"cut", caps(1, 0x30, 0x30, true)[:71], axes{}},
		{"mouse", join(caps(1, 0x30, 0x31, false), caps(1, 0x38, 0x38, false)), axes{relative: true}},
		{"tablet", join(caps(1, 0x31, 0x31, true), caps(1, 0x30, 0x30, true)), axes{absoluteX: true, absoluteY: true}},
		{"wheel", caps(1, 0x38, 0x38, true), axes{}},
		{"another page", caps(0xd, 0x30, 0x31, true), axes{}},
	}
	for _, c := range cases {
		if got := parseValueCaps(c.caps); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A console behind a crowd of other devices is still reported.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := &config{catalog: catalog.BuiltIn()}
	crowd := make([]device, 200)
	for i := range crowd {
		crowd[i] = device{vendor: 0x05e3, product: 0x0608}
	}
	crowd[199] = device{vendor: 0x1d6b, product: 0x0104, manufacturer: "PiKVM"}
	seen := c.observe(found{usb: crowd}).usb
	if len(seen) != maxReported || seen[len(seen)-1].GetCatalogId() != "pikvm" {
		t.Errorf("%d devices, the last is %v", len(seen), seen[len(seen)-1])
	}
}

func FuzzWindowsIDs(f *testing.F) {
	f.Add(`USB\VID_046D&PID_C52B&MI_01\7&1c54b96&0&0001`, `USB\Class_03&SubClass_01&Prot_02`, `PCIROOT(0)#PCI(1400)#USBROOT(0)#USB(4)#USB(2)`)
	f.Add(`USBSTOR\CdRom&Ven_Glinet&Prod_Flash_Drive&Rev_1.00\8&1`, `USB\COMPOSITE`, ``)
	f.Fuzz(func(t *testing.T, instance, compatible, location string) {
		nodes := []node{
			{instance: `USB\VID_1D6B&PID_0104\1`, compatible: []string{compatible}, location: location},
			{instance: instance, parent: `USB\VID_1D6B&PID_0104\1`, compatible: []string{compatible}, hardware: []string{compatible}},
			{instance: `HID\X`, parent: instance, hardware: []string{"HID_DEVICE_SYSTEM_MOUSE"}},
			{instance: `USBSTOR\` + instance, parent: `HID\X`},
			{instance: `HID\round`, parent: `HID\about`}, {instance: `HID\about`, parent: `HID\round`},
		}
		tree := newWindowsTree(nodes)
		if d := tree.devices(); len(d) > len(nodes) {
			t.Errorf("%d devices of %d nodes", len(d), len(nodes))
		}
		tree.displays()
	})
}
