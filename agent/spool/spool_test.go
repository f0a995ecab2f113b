package spool

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openAt(t *testing.T, path string, maxBytes int64) *Spool {
	t.Helper()
	s, err := Open(path, Options{MaxBytes: maxBytes, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func appendAll(t *testing.T, s *Spool, boot string, from, to uint64) {
	t.Helper()
	for sequence := from; sequence <= to; sequence++ {
		if _, err := s.Append(boot, sequence, payload(boot, sequence), Normal); err != nil {
			t.Fatal(err)
		}
	}
}

func payload(boot string, sequence uint64) []byte { return fmt.Appendf(nil, "%s/%03d", boot, sequence) }

func peek(t *testing.T, s *Spool, maxReports, maxBytes int) *Batch {
	t.Helper()
	batch, err := s.Peek(maxReports, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestPeekReturnsOldestOfOneBoot(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "spool"), 0)
	appendAll(t, s, "aaaa", 7, 9)
	appendAll(t, s, "bbbb", 1, 2)
	cases := []struct {
		name                 string
		maxReports, maxBytes int
		want                 []uint64
	}{
		{"all of one boot", 100, 1 << 20, []uint64{7, 8, 9}},
		{"bounded by count", 2, 1 << 20, []uint64{7, 8}},
		{"bounded by bytes", 100, 16, []uint64{7, 8}},
		{"one report always", 100, 1, []uint64{7}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			batch := peek(t, s, c.maxReports, c.maxBytes)
			if batch.BootID != "aaaa" {
				t.Errorf("boot %q", batch.BootID)
			}
			if diff := cmp.Diff(c.want, batch.Sequences); diff != "" {
				t.Error(diff)
			}
			for i, sequence := range batch.Sequences {
				if !bytes.Equal(batch.Payloads[i], payload("aaaa", sequence)) {
					t.Errorf("report %d is %q", sequence, batch.Payloads[i])
				}
			}
		})
	}
}

func TestCommitSurvivesReopening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	s := openAt(t, path, 0)
	appendAll(t, s, "aaaa", 1, 3)
	appendAll(t, s, "bbbb", 1, 2)

	removed, err := s.Commit("aaaa", 2, []byte("nonce-1"))
	if err != nil || removed != 2 {
		t.Fatalf("removed %d, error %v; want 2", removed, err)
	}
	// Sequences of another boot are not of this one, however high the acknowledged one.
	if removed, err := s.Commit("cccc", 99, []byte("nonce-2")); err != nil || removed != 0 {
		t.Fatalf("removed %d of a foreign boot, error %v", removed, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openAt(t, path, 0)
	select {
	case <-s.Changed():
	default:
		t.Error("reopening with reports waiting gives no signal")
	}
	batch := peek(t, s, 10, 1<<20)
	want := &Batch{BootID: "aaaa", Sequences: []uint64{3}, Payloads: [][]byte{payload("aaaa", 3)}, Nonce: []byte("nonce-2")}
	if diff := cmp.Diff(want, batch); diff != "" {
		t.Error(diff)
	}
	if removed, err := s.Commit("aaaa", 99, []byte("nonce-3")); err != nil || removed != 1 {
		t.Fatalf("removed %d, error %v", removed, err)
	}
	if got := peek(t, s, 10, 1<<20); got.BootID != "bbbb" {
		t.Errorf("next batch is of %q", got.BootID)
	}
}

func TestEvictsOldestAndCounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	one, err := record{value: Normal, at: 1, bootID: "aaaa", sequence: 1, payload: payload("aaaa", 1)}.encode()
	if err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path, int64(3*len(one)))
	appendAll(t, s, "aaaa", 1, 3)
	evicted, err := s.Append("aaaa", 4, payload("aaaa", 4), Normal)
	if err != nil || evicted != 1 {
		t.Fatalf("evicted %d, error %v; want 1", evicted, err)
	}
	if diff := cmp.Diff([]uint64{2, 3, 4}, peek(t, s, 10, 1<<20).Sequences); diff != "" {
		t.Error(diff)
	}
	if dropped, err := s.Drop("aaaa", 2); err != nil || dropped != 1 {
		t.Fatalf("dropped %d, error %v; want 1", dropped, err)
	}
	want := Status{Depth: 2, Bytes: uint64(2 * len(one)), Dropped: 2}
	if diff := cmp.Diff(want, s.Status()); diff != "" {
		t.Error(diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, openAt(t, path, int64(3*len(one))).Status()); diff != "" {
		t.Errorf("after reopening: %s", diff)
	}
	if _, err := openAt(t, filepath.Join(t.TempDir(), "s"), 64).Append("aaaa", 1, make([]byte, 65), Normal); err == nil {
		t.Error("a report larger than the spool was taken")
	}
}

// However the file is damaged, opening succeeds, says so, counts it and takes
// reports again.
func TestDamagedFileIsMovedAside(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T, path string) []byte {
		s := openAt(t, path, 0)
		for sequence := range uint64(64) {
			if _, err := s.Append("aaaa", sequence+1, bytes.Repeat([]byte{byte(sequence)}, 3000), Normal); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	cases := map[string]func([]byte) []byte{
		"garbage":     func([]byte) []byte { return []byte(strings.Repeat("not a database ", 4000)) },
		"a few bytes": func(data []byte) []byte { return data[:100] },
		"one page":    func(data []byte) []byte { return data[:4096] },
		"cut in half": func(data []byte) []byte { return data[:len(data)/2] },
		"newest record missing": func(data []byte) []byte {
			return data[:bytes.Index(data, bytes.Repeat([]byte{63}, 3000))&^4095]
		},
		"metas only":   func(data []byte) []byte { return data[:8192] },
		"pages zeroed": func(data []byte) []byte { return append(data[:8192:8192], make([]byte, len(data)-8192)...) },
		"record changed": func(data []byte) []byte {
			at := bytes.Index(data, bytes.Repeat([]byte{7}, 3000))
			data[at+5] ^= 1
			return data
		},
		"pages shuffled": func(data []byte) []byte {
			random := rand.New(rand.NewPCG(1, 2))
			pages := len(data) / 4096
			for i := 2; i < pages; i++ {
				j := 2 + random.IntN(pages-2)
				a, b := bytes.Clone(data[i*4096:(i+1)*4096]), data[j*4096:(j+1)*4096]
				copy(data[i*4096:], b)
				copy(data[j*4096:], a)
			}
			return data
		},
	}
	for name, harm := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "spool")
			harmed := harm(full(t, path))
			if err := os.WriteFile(path, harmed, 0o600); err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			s, err := Open(path, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			// How many reports were in it is not known for sure.
			if got := s.Status(); got.Damaged != 1 || got.Dropped < 1 || got.Depth != 0 || got.Bytes != 0 {
				t.Errorf("status %+v; want empty, 1 damaged, some dropped", got)
			}
			if !strings.Contains(said.String(), "spool was damaged") {
				t.Errorf("damage was not said: %q", said.String())
			}
			aside, err := os.ReadFile(path + ".damaged")
			if err != nil || !bytes.Equal(aside, harmed) {
				t.Errorf("damaged file was not kept as it was: %v", err)
			}
			appendAll(t, s, "bbbb", 1, 2)
			if got := peek(t, s, 10, 1<<20); got == nil || got.BootID != "bbbb" {
				t.Error("after damage the spool does not hold what was appended")
			}
		})
	}
}

// Damage that shows only while the agent runs does not stop it either.
func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	s := openAt(t, path, 0)
	appendAll(t, s, "aaaa", 1, 3)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(make([]byte, info.Size()-8192), 8192); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append("aaaa", 4, payload("aaaa", 4), Normal); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{4}, peek(t, s, 10, 1<<20).Sequences); diff != "" {
		t.Error(diff)
	}
	if got := s.Status(); got.Damaged != 1 || got.Dropped != 3 {
		t.Errorf("status %+v; want 1 damaged, 3 dropped", got)
	}
}

func TestSecondAgentIsTurnedAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	openAt(t, path, 0)
	_, err := Open(path, Options{Log: quiet()})
	if err == nil || !strings.Contains(err.Error(), "another farmhound-agent") {
		t.Errorf("error %v does not name the other agent", err)
	}
}

func TestFileShrinksAfterBacklog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	s := openAt(t, path, 0)
	big := bytes.Repeat([]byte("x"), 1<<20)
	for sequence := range uint64(8) {
		if _, err := s.Append("aaaa", sequence+1, big, Normal); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Commit("aaaa", 7, []byte("nonce")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, 0)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 4<<20 {
		t.Errorf("file is still %d bytes for one report of 1 MiB", info.Size())
	}
	batch := peek(t, s, 10, 8<<20)
	if diff := cmp.Diff([]uint64{8}, batch.Sequences); diff != "" || string(batch.Nonce) != "nonce" {
		t.Errorf("after compaction: nonce %q, sequences %s", batch.Nonce, diff)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode().Perm())
	}
}

func FuzzDecodeRecord(f *testing.F) {
	whole, err := record{value: High, at: 1764000000, bootID: "00112233445566778899aabbccddeeff", sequence: 300, payload: []byte("report")}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:20])
	f.Add([]byte{})
	f.Add([]byte{recordVersion, 255})
	f.Add([]byte("\x01\x04aaaa\x07\x00\x00\x00\x00report"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		if data[0] == firstVersion {
			return // never written again
		}
		again, err := r.encode()
		if err != nil {
			t.Fatalf("decoded record does not encode: %v", err)
		}
		back, err := decode(again)
		if err != nil || back.bootID != r.bootID || back.value != r.value || back.at != r.at || back.sequence != r.sequence || !bytes.Equal(back.payload, r.payload) {
			t.Fatalf("record changed on the way: %+v, %+v, %v", r, back, err)
		}
	})
}
