package sighting_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/sighting"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	linux   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	windows = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS
	macOS   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

	identifying = farmhoundv1.Strength_STRENGTH_IDENTIFYING
	supporting  = farmhoundv1.Strength_STRENGTH_SUPPORTING
	weak        = farmhoundv1.Strength_STRENGTH_WEAK
)

// word returns a kind by the word for it.
func word(t testing.TB, name string) farmhoundv1.FactKind {
	t.Helper()
	kind, known := farmhoundv1.FactKind_value["FACT_KIND_"+strings.ToUpper(name)]
	if !known {
		t.Fatalf("no kind %s", name)
	}
	return farmhoundv1.FactKind(kind)
}

// reader knows three invented tools and one device.
func reader(t testing.TB) *sighting.Reader {
	t.Helper()
	fact := func(os farmhoundv1.OperatingSystem, kind, value string, strength farmhoundv1.Strength) *farmhoundv1.Fact {
		return &farmhoundv1.Fact{Kind: word(t, kind), Os: os, Value: value, Strength: strength}
	}
	common := fact(linux, "process", "ordinaryd", supporting)
	common.Common = true
	vendor, productID := uint32(0x1d6b), uint32(0x0104)
	c := &farmhoundv1.Catalog{Version: 1, Entries: []*farmhoundv1.Entry{
		{
			Id: "box", Name: "Box", Category: farmhoundv1.Category_CATEGORY_IP_KVM, Facts: []*farmhoundv1.Fact{
				{Kind: word(t, "usb"), Strength: identifying, Usb: &farmhoundv1.UsbIdentity{Manufacturer: "Remote Makers", Product: "Box One"}},
				{Kind: word(t, "usb"), Strength: supporting, Usb: &farmhoundv1.UsbIdentity{VendorId: &vendor, ProductId: &productID}},
				{Kind: word(t, "usb"), Strength: supporting, Usb: &farmhoundv1.UsbIdentity{StorageName: "Remote Flash"}},
				{Kind: word(t, "edid"), Strength: identifying, Edid: &farmhoundv1.EdidIdentity{Maker: "TSB", Name: "Box-H2C"}},
			},
		},
		{
			Id: "ordinary", Name: "Ordinary", Category: farmhoundv1.Category_CATEGORY_REMOTE_CONTROL, Facts: []*farmhoundv1.Fact{
				common, fact(linux, "port", "4455", supporting), fact(windows, "process", "setup.exe", weak),
			},
		},
		{
			Id: "seer", Name: "Seer", Category: farmhoundv1.Category_CATEGORY_RMM, Facts: []*farmhoundv1.Fact{
				fact(windows, "process", "seerhost.exe", supporting),
				fact(windows, "process", "seerquick*.exe", supporting),
				fact(windows, "path", `C:\Program Files\Seer\`, supporting),
				fact(windows, "path", `~\AppData\Roaming\SeerUser\`, supporting),
				fact(windows, "service", "Seer Remote Service", supporting),
				fact(windows, "uninstall_key", "Seer Host", identifying),
				fact(windows, "uninstall_key", "Seer Client (*", supporting),
				fact(windows, "signer", "Seer Software GmbH", supporting),
				fact(windows, "product_name", "Seer", supporting),
				fact(windows, "original_filename", "seercore.exe", identifying),
				fact(0, "domain", "*.relay.seer.example", supporting),
				fact(0, "port", "7455", supporting),
				fact(linux, "process", "seer-streamer-daemon", identifying),
				fact(linux, "service", "seerd", supporting),
				fact(linux, "service", "seer@", supporting),
				fact(linux, "package", "seer-host", supporting),
				fact(linux, "path", "/opt/seer/", supporting),
				fact(linux, "interface", "seer*", supporting),
				fact(macOS, "bundle_id", "com.seer.Host", identifying),
				fact(macOS, "launchd", "com.seer.agent", supporting),
				fact(macOS, "path", "/Applications/Seer.app/", identifying),
				fact(macOS, "process", "Seer", supporting),
			},
		},
	}}
	encoded, err := catalog.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := catalog.Load(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return sighting.New(loaded)
}

// block is an EDID base block with a maker, a name and a serial number.
func block(name string, serial uint32) string {
	b := make([]byte, 128)
	copy(b, []byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 'T'&31<<2 | 'S'&31>>3, 'S'&31<<5&0xff | 'B'&31})
	b[12], b[13], b[14], b[15] = byte(serial), byte(serial>>8), byte(serial>>16), byte(serial>>24)
	copy(b[72:], append([]byte{0, 0, 0, 0xfc, 0}, (name + "\n            ")[:13]...))
	return hex.EncodeToString(b)
}

func TestForms(t *testing.T) {
	t.Parallel()
	cases := []struct {
		os, kind, value string
		want            string // id and strength, empty for none
	}{
		{"windows", "process", "SeerHost.exe", "seer supporting"},
		{"windows", "process", "seerhost", "seer supporting"},
		{"windows", "process", `"C:\Users\bob\Downloads\SEERHOST.EXE" --service -x`, "seer supporting"},
		{"windows", "process", "seerhost (1).exe", "seer supporting"},
		{"windows", "process", "SeerHost-4.2.11-x86_64.exe", "seer supporting"},
		{"windows", "process", "seerquick_a81f.exe", "seer supporting"},
		{"windows", "process", "seerquick_a81f.txt", ""},
		{"windows", "process", "setup.exe", "ordinary weak"},
		{"windows", "path", `c:\program files (x86)\SEER\9.1\x.dll`, "seer supporting"},
		{"windows", "path", `%ProgramFiles(x86)%\Seer\bin\a.exe`, "seer supporting"},
		{"windows", "path", `D:\Program Files\Seer`, "seer supporting"},
		{"windows", "path", `\\?\C:\PROGRA~1\Seer\a.exe`, "seer supporting"},
		{"windows", "path", `\Device\HarddiskVolume3\Program Files\Seer\a.exe`, "seer supporting"},
		{"windows", "path", `C:\Users\Bob Smith\AppData\Roaming\SeerUser\log.txt`, "seer supporting"},
		{"windows", "path", `%appdata%\seeruser\`, "seer supporting"},
		{"windows", "path", `*\Seer\*`, "seer supporting"},
		{"windows", "path", `C:/Temp/seerhost.exe`, "seer supporting"},
		{"windows", "path", `C:\Program Files (x86)\Seer Client (0a1b2c)\x.dll`, "seer supporting"},
		{"windows", "path", `C:\Program Files\Overseer\a.exe`, ""},
		{"windows", "service", "seer remote service", "seer supporting"},
		{"windows", "service", "Seer® Remote Service", "seer supporting"},
		{"windows", "service", "SeerRemoteService", "seer supporting"},
		{"windows", "uninstall_key", "Seer Host", "seer identifying"},
		{"windows", "uninstall_key", "Seer Host 4.2.11", "seer identifying"},
		{"windows", "uninstall_key", "Seer Host version 4.2 (x64)", "seer identifying"},
		{"windows", "uninstall_key", `HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\Seer Host_is1`, "seer identifying"},
		{"windows", "uninstall_key", "Seer Client (a1b2)", "seer supporting"},
		{"windows", "signer", `CN="Seer Software GmbH", O="Seer Software GmbH", L=Berlin, C=DE`, "seer supporting"},
		{"windows", "signer", "C=DE, O=Seer Software", "seer supporting"},
		{"windows", "signer", "CN=Microsoft Corporation, O=Microsoft Corporation, C=US", ""},
		{"windows", "product_name", "SEER 4", "seer supporting"},
		{"windows", "original_filename", "SeerCore.exe", "seer identifying"},
		{"windows", "original_filename", "SEERHOST.EXE.MUI", "seer supporting"},
		{"windows", "domain", "eu7.relay.seer.example.", "seer supporting"},
		{"windows", "domain", "https://eu7.relay.seer.example:443/x", "seer supporting"},
		{"windows", "domain", "*.relay.seer.example", "seer supporting"},
		{"windows", "domain", "notrelay.seer.example", ""},
		{"windows", "port", "7455", "seer weak"},
		{"windows", "port", "0.0.0.0:7455", "seer weak"},
		{"windows", "port", "7455/tcp", "seer weak"},
		{"linux", "process", "seer-streamer-d", "seer identifying"},
		{"linux", "process", "/usr/local/bin/seer-streamer-daemon --fork", "seer identifying"},
		{"linux", "process", "ordinaryd", "ordinary weak"},
		{"linux", "service", "seerd.service", "seer supporting"},
		{"linux", "service", "/etc/systemd/system/seerd.service", "seer supporting"},
		{"linux", "service", "seer@alice.service", "seer supporting"},
		{"linux", "service", "seer.service", ""},
		{"linux", "package", "seer-host:amd64", "seer supporting"},
		{"linux", "package", "seer-host_4.2.1-1_amd64.deb", "seer supporting"},
		{"linux", "package", "seer-host-4.2.1-1.x86_64", "seer supporting"},
		{"linux", "path", "/opt/seer/bin/x", "seer supporting"},
		{"linux", "path", "/etc/systemd/system/seerd.service", "seer supporting"},
		{"linux", "interface", "seer0@if3:", "seer supporting"},
		{"macos", "bundle_id", "com.seer.host", "seer identifying"},
		{"macos", "bundle_id", "com.seer.Host.helper", "seer supporting"},
		{"macos", "bundle_id", "9JD383RD7S.com.seer.Host", "seer identifying"},
		{"macos", "launchd", "/Library/LaunchDaemons/com.seer.agent.plist", "seer supporting"},
		{"macos", "path", "/Users/bob/Applications/Seer.app/Contents/MacOS/Seer", "seer identifying"},
		{"windows", "usb", "1d6b:0104 Remote Makers Box One", "box identifying"},
		{"windows", "usb", "Bus 001 Device 004: ID 1d6b:0104 Linux Foundation Multifunction Composite Gadget", "box weak"},
		{"windows", "usb", "vid=1d6b;pid=0104;manufacturer=Remote  Makers;product=box one;serial=CAFEBABE", "box identifying"},
		{"windows", "usb", "scsi_inquiry=Remote  Flash   1.00", "box supporting"},
		{"windows", "usb", `USB\VID_1D6B&PID_0104\6&2A1B3C4D&0&1`, "box weak"},
		{"windows", "usb", "046d:c52b Logitech USB Receiver", ""},
		{"linux", "edid", block("Box-H2C", 1), "box identifying"},
		{"linux", "edid", "mfg=TSB;product=8888;name=BOX-H2C", "box identifying"},
		{"linux", "edid", block("TOSHIBA-TV", 1), ""},
	}
	r := reader(t)
	for _, c := range cases {
		t.Run(c.os+" "+c.kind+" "+c.value, func(t *testing.T) {
			t.Parallel()
			value, err := json.Marshal(c.value)
			if err != nil {
				t.Fatal(err)
			}
			result, complaints := r.Line(1, fmt.Appendf(nil, `{"os":%q,"facts":[{"kind":%q,"value":%s}]}`, c.os, c.kind, value))
			if result == nil || len(complaints) > 0 {
				t.Fatalf("not read: %v", complaints)
			}
			var got []string
			for _, m := range result.Matches {
				got = append(got, m.ID+" "+m.Strength)
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Facts of one line are judged together, whatever there is beside them.
func TestTogether(t *testing.T) {
	t.Parallel()
	result, complaints := reader(t).Line(7, []byte(`{"os":"linux","note":"ignored","facts":[
		{"kind":"process","value":"ordinaryd"},{"kind":"port","value":4455},{"kind":"port","value":"99999"},{"kind":"colour","value":"red"},{"kind":"path"}]}`))
	want := &sighting.Result{Line: 7, Matches: []sighting.Found{{ID: "ordinary", Name: "Ordinary", Category: "remote-control", Strength: "supporting"}}}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Error(diff)
	}
	var said []string
	for _, c := range complaints {
		said = append(said, c.Error())
	}
	if len(said) != 3 || said[0] != `line 7: fact 3: "99999" is no port` || !strings.HasPrefix(said[1], `line 7: fact 4: unknown kind "colour"; known are bundle_id, `) || said[2] != "line 7: fact 5: has no value" {
		t.Errorf("said %q", said)
	}
}

// The strongest fact of a line counts, wherever in it and in the entry it stands.
func TestStrongestCounts(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`{"os":"linux","facts":[{"kind":"domain","value":"a.relay.seer.example"},{"kind":"process","value":"seer-streamer-daemon"}]}`,
		`{"os":"linux","facts":[{"kind":"process","value":"seer-streamer-daemon"},{"kind":"domain","value":"a.relay.seer.example"}]}`,
	} {
		result, _ := reader(t).Line(1, []byte(line))
		if len(result.Matches) != 1 || result.Matches[0].Strength != "identifying" {
			t.Errorf("%s: %v", line, result.Matches)
		}
	}
}

// A bad line harms no other, and is named with its number.
func TestEach(t *testing.T) {
	t.Parallel()
	in := "\xef\xbb\xbf" + `{"os":"windows","facts":[{"kind":"process","value":"seerhost.exe"}]}` + "\r\n\n" +
		"nonsense\n" + `{"os":"beos","facts":[]}` + "\n" + `{"os":"linux"}` + "\n" + strings.Repeat("x", sighting.MaxLine+1) + "\n" +
		`{"os":"macos","facts":[]}`
	var lines, bad []int
	err := reader(t).Each(strings.NewReader(in), func(r sighting.Result) error {
		lines = append(lines, r.Line)
		if r.Matches == nil {
			t.Error("no list of matches")
		}
		return nil
	}, func(c sighting.Complaint) { bad = append(bad, c.Line) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 7}, lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{3, 4, 5, 6}, bad); diff != "" {
		t.Error(diff)
	}
}

// Whatever a line holds, it is judged or complained of, and never both lost.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{
		`{"os":"windows","facts":[{"kind":"process","value":"C:\\Users\\a\\seerhost.exe -x"},{"kind":"uninstall_key","value":"Seer 1.2"}]}`,
		`{"os":"windows","facts":[{"kind":"path","value":"%ProgramFiles(x86)%\\Seer\\*"},{"kind":"signer","value":"CN=\"a\\,b\", O=c"}]}`,
		`{"os":"linux","facts":[{"kind":"usb","value":"vid=1d6b;pid=0104;serial=CAFEBABE"},{"kind":"usb","value":"1d6b:0104 a b c"}]}`,
		`{"os":"macos","facts":[{"kind":"launchd","value":"application.com.seer.1.2"},{"kind":"bundle_id","value":"a.b.c.d"}]}`,
		`{"os":"linux","facts":[{"kind":"edid","value":"` + block("x", 2) + `"},{"kind":"port","value":70000}]}`,
		`{"os":"linux","facts":[{"kind":"domain","value":"http://[::1]:80/"},{"kind":"path","value":"~/.config/x/"}]}`,
		`{`, `{"os":"linux","facts":null}`,
	} {
		f.Add([]byte(seed))
	}
	r := reader(f)
	f.Fuzz(func(t *testing.T, line []byte) {
		result, complaints := r.Line(1, line)
		if result == nil && len(complaints) == 0 {
			t.Error("neither judged nor complained of")
		}
	})
}
