package api

import (
	"net"
	"testing"
	"time"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	type step struct {
		line   int // 0: opened first
		after  time.Duration
		closes bool
		want   bool
	}
	for name, steps := range map[string][]step{
		"one connection":                  {{line: 0}, {line: 0}, {line: 0}},
		"one after another":               {{line: 0}, {line: 1}, {line: 2}, {line: 2}},
		"what was under way arrives late": {{line: 0}, {line: 1}, {line: 0}, {line: 1}, {line: 2}, {line: 1}, {line: 2}},
		"two by turns":                    {{line: 0}, {line: 1}, {line: 0}, {line: 1}, {line: 0, want: true}, {line: 1}, {line: 0, want: true}},
		"bursts by turns":                 {{line: 0}, {line: 1}, {line: 1}, {line: 0}, {line: 0}, {line: 1}, {line: 0, want: true}, {line: 0}},
		"far apart": {
			{line: 0}, {line: 1}, {line: 0}, {line: 1}, {line: 0, after: turnsWithin + 1}, {line: 1}, {line: 0, after: turnsWithin, want: true},
		},
		"one beside it for a moment": {{line: 0}, {line: 1}, {line: 1, closes: true}, {line: 0}, {line: 2}, {line: 2, closes: true}, {line: 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			turns := newTurns(func() time.Time { return now })
			var lines []*line
			for range 3 {
				near, far := net.Pipe()
				t.Cleanup(func() { _ = far.Close() })
				lines = append(lines, turns.open(near))
			}
			for i, s := range steps {
				now = now.Add(s.after)
				if s.closes {
					_ = lines[s.line].Close()
					continue
				}
				if got := lines[s.line].called("d"); got != s.want {
					t.Errorf("step %d: %v", i, got)
				}
				if other := turns.open(nil); other.called("another device") {
					t.Errorf("step %d: another device is mixed up with it", i)
				}
			}
			for _, l := range lines {
				_ = l.Close()
			}
			if _, kept := turns.last["d"]; kept {
				t.Error("closed connections are remembered")
			}
		})
	}
}
