package session

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// recordedLogins is a tree with a record of logins and nothing else.
const recordedLogins = "../internal/utmp/testdata/amd64"

// began is when every login of that record did.
var began = time.Date(2026, 11, 24, 6, 12, 0, 500_000_000, time.UTC)

func logons(t *testing.T, s *Sensor) []*farmhoundv1.Logon {
	t.Helper()
	report := &farmhoundv1.Report{}
	if err := s.Observe(t.Context(), report); err != nil {
		t.Fatalf("observe: %v", err)
	}
	return report.GetLogons().GetSessions()
}

func TestLogonsOfRecord(t *testing.T) {
	t.Parallel()
	ssh := func(peer string) *farmhoundv1.Logon {
		return &farmhoundv1.Logon{Kind: farmhoundv1.LogonKind_LOGON_KIND_SSH, StartedAt: timestamppb.New(began), Peer: peer}
	}
	// The terminal of which the record has a name instead of an address is not told
	// from a terminal window, and left out.
	want := []*farmhoundv1.Logon{
		{Kind: farmhoundv1.LogonKind_LOGON_KIND_CONSOLE, StartedAt: timestamppb.New(began)},
		ssh("203.0.113.9"), ssh("2001:db8::7"), ssh("198.18.0.4"),
	}
	got := logons(t, New(host.Host{Root: recordedLogins}))
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A record whose process has gone is left over from a crash.
func TestLoginsWithoutProcessAreLeftOut(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	record, err := os.ReadFile(recordedLogins + "/run/utmp")
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, "run/utmp", record)
	put(t, root, "proc/1/stat", nil)
	put(t, root, "proc/2300/stat", nil)
	got := logons(t, New(host.Host{Root: root}))
	if len(got) != 1 || got[0].GetPeer() != "2001:db8::7" {
		t.Errorf("logons %v", got)
	}
}

func TestNeitherSourceIsSaid(t *testing.T) {
	t.Parallel()
	report := &farmhoundv1.Report{}
	err := New(host.Host{Root: t.TempDir()}).Observe(t.Context(), report)
	var partial host.Partial
	if !errors.As(err, &partial) || partial.Detail != detailNoLogons {
		t.Errorf("error %v, want %q", err, detailNoLogons)
	}
	if report.Logons != nil {
		t.Errorf("logons %v: none is not the same as unknown", report.Logons)
	}
}

func put(t *testing.T, root, name string, content []byte) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// zoneFile is a file of rules, in the first version of RFC 9636, of a zone that has
// always been as far from UTC.
func zoneFile(offset time.Duration) []byte {
	big := binary.BigEndian
	file := append([]byte("TZif"), make([]byte, 16)...)
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} { // of six kinds of things: one type, four letters
		file = big.AppendUint32(file, count)
	}
	file = big.AppendUint32(file, uint32(int32(offset/time.Second)))
	return append(file, 0, 0, 'X', 'X', 'X', 0)
}

func TestZone(t *testing.T) {
	t.Parallel()
	const nine, unknown = 9 * 60, -1
	rules := zoneFile(9 * time.Hour)
	tests := []struct {
		name   string
		link   string
		files  map[string][]byte
		zone   string
		offset int32
	}{
		{name: "a link of systemd", link: "../usr/share/zoneinfo/Asia/Testing", files: map[string][]byte{"usr/share/zoneinfo/Asia/Testing": rules}, zone: "Asia/Testing", offset: nine},
		{name: "an absolute link", link: "/usr/share/zoneinfo/posix/Asia/Testing", files: map[string][]byte{"usr/share/zoneinfo/Asia/Testing": rules}, zone: "Asia/Testing", offset: nine},
		{name: "Debian's file beside a copy", files: map[string][]byte{"etc/localtime": rules, "etc/timezone": []byte("Asia/Testing\n")}, zone: "Asia/Testing", offset: nine},
		{name: "a copy without a name", files: map[string][]byte{"etc/localtime": rules}, zone: "", offset: nine},
		{name: "nothing means UTC", zone: "UTC", offset: 0},
		{name: "west of Greenwich", files: map[string][]byte{"etc/localtime": zoneFile(-(3*time.Hour + 30*time.Minute))}, zone: "", offset: -210},
		{name: "a link that leads out", link: "../../zoneinfo/../../secret", zone: "", offset: unknown},
		{name: "rules that are none", files: map[string][]byte{"etc/localtime": []byte("TZif, but not really"), "etc/timezone": []byte("No/Such_Zone\n")}, zone: "No/Such_Zone", offset: unknown},
		{name: "a name that is none", files: map[string][]byte{"etc/localtime": rules, "etc/timezone": []byte("$(reboot)\n")}, zone: "", offset: nine},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for name, content := range tt.files {
				put(t, root, name, content)
			}
			if tt.link != "" {
				if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(tt.link, filepath.Join(root, "etc/localtime")); err != nil {
					t.Fatal(err)
				}
			}
			h := host.Host{Root: root, Now: func() time.Time { return began }}
			report := &farmhoundv1.Report{}
			_ = New(h).Observe(t.Context(), report) // there are no logons in this tree
			got := report.GetPlace()
			offset := int32(unknown)
			if got != nil && got.UtcOffsetMinutes != nil {
				offset = got.GetUtcOffsetMinutes()
			}
			if got.GetTimeZone() != tt.zone || offset != tt.offset {
				t.Errorf("zone %q, offset %d; want %q, %d", got.GetTimeZone(), offset, tt.zone, tt.offset)
			}
		})
	}
}

func FuzzIsZone(f *testing.F) {
	for _, name := range []string{"Europe/Oslo", "Etc/GMT+3", "../etc/passwd", "A//B", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if isZone(name) && !filepath.IsLocal(name) {
			t.Errorf("%q leads out of the folder of zones", name)
		}
	})
}
