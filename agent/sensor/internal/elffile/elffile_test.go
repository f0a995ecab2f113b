package elffile

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// programOf writes a program that is nothing but what it says of itself.
func programOf(note, words string) []byte {
	h := make([]byte, headerSize)
	copy(h, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint64(h[32:], headerSize)
	binary.LittleEndian.PutUint16(h[54:], programSize)
	binary.LittleEndian.PutUint16(h[56:], 2)
	notes := binary.LittleEndian.AppendUint32(nil, 4)
	notes = binary.LittleEndian.AppendUint32(notes, 4)
	notes = append(binary.LittleEndian.AppendUint32(notes, 3), "GNU\x00\x01\x02\x03\x04"...)
	notes = binary.LittleEndian.AppendUint32(notes, 4)
	notes = binary.LittleEndian.AppendUint32(notes, uint32(len(note)))
	notes = append(binary.LittleEndian.AppendUint32(notes, packageNote), "FDO\x00"+note...)
	data := append(make([]byte, 48), goMagic...)
	data = append(append(data, 8, 2), make([]byte, 16)...)
	data = append(append(data, 6), "go1.26"...)
	data = append(binary.AppendUvarint(data, uint64(len(words))), words...)
	offset := uint64(headerSize + 2*programSize)
	for _, s := range []struct {
		kind, flags uint32
		data        []byte
	}{{segmentNote, 4, notes}, {segmentLoad, 6, data}} {
		p := make([]byte, programSize)
		binary.LittleEndian.PutUint32(p, s.kind)
		binary.LittleEndian.PutUint32(p[4:], s.flags)
		binary.LittleEndian.PutUint64(p[8:], offset)
		binary.LittleEndian.PutUint64(p[32:], uint64(len(s.data)))
		h = append(h, p...) //nolint:makezero // behind the header, which is made in place
		offset += uint64(len(s.data))
	}
	return append(append(h, notes...), data...) //nolint:makezero // the same
}

func TestRead(t *testing.T) {
	t.Parallel()
	const words = "0123456789abcdefpath\tgithub.com/fatedier/frp/cmd/frpc\nmod\tgithub.com/fatedier/frp\tv0.61\t\n0123456789abcdef"
	for _, tt := range []struct {
		name, note, words string
		want              Program
	}{
		{"both", `{"type":"rpm","name":"x11vnc","version":"0.9.16","architecture":"x86_64"}`, words, Program{"x11vnc", "github.com/fatedier/frp/cmd/frpc"}},
		{"padded", `{ "name" : "x11vnc" }` + "\x00\x00\x00", "", Program{Package: "x11vnc"}},
		{"escapes", `{"name":"x\u0031"}`, "path\tno end", Program{}},
		{"nothing", "", "", Program{}},
	} {
		got, err := new(Reader).Read(bytes.NewReader(programOf(tt.note, tt.words)))
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
	// What was read of one program is no other's.
	var again Reader
	for _, want := range []Program{{"x11vnc", ""}, {}} {
		note := "{}"
		if want.Package != "" {
			note = `{"name":"x11vnc"}`
		}
		if got, err := again.Read(bytes.NewReader(programOf(note, ""))); got != want || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
	}
	whole := programOf("{}", words)
	for _, size := range []int{0, 20, 70} {
		if _, err := new(Reader).Read(bytes.NewReader(whole[:size])); err == nil {
			t.Errorf("%d bytes are a program", size)
		}
	}
}

// A program that Go builds now, stripped as released ones are.
func TestBuiltByGo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/far\n\ngo 1.26\n", "cmd/viewer/main.go": "package main\n\nfunc main() {}\n"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", "update", "./cmd/viewer")
	c.Dir, c.Env = folder, append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(filepath.Join(folder, "update"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := new(Reader).Read(f)
	if diff := cmp.Diff(Program{Command: "example.com/far/cmd/viewer"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(programOf(`{"name":"x11vnc"}`, "0123456789abcdefpath\tx\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := new(Reader).Read(bytes.NewReader(data)); err == nil && len(p.Package)+len(p.Command) > 2*longest {
			t.Errorf("%+v is too long", p)
		}
	})
}
