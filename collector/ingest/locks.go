package ingest

import (
	"context"
	"sync"
)

// callsPerDevice bounds the reports of one device that run or wait. An agent has
// one batch in flight and may give up on one; a device with more is broken or
// hostile, and must not use up what all may have waiting.
const callsPerDevice = 4

// locks holds a lock per device that is in use, and nothing for the others.
type locks struct {
	mu sync.Mutex
	of map[string]*deviceLock
}

type deviceLock struct {
	// held has a value while the device is locked.
	held chan struct{}
	// users hold the lock or wait for it.
	users int
}

// lock locks the device and returns how to unlock it, once and from any goroutine.
// With a limit, a device with that many users is refused.
func (l *locks) lock(ctx context.Context, device string, limit int) (release func(), err error) {
	l.mu.Lock()
	d := l.of[device]
	if d == nil {
		d = &deviceLock{held: make(chan struct{}, 1)}
		l.of[device] = d
	}
	if limit > 0 && d.users >= limit {
		l.mu.Unlock()
		return nil, ErrBusy
	}
	d.users++
	l.mu.Unlock()

	select {
	case d.held <- struct{}{}:
		return func() {
			<-d.held
			l.leave(device, d)
		}, nil
	case <-ctx.Done():
		l.leave(device, d)
		return nil, context.Cause(ctx)
	}
}

func (l *locks) leave(device string, d *deviceLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.users--; d.users == 0 {
		delete(l.of, device)
	}
}
