package hardware

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// layFiles writes files below a root.
func layFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// monitor is a description with names of choice and right sums.
func monitor(t *testing.T, maker uint16, code uint16, name string) string {
	t.Helper()
	text, err := os.ReadFile("edid/testdata/monitor.hex")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, _ := strings.Cut(string(text), "\n")
	raw, err := hex.DecodeString(strings.Join(strings.Fields(text2), ""))
	if err != nil {
		t.Fatal(err)
	}
	raw[8], raw[9], raw[10], raw[11] = byte(maker>>8), byte(maker), byte(code), byte(code>>8)
	copy(raw[95:108], name+"\n            ")
	raw[127] = 0
	var sum byte
	for _, b := range raw[:127] {
		sum += b
	}
	raw[127] = -sum
	return string(raw)
}

func TestSense(t *testing.T) {
	t.Parallel()
	const lnx, del = 0x31d8, 0x10ac
	root := t.TempDir()
	layFiles(t, root, map[string]string{
		"/sys/class/drm/card0-eDP-1/status":             "connected\n",
		"/sys/class/drm/card0-eDP-1/edid":               monitor(t, del, 0x1234, "Panel"),
		"/sys/class/drm/card0-HDMI-A-1/status":          "connected\n",
		"/sys/class/drm/card0-HDMI-A-1/edid":            monitor(t, lnx, 0x7771, "PiKVM V3"),
		"/sys/class/drm/card0-DP-1/status":              "disconnected\n",
		"/sys/class/drm/card0-DP-1/edid":                "",
		"/sys/class/drm/card0-DP-2/status":              "connected\n",
		"/sys/class/drm/card0-DP-2/edid":                "garbage",
		"/sys/class/drm/version":                        "drm 1.1.0 20060810\n",
		"/proc/acpi/button/lid/LID0/state":              "state:      closed\n",
		"/sys/class/power_supply/AC/type":               "Mains\n",
		"/sys/class/power_supply/AC/online":             "1\n",
		"/sys/class/power_supply/BAT0/type":             "Battery\n",
		"/sys/class/power_supply/BAT0/status":           "Full\n",
		"/sys/class/power_supply/BAT0/cycle_count":      "412\n",
		"/sys/class/power_supply/hidpp_battery_0/type":  "Battery\n",
		"/sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
		usbFolder + "/1-2/idVendor":                     "046d\n",
		usbFolder + "/1-2/idProduct":                    "c077\n",
		usbFolder + "/1-2/product":                      "\x1b]0;owned\x07Mouse\u202e\n",
		usbFolder + "/1-2/serial":                       "A1\n",
	})
	key := &farmhoundv1.FleetKey{Id: 3, Key: []byte(strings.Repeat("k", fleetkey.KeySize))}
	keys, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{key})
	if err != nil {
		t.Fatal(err)
	}
	s := New(host.Host{Root: root}, catalog.BuiltIn(), keys)
	report := new(farmhoundv1.Report)
	if err := s.Observe(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	rules, err := fieldrules.Compile(report.ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	whole := proto.CloneOf(report)
	if err := rules.Validate(whole); err != nil && strings.Contains(err.Error(), "hardware") {
		t.Errorf("not fit for a report: %v", err)
	}
	h := report.GetHardware()
	got := map[string]string{}
	for _, d := range h.GetDisplays() {
		got[d.GetConnector()] = d.GetMaker() + " " + d.GetName() + " " + d.GetCatalogId()
		if d.GetName() != "" && (!d.GetChecksumOk() || d.GetWidthPx() != 1920 || len(d.GetEdidSha256()) != 32) {
			t.Errorf("%v", d)
		}
	}
	want := map[string]string{"eDP-1": "DEL Panel ", "HDMI-A-1": "LNX PiKVM V3 pikvm", "DP-2": "  "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sum, id, _ := keys.Hash(fleetkey.PeripheralSerial, []byte("A1"))
	mouse := &farmhoundv1.UsbDevice{
		VendorId: 0x046d, ProductId: 0xc077, Product: "]0;ownedMouse", PortPath: "1-2",
		Serial: &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY, Hash: sum, KeyId: id},
	}
	if diff := cmp.Diff([]*farmhoundv1.UsbDevice{mouse}, h.GetUsb(), protocmp.Transform(), protocmp.IgnoreFields(&farmhoundv1.PeripheralSerial{}, "earlier")); diff != "" {
		t.Error(diff)
	}
	if !h.GetLidClosed() || h.GetPower() != farmhoundv1.PowerSource_POWER_SOURCE_AC || h.GetBatteryCycles() != 412 {
		t.Errorf("lid %v, power %v, cycles %v", h.LidClosed, h.GetPower(), h.BatteryCycles)
	}
}

// What a tree does not show is said and left unknown.
func TestNothingShown(t *testing.T) {
	t.Parallel()
	report := new(farmhoundv1.Report)
	err := New(host.Host{Root: t.TempDir()}, catalog.BuiltIn(), fleetkey.Ring{}).Observe(t.Context(), report)
	if err == nil || err.Error() != detailNoUSB+"; "+detailNoDisplays {
		t.Errorf("error %v", err)
	}
	h := report.GetHardware()
	if h == nil || h.LidClosed != nil || h.GetPower() != 0 || h.BatteryCycles != nil {
		t.Errorf("%v", h)
	}
}

// Where power comes from is told where it is known, for all that Linux calls online.
func TestPower(t *testing.T) {
	t.Parallel()
	const (
		mains   = farmhoundv1.PowerSource_POWER_SOURCE_AC
		battery = farmhoundv1.PowerSource_POWER_SOURCE_BATTERY
		unknown = farmhoundv1.PowerSource_POWER_SOURCE_UNSPECIFIED
	)
	for _, tt := range []struct {
		name                string
		port, level, status string
		want                farmhoundv1.PowerSource
	}{
		{"plugged in", "Mains", "1", "Charging", mains},
		{"plugged in, with a voltage that was agreed on", "USB", "2", "Charging", mains},
		{"not plugged in", "Mains", "0", "Discharging", battery},
		{"nothing in a port, nothing said of the battery", "USB", "0", "Unknown", battery},
		{"nothing in the port of a computer without battery", "USB", "0", "", unknown},
		{"a port that says nothing", "USB", "", "Full", unknown},
		{"a battery alone", "", "", "Discharging", battery},
		{"a battery alone that does not discharge", "", "", "Full", unknown},
	} {
		root := t.TempDir()
		files := map[string]string{"/proc/acpi/button/lid/LID0/state": "state:      open\n"}
		if tt.port != "" {
			files[powerFolder+"/P0/type"], files[powerFolder+"/P0/online"] = tt.port+"\n", tt.level+"\n"
		}
		if tt.status != "" {
			files[powerFolder+"/BAT0/type"], files[powerFolder+"/BAT0/status"] = "Battery\n", tt.status+"\n"
		}
		layFiles(t, root, files)
		s := newSystem(host.Host{Root: root})
		if got := s.power(true); got.source != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got.source, tt.want)
		}
	}
}

// Seconds with the lid closed and on mains are counted between looks, and a window
// of which too little is known has no count.
func TestCount(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	state := func(lid, online string) {
		layFiles(t, root, map[string]string{
			"/proc/acpi/button/lid/LID0/state":  "state:      " + lid + "\n",
			"/sys/class/power_supply/AC/type":   "Mains\n",
			"/sys/class/power_supply/AC/online": online + "\n",
			"/sys/class/power_supply/BAT0/type": "Battery\n",
		})
	}
	now := time.Unix(1_700_000_000, 0)
	s := New(host.Host{Root: root, Now: func() time.Time { return now }}, catalog.BuiltIn(), fleetkey.Ring{})
	look := func(after time.Duration) {
		now = now.Add(after)
		_ = s.Observe(t.Context(), new(farmhoundv1.Report))
	}
	count := func(after time.Duration, asleep uint32) *farmhoundv1.Window {
		now = now.Add(after)
		w := &farmhoundv1.Window{Seconds: 300, AsleepSeconds: proto.Uint32(asleep)}
		s.Count(w)
		return w
	}
	expect := func(w *farmhoundv1.Window, lid, mains *uint32) {
		t.Helper()
		if diff := cmp.Diff([]*uint32{lid, mains}, []*uint32{w.LidClosedSeconds, w.OnAcSeconds}); diff != "" {
			t.Error(diff)
		}
	}
	state("open", "1")
	look(0)
	look(time.Minute)
	state("closed", "0")
	look(time.Minute)
	look(time.Minute)
	expect(count(2*time.Minute, 0), proto.Uint32(180), proto.Uint32(120))
	// The count went on meanwhile, and begins anew.
	look(2 * time.Minute)
	state("closed", "1")
	look(time.Minute)
	expect(count(2*time.Minute, 0), proto.Uint32(300), proto.Uint32(120))
	// An hour without a look is not known.
	look(time.Hour)
	expect(count(time.Minute, 0), nil, nil)
	// Windows that end while nothing is looked at are known for as long as the last look
	// is fresh.
	look(0)
	expect(count(5*time.Minute, 0), proto.Uint32(300), proto.Uint32(300))
	expect(count(5*time.Minute, 0), proto.Uint32(300), proto.Uint32(300))
	expect(count(5*time.Minute, 0), nil, nil)
	expect(count(5*time.Minute, 0), nil, nil)
	// A window that was mostly slept through is known by its waking minute.
	look(0)
	expect(count(time.Minute, 240), proto.Uint32(60), proto.Uint32(60))
	// A lid that is not told is not counted.
	if err := os.RemoveAll(filepath.Join(root, "proc")); err != nil {
		t.Fatal(err)
	}
	look(0)
	look(4 * time.Minute)
	expect(count(time.Minute, 0), nil, proto.Uint32(300))
}

// A steady look at the running machine reads no device again.
func TestSteady(t *testing.T) { //nolint:paralleltest // it counts what the whole process allocates
	m := newMark(host.Host{})
	m.changed()
	if m.changed() {
		t.Error("changed although nothing did")
	}
	if n := testing.AllocsPerRun(50, func() { m.changed() }); n > 12 {
		t.Errorf("%v allocations to see that nothing changed", n)
	}
	s := New(host.Host{}, catalog.BuiltIn(), fleetkey.Ring{})
	look := func() { _ = s.Observe(t.Context(), new(farmhoundv1.Report)) }
	look()
	first := s.latest
	if n := testing.AllocsPerRun(50, look); n > 60 {
		t.Errorf("%v allocations in a steady look", n)
	} else {
		t.Logf("%v allocations in a steady look", n)
	}
	if s.latest != first {
		t.Error("devices were read again")
	}
}
