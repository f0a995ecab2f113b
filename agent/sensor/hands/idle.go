package hands

import (
	"strconv"
	"strings"
	"time"
)

// parseIdle reads out of what ioreg prints of IOHIDSystem for how long no input came,
// from whatever device or program. Not ok is output without it.
func parseIdle(text string) (time.Duration, bool) {
	_, rest, found := strings.Cut(text, "\"HIDIdleTime\"")
	if !found {
		return 0, false
	}
	rest, _, _ = strings.Cut(rest, "\n")
	rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), "="))
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return time.Duration(n), true
}

// idler turns how long no input came, asked now and then, into input of a source.
type idler struct {
	ledger *ledger
	source *source
	last   int64
}

// told notes the last input, unless it was noted before.
func (i *idler) told(idle time.Duration) {
	if i.source == nil {
		i.source, i.last = i.ledger.open("idle", unplaced), -1
	}
	const sooner = 500 // milliseconds by which two answers about one moment differ
	if at := i.ledger.clock() - idle.Milliseconds(); at > i.last+sooner {
		i.ledger.note(i.source, at, false)
		i.last = at
	}
}
