package agent

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// longSleep is from when on sleep gets windows of its own, so that the hours
	// asleep and the hours in use are told apart.
	longSleep = time.Minute
	// longestWindow keeps a window's counts within the contract.
	longestWindow = 24 * time.Hour
	// most windows kept for a report that could not be spooled.
	mostWindows = 512
)

// started stands for the zero of clocks that count from the start of the program.
var started = time.Now()

// moment is every clock read at once.
type moment struct {
	wall time.Time
	// elapsed goes on during sleep, where the system has such a clock, and does
	// not move when the time is set. It counts from the system's start where sleep is
	// known; else its zero has no meaning.
	elapsed time.Duration
	// asleep is the total time asleep since elapsed's zero.
	asleep     time.Duration
	sleepKnown bool
}

// meter turns the sessions of successive scans into seconds under control; a
// *software.ControlMeter does.
type meter interface {
	Observe(at time.Time, sessions []*farmhoundv1.RemoteSession)
	Drain(start, end time.Time) []*farmhoundv1.ControlSeconds
}

// windows cuts time into windows.
type windows struct {
	clock    func() moment
	meter    meter
	interval time.Duration
	// count adds what the senses counted since it was last called. Nobody is asked
	// about a long sleep: what little was counted around it belongs to the window
	// before.
	count func(*farmhoundv1.Window)

	began, last moment
	// roused is whether the laptop slept, or its clock was set, before the last look.
	roused bool
	// known is whether control could be observed in the window under way.
	known   bool
	pending []*farmhoundv1.Window
	lost    uint64
}

func newWindows(clock func() moment, m meter, count func(*farmhoundv1.Window), interval time.Duration) *windows {
	now := clock()
	return &windows{clock: clock, meter: m, count: count, interval: interval, began: now, last: now}
}

// observe counts the sessions of one scan. controlSeen is whether the sense that
// would have seen control worked.
func (w *windows) observe(at time.Time, sessions []*farmhoundv1.RemoteSession, controlSeen bool) {
	if controlSeen {
		w.known = true
		w.meter.Observe(at, sessions)
	}
}

// tick notes that time has passed. It reports whether a window has ended.
func (w *windows) tick() bool {
	now := w.clock()
	last := w.last
	w.last = now
	w.roused = rousedBetween(last, now)
	if now.asleep-last.asleep >= longSleep {
		w.end(last, now)
		w.sleep(last, now)
		w.began = now
		return true
	}
	if now.elapsed-w.began.elapsed < w.interval {
		return false
	}
	w.end(now, now)
	w.began = now
	return true
}

// rousedBetween reports whether the laptop slept between two moments. Where the system
// does not count sleep, the time of day has then gone further than the clock.
func rousedBetween(last, now moment) bool {
	jump := now.wall.Round(0).Sub(last.wall.Round(0)) - (now.elapsed - last.elapsed)
	return now.asleep-last.asleep >= longSleep || jump.Abs() >= longSleep
}

// finish ends the window under way, however short.
func (w *windows) finish() {
	now := w.clock()
	w.end(now, now)
	w.began, w.last = now, now
}

// end adds the window from began to at. Its start is reckoned back from now, so
// that a clock that was set meanwhile does not tear windows apart.
func (w *windows) end(at, now moment) {
	known := w.known
	w.known = false
	seconds := wholeSeconds(at.elapsed - w.began.elapsed)
	start := now.wall.Add(w.began.elapsed - now.elapsed)
	window := &farmhoundv1.Window{StartedAt: timestamppb.New(start), Seconds: seconds, ControlKnown: known}
	if at.sleepKnown {
		window.AsleepSeconds = proto.Uint32(min(wholeSeconds(at.asleep-w.began.asleep), seconds))
	}
	// Also where the window is too short to be told: the next one begins anew.
	w.count(window)
	if seconds == 0 {
		return
	}
	window.Control = w.meter.Drain(start, start.Add(time.Duration(seconds)*time.Second))
	w.add(window)
}

// sleep adds the windows of a long sleep between two moments.
func (w *windows) sleep(from, to moment) {
	total, asleep := to.elapsed-from.elapsed, to.asleep-from.asleep
	for total > 0 {
		length := min(total, longestWindow)
		seconds := wholeSeconds(length)
		if seconds == 0 {
			return
		}
		w.add(&farmhoundv1.Window{
			StartedAt:     timestamppb.New(to.wall.Add(-total)),
			Seconds:       seconds,
			ControlKnown:  true, // nobody controls a laptop that is asleep
			AsleepSeconds: proto.Uint32(min(wholeSeconds(asleep), seconds)),
		})
		total -= length
		asleep = max(asleep-length, 0)
	}
}

func (w *windows) add(window *farmhoundv1.Window) {
	w.pending = append(w.pending, window)
	if over := len(w.pending) - mostWindows; over > 0 {
		w.pending = w.pending[over:]
		w.lost += uint64(over)
	}
}

func wholeSeconds(d time.Duration) uint32 {
	return uint32(min(max(d.Round(time.Second), 0), longestWindow) / time.Second)
}
