package road

import (
	"context"
	"testing"
)

// Asking the system keeps nobody waiting, and an answer that was given up half-way, or is
// of the network before, is not taken for what the system says.
func TestAskingTheSystem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		while func(r *Road, cancel context.CancelFunc)
		asked int
	}{
		{"answered", func(*Road, context.CancelFunc) {}, 1},
		{"given up", func(_ *Road, cancel context.CancelFunc) { cancel() }, 2},
		{"moved", func(r *Road, _ context.CancelFunc) { r.Moved() }, 2},
	} {
		r, asked := New(Options{}), 0
		ctx, cancel := context.WithCancel(t.Context())
		r.system = func(context.Context, string) Found {
			if asked++; asked > 1 {
				return Found{From: "again"}
			}
			if !r.mu.TryLock() {
				t.Fatal("everybody waits for the system's answer")
			}
			r.mu.Unlock()
			tt.while(r, cancel)
			return Found{From: "first"}
		}
		r.ofSystem(ctx)
		want := "first"
		if tt.asked == 2 {
			want = "again"
		}
		if got := r.ofSystem(t.Context()); got.From != want || asked != tt.asked {
			t.Errorf("%s: asked %d times, and %q stands", tt.name, asked, got.From)
		}
		cancel()
	}
}
