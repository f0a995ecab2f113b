// Package faulty makes a store fail on purpose: operations that are refused, that
// take long, that are done though their answer is lost, and that stop half way. What
// happens is drawn from a seed, so that a run can be had again. Only tests import it.
//
// It may import proto/ and collector/store.
package faulty

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// ErrInjected is in the chain of every error that a Store makes up.
var ErrInjected = errors.New("a fault was injected")

// Plan says how often what goes wrong, each from 0 to 1 and drawn one after the other.
type Plan struct {
	// Seed makes runs differ. Operations of one name meet the same faults in the same
	// order whatever other operations come between.
	Seed uint64
	// Only names the operations that go wrong, as the methods of store.Store are
	// called; empty for all.
	Only []string
	// Fail is how often an operation is not done.
	Fail float64
	// Tear is how often one is done though it fails, as when a connection breaks
	// before the answer. EachDevice stops somewhere in the middle.
	Tear float64
	// Delay is how often one waits, for Latency or until its context is done.
	Delay   float64
	Latency time.Duration
}

// Store is a store that fails. Operations that it does not name go through.
type Store struct {
	store.Store
	plan Plan

	mu    sync.Mutex
	draws map[string]*rand.Rand
	count map[string]int
	calm  bool
}

// New makes a store fail.
func New(of store.Store, plan Plan) *Store {
	return &Store{Store: of, plan: plan, draws: map[string]*rand.Rand{}, count: map[string]int{}}
}

// Calm ends all faults.
func (s *Store) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm = true
}

// Faults returns how often each operation failed, so that a test can show that
// anything did.
func (s *Store) Faults() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := make(map[string]int, len(s.count))
	for operation, n := range s.count {
		faults[operation] = n
	}
	return faults
}

// fate is what becomes of one operation.
type fate struct {
	fail, tear bool
	delay      time.Duration
	// after is how far an operation over many gets that is torn.
	after int
}

func (s *Store) fate(operation string) (f fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm || len(s.plan.Only) > 0 && !slices.Contains(s.plan.Only, operation) {
		return fate{}
	}
	draw := s.draws[operation]
	if draw == nil {
		name := fnv.New64a()
		_, _ = name.Write([]byte(operation)) // never fails
		draw = rand.New(rand.NewPCG(s.plan.Seed, name.Sum64()))
		s.draws[operation] = draw
	}
	if draw.Float64() < s.plan.Delay {
		f.delay = s.plan.Latency
	}
	f.fail = draw.Float64() < s.plan.Fail
	f.tear = draw.Float64() < s.plan.Tear
	f.after = draw.IntN(8)
	if f.fail || f.tear {
		s.count[operation]++
	}
	return f
}

// injected is the error of an operation that goes wrong.
type injected struct{ operation string }

func (i injected) Error() string { return i.operation + ": " + ErrInjected.Error() }
func (i injected) Unwrap() error { return ErrInjected }

// wait is the delay of an operation.
func (f fate) wait(ctx context.Context) error {
	if f.delay == 0 {
		return nil
	}
	timer := time.NewTimer(f.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func get[T any](ctx context.Context, s *Store, operation string, do func() (T, error)) (T, error) {
	var nothing T
	f := s.fate(operation)
	if err := f.wait(ctx); err != nil {
		return nothing, err
	}
	if f.fail {
		return nothing, injected{operation}
	}
	got, err := do()
	if err == nil && f.tear {
		return nothing, injected{operation}
	}
	return got, err
}

func put(ctx context.Context, s *Store, operation string, do func() error) error {
	_, err := get(ctx, s, operation, func() (struct{}, error) { return struct{}{}, do() })
	return err
}
