package hardware

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
)

// sample is a device of a fixture file and what it is to be taken for.
type sample struct {
	name string
	// id and sign are expected; an id of "-" is none, and without a sign the device
	// is ordinary.
	id, sign   string
	ids        [2]uint16
	speed      string
	attributes map[string]string
	parts      []part
}

// part is one interface of a sample.
type part struct {
	number   int
	class    [3]uint8
	name     string
	hid      uint16
	interval uint8
	report   []byte
	scsi     []string
}

// readSamples reads a fixture file: "report NAME HEX" names a report descriptor,
// "device NAME" begins a device, "expect ID SIGN", "usb VVVV:PPPP key=value..." and
// "if NUMBER CC/SS/PP key=value..." describe it. "gadget" stands for what Linux's
// HID gadget states of an interface.
func readSamples(t *testing.T, names ...string) []sample {
	t.Helper()
	reports := map[string][]byte{}
	var samples []sample
	var lines []string
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(string(data), "\n")...)
	}
	for _, line := range lines {
		if name, text, ok := strings.Cut(strings.TrimPrefix(line, "report "), " "); ok && strings.HasPrefix(line, "report ") {
			raw, err := hex.DecodeString(text)
			if err != nil {
				t.Fatalf("report %s: %v", name, err)
			}
			reports[name] = raw
		}
	}
	for _, line := range lines {
		kind, rest, _ := strings.Cut(line, " ")
		var s *sample
		if len(samples) > 0 {
			s = &samples[len(samples)-1]
		}
		switch kind {
		case "device":
			samples = append(samples, sample{name: rest})
		case "expect":
			s.id, s.sign, _ = strings.Cut(rest, " ")
			s.id = strings.TrimPrefix(s.id, "-")
		case "usb":
			var keys map[string]string
			var id string
			id, keys = readKeys(t, rest)
			if _, err := fmt.Sscanf(id, "%04x:%04x", &s.ids[0], &s.ids[1]); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			s.speed, s.attributes = keys["speed"], map[string]string{"speed": keys["speed"]}
			for key, attribute := range map[string]string{"maker": "manufacturer", "product": "product", "serial": "serial", "removable": "removable"} {
				if keys[key] != "" {
					s.attributes[attribute] = keys[key]
				}
			}
		case "if":
			s.parts = append(s.parts, readPart(t, rest, s.speed, reports))
		}
	}
	return samples
}

func readPart(t *testing.T, text, speed string, reports map[string][]byte) part {
	t.Helper()
	head, keys := readKeys(t, text)
	p := part{name: keys["name"], scsi: strings.Split(keys["scsi"], "|")}
	if _, err := fmt.Sscanf(head, "%d", &p.number); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(keys["class"], "%x/%x/%x", &p.class[0], &p.class[1], &p.class[2]); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if _, ok := keys["gadget"]; ok {
		p.name, p.hid, p.interval = "HID Interface", 0x0101, 4
		if speed != "480" {
			p.interval = 10
		}
	}
	if v, err := strconv.ParseUint(keys["hid"], 16, 16); err == nil {
		p.hid = uint16(v)
	}
	if v, err := strconv.ParseUint(keys["interval"], 10, 8); err == nil {
		p.interval = uint8(v)
	}
	for name := range strings.SplitSeq(keys["report"], "+") {
		if name != "" {
			raw, ok := reports[name]
			if !ok {
				t.Fatalf("no report %q", name)
			}
			p.report = append(p.report, raw...)
		}
	}
	return p
}

// readKeys splits `head word key=value key="two words"`; a word without = that
// looks like a class is kept as "class".
func readKeys(t *testing.T, text string) (head string, keys map[string]string) {
	t.Helper()
	head, text, _ = strings.Cut(text, " ")
	keys = map[string]string{}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		end := strings.IndexByte(text, ' ')
		if end < 0 {
			end = len(text)
		}
		key, value, given := strings.Cut(text[:end], "=")
		switch {
		case given && strings.HasPrefix(value, `"`):
			quoted := text[len(key)+2:]
			value, _, _ = strings.Cut(quoted, `"`)
			end = len(key) + 3 + len(value)
			keys[key] = value
		case given:
			keys[key] = value
		case strings.Contains(key, "/"):
			keys["class"] = key
		default:
			keys[key] = ""
		}
		text = text[min(end, len(text)):]
	}
	return head, keys
}

// layout is a way in which a copy of sysfs shows devices.
type layout string

const (
	linked    layout = "linked"    // as the kernel shows it, with symbolic links
	flattened layout = "flattened" // folders in place of links, interfaces beside devices
	scattered layout = "scattered" // HID devices in their own list only
	unlisted  layout = "unlisted"  // without /sys/bus
	bare      layout = "bare"      // attribute files only
	binaryish layout = "binary"    // the device's attributes and its descriptors
	absolute  layout = "absolute"  // links that name their target from the top
)

var layouts = []layout{linked, absolute, flattened, scattered, unlisted, bare, binaryish}

// complete reports whether a layout holds everything.
func (l layout) complete() bool { return l != bare && l != binaryish }

// lay writes a tree with one device on port 1-4.2 beside a root hub.
func lay(t *testing.T, l layout, s sample) (root string) {
	t.Helper()
	root = t.TempDir()
	const bus = "/sys/devices/pci0000:00/0000:00:14.0/usb1"
	home := bus + "/1-4/1-4.2"
	if l == flattened || l == bare || l == binaryish {
		home = usbFolder + "/1-4.2"
	}
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(name, target string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if l == absolute {
			if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
			return
		}
		up := strings.Repeat("../", strings.Count(strings.Trim(filepath.Dir(name), "/"), "/")+1)
		if err := os.Symlink(up+strings.TrimPrefix(target, "/"), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(bus+"/idVendor", "1d6b\n")
	write(home+"/idVendor", fmt.Sprintf("%04x\n", s.ids[0]))
	write(home+"/idProduct", fmt.Sprintf("%04x\n", s.ids[1]))
	for name, value := range s.attributes {
		write(home+"/"+name, value+"\n")
	}
	if l != bare {
		write(home+"/descriptors", string(s.descriptors()))
	}
	if l == linked || l == scattered || l == absolute {
		link(usbFolder+"/usb1", bus)
		link(usbFolder+"/1-4.2", home)
	}
	if l == binaryish {
		return root
	}
	for n, p := range s.parts {
		name := "1-4.2:1." + strconv.Itoa(p.number)
		folder := home + "/" + name
		if l == flattened || l == bare {
			folder = usbFolder + "/" + name
		}
		for i, attribute := range []string{"bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"} {
			write(folder+"/"+attribute, fmt.Sprintf("%02x\n", p.class[i]))
		}
		if p.name != "" {
			write(folder+"/interface", p.name+"\n")
		}
		if l == linked || l == scattered || l == absolute {
			link(usbFolder+"/"+name, folder)
		}
		if len(p.scsi) == 3 {
			unit := folder + "/host6/target6:0:0/6:0:0:0/"
			write(unit+"vendor", fmt.Sprintf("%-8s\n", p.scsi[0]))
			write(unit+"model", fmt.Sprintf("%-16s\n", p.scsi[1]))
			write(unit+"rev", p.scsi[2]+"\n")
		}
		if p.report == nil || l == bare {
			continue
		}
		hid := fmt.Sprintf("0003:%04X:%04X.%04X", s.ids[0], s.ids[1], n+1)
		if l == scattered {
			write(hidFolder+"/"+hid+"/uevent", fmt.Sprintf("DRIVER=hid-generic\nHID_PHYS=usb-0000:00:14.0-4.2/input%d\n", p.number))
			write(hidFolder+"/"+hid+"/report_descriptor", string(p.report))
		} else {
			write(folder+"/"+hid+"/report_descriptor", string(p.report))
		}
	}
	return root
}

// descriptors encodes the sample as a device sends it.
func (s sample) descriptors() []byte {
	b := make([]byte, 18, 256)
	b[0], b[1] = 18, 1
	binary.LittleEndian.PutUint16(b[8:], s.ids[0])
	binary.LittleEndian.PutUint16(b[10:], s.ids[1])
	b = append(b, 9, 2, 0, 0, byte(len(s.parts)), 1, 0, 0x80, 250)
	for _, p := range s.parts {
		b = append(b, 9, 4, byte(p.number), 0, 1, p.class[0], p.class[1], p.class[2], 0)
		if p.class[0] == usb.ClassHID {
			b = append(b, 9, 0x21, byte(p.hid), byte(p.hid>>8), 0, 1, 0x22, byte(len(p.report)), byte(len(p.report)>>8))
			b = append(b, 7, 5, 0x81, 3, 8, 0, p.interval)
		} else {
			b = append(b, 7, 5, 0x82, 2, 0, 2, 0)
		}
	}
	return b
}
