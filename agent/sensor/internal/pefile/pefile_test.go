package pefile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	t.Parallel()
	example := Program{Company: "Example Software GmbH", Product: "Example Desk", Original: "ExampleDesk.exe", Version: "9.0.4"}
	signed := example
	signed.Signer = "Example Software GmbH"
	tests := []struct {
		name string
		data []byte
		want Program
	}{
		{"signed", read(t, "signed.exe"), signed},
		{"unsigned", read(t, "unsigned.exe"), example},
		{"32 bit", narrow(read(t, "unsigned.exe")), example},
		{"without resources", read(t, "plain.exe"), Program{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(bytes.NewReader(test.data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestReadCut reads a program that ends early, at every length.
func TestReadCut(t *testing.T) {
	t.Parallel()
	whole := read(t, "signed.exe")
	for length := range whole {
		p, err := Read(bytes.NewReader(whole[:length]))
		if err == nil && p.Signer != "" {
			t.Fatalf("cut to %d of %d bytes, it is signed by %q: the signature is at its end", length, len(whole), p.Signer)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"nothing":    nil,
		"a script":   []byte("#!/bin/sh\n"),
		"DOS only":   append([]byte("MZ"), make([]byte, 100)...),
		"far header": binary.LittleEndian.AppendUint32(append([]byte("MZ"), make([]byte, 58)...), 1<<31),
	} {
		if _, err := Read(bytes.NewReader(data)); err == nil {
			t.Errorf("%s was read as a program", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []string{"signed.exe", "unsigned.exe", "plain.exe"} {
		f.Add(read(f, file))
	}
	f.Add(narrow(read(f, "unsigned.exe")))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(bytes.NewReader(data))
		if err != nil && p != (Program{}) {
			t.Errorf("an error and %v", p)
		}
		for _, name := range []string{p.Company, p.Product, p.Original, p.Version, p.Signer} {
			if clean(name) != name {
				t.Errorf("%q is not clean", name)
			}
		}
	})
}

func FuzzSigner(f *testing.F) {
	image, err := open(bytes.NewReader(read(f, "signed.exe")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(image.signature())
	f.Fuzz(func(t *testing.T, data []byte) {
		if name := signerOf(data); clean(name) != name {
			t.Errorf("%q is not clean", name)
		}
	})
}

func FuzzVersion(f *testing.F) {
	image, err := open(bytes.NewReader(read(f, "unsigned.exe")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(image.versionResource())
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Program
		p.readVersion(data)
		if clean(p.Product) != p.Product {
			t.Errorf("%q is not clean", p.Product)
		}
	})
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// narrow turns a 64-bit program's headers into those of a 32-bit one: addresses are
// half as long, and one field more is there.
func narrow(data []byte) []byte {
	at := int(binary.LittleEndian.Uint32(data[60:])) + 4
	size := int(binary.LittleEndian.Uint16(data[at+16:]))
	wide := data[at+20 : at+20+size]
	optional := append([]byte{0x0b, 0x01}, wide[2:24]...)
	optional = append(optional, make([]byte, 8)...)
	optional = append(optional, wide[32:72]...)
	optional = append(optional, make([]byte, 16)...)
	optional = append(optional, wide[104:]...)
	sections := 40 * int(binary.LittleEndian.Uint16(data[at+2:]))
	out := append(bytes.Clone(data[:at+20]), optional...)
	binary.LittleEndian.PutUint16(out[at+16:], uint16(len(optional)))
	out = append(out, data[at+20+size:at+20+size+sections]...)
	out = append(out, make([]byte, size-len(optional))...)
	return append(out, data[len(out):]...)
}
