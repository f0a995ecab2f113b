package ingest

import "sync"

// gate counts what was let in and not yet answered, so that load has a bound and
// stopping loses nothing that was let in.
type gate struct {
	mu      sync.Mutex
	limit   int
	reports int
	calls   int
	shut    bool
	// closed is closed with the gate; empty when in addition nobody is inside.
	closed, empty chan struct{}
}

func newGate(limit int) *gate {
	return &gate{limit: limit, closed: make(chan struct{}), empty: make(chan struct{})}
}

// enter lets a call with n reports in, or says why not. Every call that was let
// in leaves once.
func (g *gate) enter(n int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.shut:
		return ErrStopped
	case n > 0 && g.reports > 0 && g.reports+n > g.limit:
		return ErrBusy
	}
	g.reports += n
	g.calls++
	return nil
}

func (g *gate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reports -= n
	g.calls--
	if g.shut && g.calls == 0 {
		close(g.empty)
	}
}

// close lets nobody in any more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return
	}
	g.shut = true
	close(g.closed)
	if g.calls == 0 {
		close(g.empty)
	}
}
