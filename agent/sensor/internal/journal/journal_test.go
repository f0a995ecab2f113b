package journal

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorded is a file of journald 252, before or after two messages.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".journal.gz")
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

func appended(t *testing.T, f *Follower, data []byte) (list []string) {
	t.Helper()
	err := f.Appended(bytes.NewReader(data), func(at time.Time, message []byte) {
		if at.Year() != 2026 {
			t.Errorf("at %v", at)
		}
		list = append(list, string(message))
	})
	if err != nil {
		t.Error(err)
	}
	return list
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	before, after := recorded(t, "before"), recorded(t, "after")
	var f Follower
	if got := appended(t, &f, before); len(got) != 0 {
		t.Errorf("what was there before is told: %q", got)
	}
	want := []string{
		"Client connected: ada@example.com/chromoting_ftl_0523",
		"Channel IP for client: ada@example.com/chromoting_ftl_0523 ip='203.0.113.9:51000' host_ip='unknown' channel='event' connection='stun'",
	}
	if diff := cmp.Diff(want, appended(t, &f, after)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := appended(t, &f, after); len(got) != 0 {
		t.Errorf("told again: %q", got)
	}
	// Another file in its place is new from its beginning on, however long it is.
	if got := appended(t, &f, before); len(got) == 0 {
		t.Error("nothing of a new file is told")
	}
	another := bytes.Clone(after)
	another[24]++ // its id
	if got := appended(t, &f, another); len(got) <= len(want) {
		t.Errorf("of a longer one in its place: %q", got)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	whole := recorded(t, "before")
	for _, data := range [][]byte{nil, whole[:100], bytes.Repeat([]byte("x"), 1000)} {
		if err := new(Follower).Appended(bytes.NewReader(data), nil); err == nil {
			t.Errorf("%d bytes are a journal", len(data))
		}
	}
	f := Follower{at: binary.LittleEndian.Uint64(whole[88:]), file: [16]byte(whole[24:40])}
	torn := bytes.Clone(whole[:32<<10])
	if err := f.Appended(bytes.NewReader(torn), func(time.Time, []byte) {}); err == nil {
		t.Error("a torn file is read to its end")
	}
	if f.at != binary.LittleEndian.Uint64(whole[136:]) {
		t.Error("the next look does not begin at the end")
	}
}

func FuzzAppended(f *testing.F) {
	whole := recorded(f, "after")
	small := bytes.Clone(whole[:288])
	binary.LittleEndian.PutUint64(small[88:], headerSize)
	binary.LittleEndian.PutUint64(small[136:], headerSize+72)
	f.Add(small)
	f.Fuzz(func(t *testing.T, data []byte) {
		follower := Follower{at: 1 << 50}
		_ = follower.Appended(bytes.NewReader(data), func(_ time.Time, message []byte) {
			if len(message) > maxMessage {
				t.Error("a message without end")
			}
		})
	})
}
