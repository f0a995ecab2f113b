package spool

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTornWrites cuts the power in the middle of a transaction: of the pages that it
// wrote, any may be on disk and any not, before its last one, which makes it hold.
// The spool is then as it was before, whole and not taken for damaged.
func TestTornWrites(t *testing.T) {
	t.Parallel()
	page := os.Getpagesize()
	for name, change := range map[string]func(*testing.T, *Spool){
		"append":   func(t *testing.T, s *Spool) { appendAll(t, s, "bbbb", 1, 1) },
		"large":    func(t *testing.T, s *Spool) { must(t, second(s.Append("bbbb", 1, make([]byte, 100<<10), Normal))) },
		"commit":   func(t *testing.T, s *Spool) { must(t, second(s.Commit("aaaa", 9, []byte("nonce")))) },
		"drop":     func(t *testing.T, s *Spool) { must(t, second(s.Drop("aaaa", 3))) },
		"all gone": func(t *testing.T, s *Spool) { must(t, second(s.Commit("aaaa", 20, []byte("nonce")))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "spool")
			s := openAt(t, path, 0)
			for sequence := range uint64(20) {
				must(t, second(s.Append("aaaa", sequence+1, bytes.Repeat([]byte{byte(sequence)}, 2500), Normal)))
			}
			before := contents(t, path)
			change(t, s)
			after := contents(t, path)
			must(t, s.Close())
			if bytes.Equal(before, after) {
				t.Fatal("nothing was written")
			}
			for seed := range uint64(24) {
				random := rand.New(rand.NewPCG(seed, 1))
				torn := bytes.Clone(before)
				if random.IntN(2) == 0 { // the file may have grown already
					torn = append(torn, make([]byte, max(0, len(after)-len(before)))...)
				}
				for at := 2 * page; at+page <= min(len(torn), len(after)); at += page {
					if random.IntN(2) == 0 {
						copy(torn[at:at+page], after[at:])
					}
				}
				left := filepath.Join(t.TempDir(), "spool")
				must(t, os.WriteFile(left, torn, 0o600))
				got := openAt(t, left, 0)
				if st := got.Status(); st.Damaged != 0 || st.Dropped != 0 || st.Depth != 20 {
					t.Fatalf("seed %d: %+v", seed, st)
				}
				var want []uint64
				for sequence := range uint64(20) {
					want = append(want, sequence+1)
				}
				batch := peek(t, got, 100, 1<<30)
				if diff := cmp.Diff(want, batch.Sequences); diff != "" || len(batch.Nonce) > 0 {
					t.Errorf("seed %d: nonce %q, sequences %s", seed, batch.Nonce, diff)
				}
			}
		})
	}
}

// TestDamagedPages overwrites pages at random: whatever is lost is counted, nothing
// that is handed out is wrong, and reporting goes on.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "spool")
	s := openAt(t, path, 0)
	appendAll(t, s, "aaaa", 1, 200)
	must(t, s.Close())
	whole := contents(t, path)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 2))
		bad := bytes.Clone(whole)
		for range 1 + random.IntN(3) {
			at := random.IntN(len(bad) - 64)
			for i := range 1 + random.IntN(64) {
				bad[at+i] = byte(random.Uint32())
			}
		}
		left := filepath.Join(t.TempDir(), "spool")
		must(t, os.WriteFile(left, bad, 0o600))
		s := openAt(t, left, 0)
		// Where the page is hit that makes the last transaction hold, the file is as if
		// the power had failed just before: then that one was never promised.
		if st := s.Status(); st.Damaged == 0 && st.Depth < 199 || st.Damaged > 0 && st.Dropped == 0 {
			t.Errorf("seed %d: %+v", seed, st)
		}
		if batch := peek(t, s, 1000, 1<<30); batch != nil {
			for i, sequence := range batch.Sequences {
				if !bytes.Equal(batch.Payloads[i], payload("aaaa", sequence)) {
					t.Errorf("seed %d: report %d is %q", seed, sequence, batch.Payloads[i])
				}
			}
		}
		appendAll(t, s, "bbbb", 1, 1)
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

func second[T any](_ T, err error) error { return err }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
