package sensor

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// structure makes one structure of a table: type, formatted part after the header,
// strings.
func structure(kind byte, formatted []byte, texts ...string) []byte {
	s := append([]byte{kind, byte(4 + len(formatted)), 0, 0}, formatted...)
	for _, text := range texts {
		s = append(append(s, text...), 0)
	}
	if len(texts) == 0 {
		s = append(s, 0)
	}
	return append(s, 0)
}

func laptopTable() []byte {
	table := structure(0, []byte{1}, "Some BIOS")
	table = append(table, structure(1, []byte{1, 2, 0, 3, 0, 0}, "LENOVO", "20XW00AAUS", "PF-3ABCDE")...)
	table = append(table, structure(3, []byte{1, 0x80 | 10}, "LENOVO")...)
	return append(table, structure(127, nil)...)
}

func TestParseSMBIOS(t *testing.T) {
	t.Parallel()
	whole := smbios{manufacturer: "LENOVO", model: "20XW00AAUS", serial: "PF-3ABCDE", chassis: 10}
	compare := cmp.AllowUnexported(smbios{})
	if diff := cmp.Diff(whole, parseSMBIOS(laptopTable()), compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, table := range map[string][]byte{
		"nothing":                 nil,
		"a header alone":          {1, 27, 0, 0},
		"shorter than its header": {1, 3, 0, 0, 0, 0},
		"without end of strings":  append([]byte{1, 8, 0, 0, 1, 2, 0, 3}, "LENOVO"...),
		"after the end":           append(structure(127, nil), laptopTable()...),
		"a string that is not":    structure(1, []byte{9, 9, 0, 9}, "LENOVO"),
	} {
		if got := parseSMBIOS(table); got != (smbios{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	framed := binary.LittleEndian.AppendUint32([]byte{0, 3, 2, 0}, uint32(len(laptopTable())))
	framed = append(append(framed, laptopTable()...), "beyond"...)
	if diff := cmp.Diff(whole, parseSMBIOS(tableOfFirmware(framed)), compare); diff != "" {
		t.Errorf("as Windows tells it (-want +got):\n%s", diff)
	}
	if tableOfFirmware(framed[:7]) != nil {
		t.Error("a table out of seven bytes")
	}
}

func FuzzParseSMBIOS(f *testing.F) {
	f.Add(laptopTable())
	f.Add(structure(1, []byte{1, 2, 0, 3}, "a", "b", "c"))
	f.Fuzz(func(t *testing.T, table []byte) {
		s := parseSMBIOS(table)
		for _, word := range []string{s.manufacturer, s.model, s.serial} {
			if clean := cleanWord(word); len(clean) > longestWord || !utf8.ValidString(clean) {
				t.Errorf("word %q", clean)
			}
		}
		parseSMBIOS(tableOfFirmware(table))
	})
}

func TestCleanWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"  ThinkPad X1 ":                     "ThinkPad X1",
		"To Be Filled By O.E.M.":             "",
		"Default string":                     "",
		"0000000":                            "",
		"...":                                "",
		"evil\x1b[31m\r\nname\u202e":         "evil[31mname",
		"\xff\xfebroken":                     "broken",
		strings.Repeat("x", 100):             strings.Repeat("x", 64),
		strings.Repeat("x", 63) + "é" + "yz": strings.Repeat("x", 63),
	} {
		if got := cleanWord(word); got != want {
			t.Errorf("%q became %q, want %q", word, got, want)
		}
	}
}

func TestChassisOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		manufacturer, model string
		kind                byte
		want                farmhoundv1.Chassis
	}{
		{"LENOVO", "20XW00AAUS", 10, farmhoundv1.Chassis_CHASSIS_LAPTOP},
		{"Dell Inc.", "OptiPlex 7010", 3, farmhoundv1.Chassis_CHASSIS_DESKTOP},
		{"QEMU", "Standard PC", 1, farmhoundv1.Chassis_CHASSIS_VIRTUAL},
		{"Microsoft Corporation", "Virtual Machine", 3, farmhoundv1.Chassis_CHASSIS_VIRTUAL},
		{"Microsoft Corporation", "Surface Laptop 5", 9, farmhoundv1.Chassis_CHASSIS_LAPTOP},
		{"ACME", "Tower of servers", 17, farmhoundv1.Chassis_CHASSIS_OTHER},
		{"", "", 0, farmhoundv1.Chassis_CHASSIS_UNSPECIFIED},
	} {
		if got := chassisOf(tt.manufacturer, tt.model, tt.kind); got != tt.want {
			t.Errorf("%s %s of type %d is %v, want %v", tt.manufacturer, tt.model, tt.kind, got, tt.want)
		}
	}
}
