package edid_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/edid"
)

// read reads a description written in hexadecimal; lines that begin with # are not
// part of it.
func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	raw, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	d, err := edid.Parse(read(t, "monitor.hex"))
	if err != nil {
		t.Fatal(err)
	}
	type facts struct {
		Maker            string
		Code             uint16
		Serial           uint32
		Week             uint8
		Year             uint16
		Version          [2]uint8
		Digital          bool
		Size             [2]uint8
		Name, SerialText string
		Range            edid.Range
		OK               bool
		Blocks           int
		Audio            bool
		Codes            []uint8
		Makers           []uint32
		Preferred        [3]uint32
		Millimetres      [2]uint16
		Timings          int
	}
	preferred, _ := d.Preferred()
	got := facts{
		d.Maker, d.ProductCode, d.Serial, d.Week, d.Year, [2]uint8{d.Version, d.Revision}, d.Digital, [2]uint8{d.WidthCM, d.HeightCM},
		d.Name, d.SerialText, *d.Range, d.ChecksumOK(), len(d.Blocks), d.CTA.Audio, d.CTA.VideoCodes, d.CTA.Makers,
		[3]uint32{uint32(preferred.Width), uint32(preferred.Height), preferred.RefreshMilliHz()}, [2]uint16{preferred.WidthMM, preferred.HeightMM}, len(d.Timings),
	}
	want := facts{
		Maker: "DEL", Code: 0x2013, Serial: 0x36315345, Week: 32, Year: 2020, Version: [2]uint8{1, 3}, Digital: true, Size: [2]uint8{60, 34},
		Name: "DELL D2721H", SerialText: "4YFGQ23", Range: edid.Range{MinVerticalHz: 56, MaxVerticalHz: 76, MinHorizontalKHz: 30, MaxHorizontalKHz: 83, MaxClockMHz: 170},
		OK: true, Blocks: 2, Codes: []uint8{16, 5, 4, 3, 2, 7, 22, 1, 6, 17, 18, 21, 19, 20, 31}, Makers: []uint32{0x000c03},
		Preferred: [3]uint32{1920, 1080, 60000}, Millimetres: [2]uint16{598, 336}, Timings: 5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	raw := read(t, "monitor.hex")
	change := func(at int, b byte) []byte {
		damaged := bytes.Clone(raw)
		damaged[at] = b
		return damaged
	}
	cases := []struct {
		name string
		data []byte
		err  error
		ok   bool
	}{
		{"whole", raw, nil, true},
		{"empty", nil, edid.ErrShort, false},
		{"cut", raw[:100], edid.ErrShort, false},
		{"no header", change(3, 0), edid.ErrHeader, false},
		{"extension missing", raw[:128], nil, false},
		{"extension cut", raw[:200], nil, false},
		{"wrong sum in the base block", change(127, 0), nil, false},
		{"wrong sum in the extension", change(255, 0), nil, false},
		{"data block longer than its block", change(132, 0x5f), nil, false},
		{"timings after the end", change(130, 0xff), nil, false},
		{"said twice", bytes.Repeat(raw, 2), nil, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := edid.Parse(c.data)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && (d.ChecksumOK() != c.ok || d.Name != "DELL D2721H") {
				t.Errorf("sums %v, want %v; name %q", d.ChecksumOK(), c.ok, d.Name)
			}
		})
	}
}

// A DisplayID section names the product and has timings of its own.
func TestDisplayID(t *testing.T) {
	t.Parallel()
	block := make([]byte, edid.BlockSize)
	block[0] = edid.TagDisplayID
	data := []byte{
		0x20, 0, 12 + 5, 'A', 'B', 'C', 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 10, 20, 5, 'P', 'a', 'n', 'e', 'l',
		0x21, 0, 4, 0x70, 0x17, 0x20, 0x0d,
		0x22, 0, 20, 0x3b, 0x84, 0x04, 0, 0xff, 0x0e, 0x2f, 0x02, 0, 0, 0, 0, 0x6f, 0x08, 0x59, 0, 0, 0, 0, 0,
	}
	section := append([]byte{0x20, byte(len(data)), 0, 0}, data...)
	copy(block[1:], section)
	fix := func(part []byte) byte {
		var sum byte
		for _, b := range part {
			sum += b
		}
		return -sum
	}
	block[1+len(section)] = fix(section)
	block[127] = fix(block[:127])
	raw := append(read(t, "monitor.hex")[:128:128], block...)
	d, err := edid.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := edid.DisplayID{Version: 0x20, Name: "Panel", Serial: 0x12345678, ProductCode: 0x1234, WidthTenthMM: 6000, HeightTenthMM: 3360, SectionsOK: true}
	if diff := cmp.Diff(want, d.DisplayID); diff != "" {
		t.Error(diff)
	}
	last := d.Timings[len(d.Timings)-1]
	if last.Width != 3840 || last.Height != 2160 || last.ClockKHz != 0x04843b+1 {
		t.Errorf("timing %+v", last)
	}
	if !d.ChecksumOK() {
		t.Error("sums are right")
	}
}

func FuzzParse(f *testing.F) {
	raw := read(f, "monitor.hex")
	f.Add(raw)
	f.Add(raw[:128])
	f.Add(append(bytes.Clone(raw[:128]), append([]byte{edid.TagDisplayID, 0x20, 0x79, 0, 0, 0x22, 0, 20}, make([]byte, 120)...)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := edid.Parse(data)
		if err != nil {
			return
		}
		if len(d.Blocks) > edid.MaxBlocks || len(d.Maker) != 3 || len(d.Name) > 13 || len(d.SerialText) > 13 {
			t.Errorf("out of bounds: %d blocks, %q, %q, %q", len(d.Blocks), d.Maker, d.Name, d.SerialText)
		}
		for _, timing := range d.Timings {
			timing.RefreshMilliHz()
		}
	})
}
