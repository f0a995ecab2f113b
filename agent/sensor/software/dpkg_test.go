package software

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func packagesOf(t testing.TB, text string) (list []string, err error) {
	t.Helper()
	err = parseDpkgStatus(strings.NewReader(text), func(name, version []byte) {
		list = append(list, string(name)+" "+string(version))
	})
	return list, err
}

func TestParseDpkgStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, status string
		want         []string
		wantErr      bool
	}{
		{name: "empty"},
		{
			name:   "installed, removed, half installed",
			status: "Package: x11vnc\nStatus: install ok installed\nVersion: 0.9.16-9+b1\nDescription: VNC server\n Version: 9 is a line of text\n\nPackage: anydesk\nStatus: deinstall ok config-files\nVersion: 6\n\nPackage: rustdesk\nStatus: install reinstreq half-installed\n\n",
			want:   []string{"x11vnc 0.9.16-9+b1"},
		},
		{name: "no line at the end", status: "Package: a\nStatus: install ok installed\nVersion: 1", want: []string{"a 1"}},
		{name: "nothing carries over", status: "Status: install ok installed\nVersion: 1\n\nPackage: b\n\n"},
		{
			name:   "long line",
			status: "Package: a\nDepends: " + strings.Repeat("lib, ", 100_000) + "\nStatus: install ok installed\nVersion: 2\n\n",
			want:   []string{"a 2"},
		},
		{name: "line without end", status: "Package: " + strings.Repeat("a", 2<<20), wantErr: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := packagesOf(t, tt.status)
			if (err != nil) != tt.wantErr {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	broken := errors.New("disk")
	if err := parseDpkgStatus(iotest.ErrReader(broken), func(_, _ []byte) {}); !errors.Is(err, broken) {
		t.Errorf("error of the reader: %v", err)
	}
}

func FuzzParseDpkgStatus(f *testing.F) {
	f.Add([]byte("Package: x11vnc\nStatus: install ok installed\nVersion: 0.9.16-9+b1\n\n"))
	if status, err := os.ReadFile("testdata/laptop/var/lib/dpkg/status"); err == nil {
		f.Add(status)
	}
	f.Fuzz(func(t *testing.T, status []byte) {
		_ = parseDpkgStatus(bytes.NewReader(status), func(name, version []byte) {
			if len(name) == 0 || !bytes.Contains(status, name) || !bytes.Contains(status, version) {
				t.Errorf("package %q version %q is not in the file", name, version)
			}
		})
	})
}
