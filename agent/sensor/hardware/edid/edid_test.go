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
	"github.com/google/go-cmp/cmp/cmpopts"

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
	want := &edid.Display{
		Maker: "DEL", ProductCode: 0x2013, Serial: 0x36315345, Week: 32, Year: 2020, WidthCM: 60, HeightCM: 34,
		Name: "DELL D2721H", SerialText: "4YFGQ23", Width: 1920, Height: 1080,
	}
	if diff := cmp.Diff(want, d, cmpopts.IgnoreUnexported(edid.Display{})); diff != "" {
		t.Error(diff)
	}
	if !d.ChecksumOK() {
		t.Error("sums are right")
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

// sum is the byte that makes the sum of a block right.
func sum(part []byte) (last byte) {
	for _, b := range part {
		last -= b
	}
	return last
}

// Where the base block asks for no picture, an extension does.
func TestExtensionsAsk(t *testing.T) {
	t.Parallel()
	raw := read(t, "monitor.hex")
	clear(raw[54:126])
	raw[127] = sum(raw[:127])
	d, err := edid.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if d.Width != 1920 || d.Height != 1080 || d.Name != "" || !d.ChecksumOK() {
		t.Errorf("CTA-861: %+v", d)
	}
	data := []byte{
		0x20, 0, 12 + 5, 'A', 'B', 'C', 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 10, 20, 5, 'P', 'a', 'n', 'e', 'l',
		0x21, 0, 4, 0x70, 0x17, 0x20, 0x0d,
		0x22, 0, 20, 0x3b, 0x84, 0x04, 0, 0xff, 0x0e, 0x2f, 0x02, 0, 0, 0, 0, 0x6f, 0x08, 0x59, 0, 0, 0, 0, 0,
	}
	block := raw[128:]
	clear(block)
	block[0] = edid.TagDisplayID
	section := append([]byte{0x20, byte(len(data)), 0, 0}, data...)
	copy(block[1:], section)
	block[1+len(section)] = sum(section)
	block[127] = sum(block[:127])
	if d, err = edid.Parse(raw); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(edid.DisplayID{Name: "Panel", Serial: 0x12345678}, d.DisplayID); diff != "" {
		t.Error(diff)
	}
	if d.Width != 3840 || d.Height != 2160 || !d.ChecksumOK() {
		t.Errorf("DisplayID: %d by %d, sums %v", d.Width, d.Height, d.ChecksumOK())
	}
	// The section has a sum of its own, and must fit into its block.
	for name, change := range map[string]func(){
		"a wrong sum": func() { block[1+len(section)]++ },
		"too long":    func() { block[2] = 0xff },
	} {
		change()
		block[127] = sum(block[:127])
		if d, err = edid.Parse(raw); err != nil || d.ChecksumOK() {
			t.Errorf("%s: sums are right, %v", name, err)
		}
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
		if len(d.Maker) != 3 || len(d.Name) > 13 || len(d.SerialText) > 13 || (d.Width == 0) != (d.Height == 0) {
			t.Errorf("out of bounds: %+v", d)
		}
	})
}
