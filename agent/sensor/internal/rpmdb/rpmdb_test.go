package rpmdb

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// recorded is the database of rpm 4.18 with 83 packages, one of which has a header of
// many pages.
func recorded(t testing.TB) []byte {
	t.Helper()
	f, err := os.Open("testdata/rpmdb.sqlite.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func installed(data []byte, wanted func([]byte) bool) (map[string]string, error) {
	got := map[string]string{}
	err := Installed(bytes.NewReader(data), int64(len(data)), wanted, func(name, version string) { got[name] = version })
	return got, err
}

func all([]byte) bool { return true }

func TestRecorded(t *testing.T) {
	t.Parallel()
	want := map[string]string{"anydesk": "1.2.3-4.test", "tiny-thing": "1.2.3-4.test", "x11vnc": "1.2.3-4.test"}
	for i := range 80 {
		want[fmt.Sprintf("filler-%d-package", i+1)] = "1.2.3-4.test"
	}
	got, err := installed(recorded(t), all)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, packages (-want +got):\n%s", err, diff)
	}
	got, err = installed(recorded(t), func(name []byte) bool { return string(name) == "x11vnc" })
	if diff := cmp.Diff(map[string]string{"x11vnc": "1.2.3-4.test"}, got); diff != "" || err != nil {
		t.Errorf("%v, wanted packages (-want +got):\n%s", err, diff)
	}
}

// A database of the smallest pages, so that everything in it is a tree.
func TestSmallPages(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/small.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	got, err := installed(data, all)
	if len(got) != 20 || got["pkg19"] != "1-2" || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// What rpm itself builds and installs is read as it lists it.
func TestInstalledByRPM(t *testing.T) {
	t.Parallel()
	tools := farpath.Require(t, "rpm", "rpmbuild")
	folder := t.TempDir()
	spec := filepath.Join(folder, "x.spec")
	text := "Name: rust-desk+x\nVersion: 9~rc1\nRelease: 2\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\n" +
		strings.Repeat("a line\n", 3000) + "%files\n"
	if err := os.WriteFile(spec, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(program string, arguments ...string) string {
		out, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
		return string(out)
	}
	run(tools[1], "-bb", "--define", "_topdir "+folder, spec)
	database := filepath.Join(folder, "db")
	run(tools[0], "--define", "_db_backend sqlite", "--dbpath", database, "--justdb", "--nodeps", "-i",
		filepath.Join(folder, "RPMS/noarch/rust-desk+x-9~rc1-2.noarch.rpm"))
	listed := run(tools[0], "--define", "_db_backend sqlite", "--dbpath", database, "-qa", "--qf", "%{name} %{version}-%{release}\n")
	data, err := os.ReadFile(filepath.Join(database, "rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := installed(data, all)
	if err != nil {
		t.Fatal(err)
	}
	lines := ""
	for name, version := range got {
		lines += name + " " + version + "\n"
	}
	if diff := cmp.Diff(listed, lines); diff != "" {
		t.Errorf("rpm lists other packages (-rpm +read):\n%s", diff)
	}
}

// headerOf writes a header with three strings.
func headerOf(name, version, release string) []byte {
	var index, data []byte
	for i, value := range []string{name, version, release} {
		index = binary.BigEndian.AppendUint32(index, uint32(tagName+i))
		index = binary.BigEndian.AppendUint32(index, typeString)
		index = binary.BigEndian.AppendUint32(index, uint32(len(data)))
		index = binary.BigEndian.AppendUint32(index, 1)
		data = append(append(data, value...), 0)
	}
	h := binary.BigEndian.AppendUint32(nil, 3)
	h = binary.BigEndian.AppendUint32(h, uint32(len(data)))
	return append(append(h, index...), data...)
}

// ndbOf writes a database in rpm's own format.
func ndbOf(headers ...[]byte) []byte {
	page := append([]byte(ndbMagic), make([]byte, ndbHeader-4)...)
	binary.LittleEndian.PutUint32(page[12:], 1)
	var blobs []byte
	for i, h := range headers {
		page = binary.LittleEndian.AppendUint32(page, slotMagic)
		page = binary.LittleEndian.AppendUint32(page, uint32(i+1))
		page = binary.LittleEndian.AppendUint32(page, uint32((slotPage+len(blobs))/blockSize))
		page = binary.LittleEndian.AppendUint32(page, uint32(blobHeader+len(h)+blockSize-1)/blockSize)
		blob := binary.LittleEndian.AppendUint32(nil, blobMagic)
		blob = binary.LittleEndian.AppendUint32(blob, uint32(i+1))
		blob = binary.LittleEndian.AppendUint32(blob, 0)
		blob = append(binary.LittleEndian.AppendUint32(blob, uint32(len(h))), h...)
		blobs = append(blobs, append(blob, make([]byte, -len(blob)&(blockSize-1))...)...)
	}
	for len(page) < slotPage {
		page = append(binary.LittleEndian.AppendUint32(page, slotMagic), make([]byte, 12)...)
	}
	return append(page, blobs...)
}

func TestOwnFormat(t *testing.T) {
	t.Parallel()
	long := headerOf("long", strings.Repeat("1", 2*shortHeader), "1")
	got, err := installed(ndbOf(headerOf("x11vnc", "0.9.16", "3"), headerOf("bash", "5", "1"), long),
		func(name []byte) bool { return string(name) != "bash" })
	if diff := cmp.Diff(map[string]string{"x11vnc": "0.9.16-3", "long": ""}, got); diff != "" || err != nil {
		t.Errorf("%v, packages (-want +got):\n%s", err, diff)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	whole := recorded(t)
	for _, data := range [][]byte{nil, []byte("Berkeley"), bytes.Repeat([]byte{0x61}, 4096)} {
		if _, err := installed(data, all); !errors.Is(err, ErrFormat) {
			t.Errorf("%.8q: %v", data, err)
		}
	}
	for _, size := range []int{99, 100, 4096, 8192, len(whole) / 2} {
		if _, err := installed(whole[:size], all); err == nil {
			t.Errorf("%d bytes of %d are read as a whole", size, len(whole))
		}
	}
	circle := bytes.Clone(whole[:8192])
	// The only child of the first page is the page itself.
	copy(circle[100:], []byte{branchTable, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	if _, err := installed(circle, all); err == nil {
		t.Error("a tree that is a circle is read")
	}
}

func FuzzInstalled(f *testing.F) {
	small, err := os.ReadFile("testdata/small.sqlite")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add(ndbOf(headerOf("x11vnc", "1", "2")))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = installed(data, all)
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(headerOf("x11vnc", "1", "2"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if h, ok := parseHeader(data); ok && len(h.name) > 512 {
			t.Error("a name without end")
		}
	})
}
