package software

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// incoming is what TeamViewer 15 writes, with made-up numbers and names.
const incoming = "123456789\tOPERATOR-PC\t02-03-2026 10:00:05\t02-03-2026 10:40:00\tada\tRemoteControl\t{11111111-2222-3333-4444-555555555555}\t\r\n" +
	"987654321\tHELPDESK\t02-03-2026 11:00:00\t02-03-2026 11:05:00\tada\tFileTransfer\t{11111111-2222-3333-4444-666666666666}\t\r\n"

func TestParseVisits(t *testing.T) {
	t.Parallel()
	want := []visit{{"123456789", time.Date(2026, 3, 2, 10, 0, 5, 0, time.UTC), time.Date(2026, 3, 2, 10, 40, 0, 0, time.UTC)}}
	wide := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(incoming)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	for name, data := range map[string][]byte{"UTF-8": []byte(incoming), "UTF-16": wide} {
		if diff := cmp.Diff(want, parseVisits(data), cmp.AllowUnexported(visit{})); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	for name, line := range map[string]string{
		"a number that is none": strings.Replace(incoming, "123456789", "123x", 1),
		"an end before":         strings.Replace(incoming, "10:40:00", "09:40:00", 1),
		"a time that is none":   strings.Replace(incoming, "02-03-2026 10:00:05", "2026-03-02", 1),
		"cut":                   incoming[:60],
	} {
		if got := parseVisits([]byte(line)); len(got) != 0 {
			t.Errorf("%s: %v, want nothing", name, got)
		}
	}
}

func TestLogFollower(t *testing.T) {
	t.Parallel()
	l := &logFollower{at: map[string]logPosition{}}
	name := filepath.Join(t.TempDir(), "log")
	appended := func(text string) string {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return string(l.appended("a", info, f))
	}
	for _, step := range []struct {
		name, log, want string
		replaced        bool
	}{
		{"what was there before", "old\n", "", false},
		{"nothing new", "old\n", "", false},
		{"a line and a half", "old\nnew\nhal", "new\n", false},
		{"the other half", "old\nnew\nhalf\n", "half\n", false},
		{"begun anew", "x\n", "x\n", false},
		{"after that", "x\ny\n", "y\n", false},
		{"another in its place", "a\nb\nc\nd\n", "a\nb\nc\nd\n", true},
		{"after that too", "a\nb\nc\nd\ne\n", "e\n", false},
	} {
		if step.replaced {
			if err := os.Rename(name, name+".1"); err != nil { // kept, so that its number is not given again
				t.Fatal(err)
			}
		}
		if got := appended(step.log); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	endless := strings.Repeat("z", 3*maxAppended)
	if got := len(appended("a\nb\nc\nd\ne\n" + endless)); got != maxAppended {
		t.Errorf("of a line without end %d bytes are read, want %d and on it goes", got, maxAppended)
	}
}

func FuzzVisits(f *testing.F) {
	f.Add([]byte(incoming))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range parseVisits(data) {
			if v.end.Before(v.start) || v.account == "" || len(v.account) > 16 {
				t.Errorf("%+v is no session", v)
			}
		}
		l := &logFollower{at: map[string]logPosition{"a": {}}}
		if got := l.appended("a", nil, bytes.NewReader(data)); len(got) > maxAppended+1 {
			t.Errorf("%d bytes at once", len(got))
		}
	})
}
