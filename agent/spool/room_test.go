package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Windows go first, sessions and what the laptop is last, whatever their age; what is
// dropped is counted, once for each.
func TestLeastValueGoesFirst(t *testing.T) {
	t.Parallel()
	size := int64(0)
	{
		one, err := record{value: Low, at: 1, bootID: "aaaa", sequence: 1, payload: make([]byte, 1000)}.encode()
		if err != nil {
			t.Fatal(err)
		}
		size = int64(len(one))
	}
	cases := []struct {
		name    string
		waiting []Value
		next    []Value
		want    []uint64 // sequences from 1, waiting and next in a row
		dropped uint64
	}{
		{"oldest window", []Value{High, Low, Normal, Low}, []Value{Normal}, []uint64{1, 3, 4, 5}, 1},
		{"no windows left", []Value{High, Normal, Normal, High}, []Value{Low}, []uint64{1, 2, 3, 4}, 1},
		{"windows, then what changed, then the oldest", []Value{High, Low, Normal, High}, []Value{High, High, High}, []uint64{4, 5, 6, 7}, 3},
		{"a window makes room for a window", []Value{High, Low, Low, High}, []Value{Low, Low}, []uint64{1, 4, 5, 6}, 2},
		{"a session is not lost to what changed", []Value{High, High, High, High}, []Value{Normal, Low}, []uint64{1, 2, 3, 4}, 2},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "spool")
			s := openAt(t, path, 4*size)
			sequence, dropped := uint64(0), 0
			for _, value := range append(tt.waiting, tt.next...) {
				sequence++
				count, err := s.Append("aaaa", sequence, make([]byte, 1000), value)
				if err != nil {
					t.Fatal(err)
				}
				dropped += count
			}
			if diff := cmp.Diff(tt.want, peek(t, s, 100, 1<<20).Sequences); diff != "" {
				t.Error(diff)
			}
			want := Status{Depth: 4, Bytes: uint64(4 * size), Dropped: tt.dropped}
			if got := s.Status(); got != want || uint64(dropped) != tt.dropped {
				t.Errorf("status %+v, told %d; want %+v", got, dropped, want)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got := openAt(t, path, 4*size).Status(); got != want {
				t.Errorf("after reopening %+v; want %+v", got, want)
			}
		})
	}
}

// Weeks offline: sessions of the first day are there when windows of the last week went.
func TestWeeksOffline(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "spool"), 64<<10)
	appended, sessions := uint64(0), []uint64(nil)
	for range 400 {
		appended++
		value := Low
		if appended%100 == 1 {
			value, sessions = High, append(sessions, appended)
		}
		if _, err := s.Append("aaaa", appended, bytes.Repeat([]byte{1}, 500), value); err != nil {
			t.Fatal(err)
		}
	}
	left := map[uint64]bool{}
	batch := peek(t, s, 1000, 1<<20)
	for _, sequence := range batch.Sequences {
		left[sequence] = true
	}
	for _, sequence := range sessions {
		if !left[sequence] {
			t.Errorf("session %d of %d is gone", sequence, appended)
		}
	}
	status := s.Status()
	if status.Depth+status.Dropped != appended || status.Bytes > 64<<10 || status.Bytes < 56<<10 || batch.Last() != appended {
		t.Errorf("status %+v after %d reports, newest %d", status, appended, batch.Last())
	}
}

func TestOldReportsGo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var said bytes.Buffer
	s, err := Open(filepath.Join(t.TempDir(), "spool"), Options{
		MaxAge: 48 * time.Hour, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for sequence := range uint64(4) {
		if _, err := s.Append("aaaa", sequence+1, []byte("x"), High); err != nil {
			t.Fatal(err)
		}
		now = now.Add(20 * time.Hour)
	}
	// At hour 80 what was appended at hours 0 and 20 is too old.
	if dropped, err := s.Append("aaaa", 5, []byte("x"), Low); err != nil || dropped != 1 {
		t.Errorf("dropped %d, %v; want the second, after the first", dropped, err)
	}
	if diff := cmp.Diff([]uint64{3, 4, 5}, peek(t, s, 10, 1<<20).Sequences); diff != "" || s.Status().Dropped != 2 {
		t.Errorf("%d dropped, left: %s", s.Status().Dropped, diff)
	}
	if !strings.Contains(said.String(), "too_old=1") {
		t.Errorf("not said: %s", said.String())
	}
}

// A spool that an older agent left is delivered like any other.
func TestRecordOfFirstVersion(t *testing.T) {
	t.Parallel()
	r, err := decode([]byte("\x01\x04aaaa\x07\x51\x9c\x2c\x5freport"))
	if err == nil || r.bootID != "" {
		t.Fatalf("a wrong checksum is not seen: %+v", r)
	}
	whole := firstVersionRecord("aaaa", 7, []byte("report"))
	r, err = decode(whole)
	if err != nil || r.bootID != "aaaa" || r.sequence != 7 || string(r.payload) != "report" || r.value != Normal || r.at != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// firstVersionRecord is a record as the first version wrote it.
func firstVersionRecord(bootID string, sequence uint64, payload []byte) []byte {
	head := append([]byte{firstVersion, byte(len(bootID))}, bootID...)
	head = binary.AppendUvarint(head, sequence)
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, payload)
	return append(binary.BigEndian.AppendUint32(head, sum), payload...)
}
