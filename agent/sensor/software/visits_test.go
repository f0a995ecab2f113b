package software

import (
	"bytes"
	"encoding/binary"
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
	l := &logFollower{at: map[string]int64{}}
	for _, step := range []struct{ name, log, want string }{
		{"what was there before", "old\n", ""},
		{"nothing new", "old\n", ""},
		{"a line and a half", "old\nnew\nhal", "new\n"},
		{"the other half", "old\nnew\nhalf\n", "half\n"},
		{"begun anew", "x\n", ""},
		{"after that", "x\ny\n", "y\n"},
	} {
		if got := string(l.appended("a", strings.NewReader(step.log))); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	endless := strings.Repeat("z", 3*maxAppended)
	if got := len(l.appended("a", strings.NewReader("x\ny\n"+endless))); got != maxAppended {
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
		l := &logFollower{at: map[string]int64{"a": 0}}
		if got := l.appended("a", bytes.NewReader(data)); len(got) > maxAppended+1 {
			t.Errorf("%d bytes at once", len(got))
		}
	})
}
