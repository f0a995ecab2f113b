package collector

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/history"
	"github.com/farmhound-security/farmhound/collector/store"
)

// pastRules is a store that keeps signals alone, and counts how often each was fetched.
type pastRules struct {
	store.History
	store.Rosters
	packed map[string][]byte
	slow   map[string]chan struct{} // answers once that is closed

	mu      sync.Mutex
	fetched map[string]int
}

func (s *pastRules) Content(ctx context.Context, digest string) ([]byte, error) {
	s.mu.Lock()
	s.fetched[digest]++
	s.mu.Unlock()
	if wait := s.slow[digest]; wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if body, ok := s.packed[digest]; ok {
		return body, nil
	}
	return nil, store.ErrNotFound
}

// stocked is a store of rules of one signal each, and their digests.
func stocked(t *testing.T, n int) (s *pastRules, digests []string) {
	t.Helper()
	s = &pastRules{packed: map[string][]byte{}, slow: map[string]chan struct{}{}, fetched: map[string]int{}}
	shipped := detect.Shipped()
	names, err := fs.Glob(shipped.FS, "*.yaml")
	if err != nil || len(names) < n {
		t.Fatal(names, err)
	}
	for _, name := range names[:n] {
		rules, err := detect.Load(detect.Source{Name: "one", FS: shipped.FS, Only: name})
		if err != nil {
			t.Fatal(err)
		}
		if s.packed[rules.Digest()], err = history.Pack(rules.Bundle()); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, rules.Digest())
	}
	return s, digests
}

// A few rules are remembered, those asked for last.
func TestRulesOfThePastAreRemembered(t *testing.T) {
	t.Parallel()
	s, digests := stocked(t, mostKnown+1)
	r := Reproducer{Store: s}
	ask := func(i int) {
		t.Helper()
		d, err := r.by(t.Context(), digests[i])
		if err != nil || d.Rules().Digest() != digests[i] {
			t.Fatal(d, err)
		}
	}
	for range 3 {
		for i := range mostKnown {
			ask(i)
		}
	}
	for i := range mostKnown {
		if n := s.fetched[digests[i]]; n != 1 {
			t.Errorf("rules %d were fetched %d times", i, n)
		}
	}
	ask(0)
	ask(mostKnown) // in place of 1
	ask(0)
	ask(1)
	if s.fetched[digests[0]] != 1 || s.fetched[digests[1]] != 2 || len(r.known) != mostKnown {
		t.Errorf("fetched %v, %d remembered", s.fetched, len(r.known))
	}
	if _, err := r.by(t.Context(), "unknown"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if len(r.known) >= mostKnown+1 || r.known[0].digest == "unknown" {
		t.Error("what failed is remembered")
	}
}

// Rules that take long hold up nobody who asks for others, and whoever waits for them is
// let go at the end of their own time. They outlive who asked first.
func TestRulesOfThePastHoldUpNobody(t *testing.T) {
	t.Parallel()
	s, digests := stocked(t, 2)
	synctest.Test(t, func(t *testing.T) {
		s.slow[digests[0]] = make(chan struct{})
		r := Reproducer{Store: s}
		type answer struct {
			d   *detect.Detector
			err error
		}
		ask := func(ctx context.Context) chan answer {
			got := make(chan answer, 1)
			go func() {
				d, err := r.by(ctx, digests[0])
				got <- answer{d, err}
			}()
			synctest.Wait()
			return got
		}
		gone, leave := context.WithCancel(t.Context())
		first := ask(gone)
		brief, end := context.WithCancel(t.Context())
		second, third := ask(brief), ask(t.Context())
		if d, err := r.by(t.Context(), digests[1]); err != nil || d == nil {
			t.Fatal(err)
		}
		end()
		if got := <-second; !errors.Is(got.err, context.Canceled) {
			t.Errorf("who ran out of time got %v", got.err)
		}
		leave()
		if got := <-first; !errors.Is(got.err, context.Canceled) {
			t.Errorf("who left got %v", got.err)
		}
		close(s.slow[digests[0]])
		if got := <-third; got.err != nil || got.d.Rules().Digest() != digests[0] {
			t.Errorf("who waited got %v", got.err)
		}
		if n := s.fetched[digests[0]]; n != 2 {
			t.Errorf("fetched %d times, want once for who left and once for who waited", n)
		}
	})
}
