package service

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

// Run runs a program until ctx is done or, as a service, until the service
// manager says stop. It returns when the program has. What the service manager tells of
// people and power (a logon, a switch of users, a lock, an awakening) comes to the
// program as something that changed; what it has not taken yet is told once.
//
// Whether this process is the service, the service manager says itself: it takes no
// others.
func Run(ctx context.Context, program func(ctx context.Context, changed <-chan struct{}) error) error {
	managed := &managed{ctx: ctx, program: program}
	err := svc.Run(Name, managed)
	if errors.Is(err, windows.ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
		return program(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("run as service: %w", err)
	}
	return managed.err
}

// managed is the program between the service manager's start and stop.
type managed struct {
	ctx     context.Context //nolint:containedctx // lives as long as the service
	program func(context.Context, <-chan struct{}) error
	err     error
}

// failed is the exit code of a service whose program ended with an error, by which the
// service manager knows to start it again.
const failed = 1

// Execute runs the program and answers the service manager meanwhile.
func (m *managed) Execute(_ []string, requests <-chan svc.ChangeRequest, answers chan<- svc.Status) (bool, uint32) {
	const accepts = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptSessionChange | svc.AcceptPowerEvent
	answers <- svc.Status{State: svc.StartPending}
	ctx, cancel := context.WithCancel(m.ctx)
	defer cancel()
	done, changed := make(chan error, 1), make(chan struct{}, 1)
	go func() { done <- m.program(ctx, changed) }() // waited for below, whichever way it ends
	answers <- svc.Status{State: svc.Running, Accepts: accepts}
	for {
		select {
		case m.err = <-done:
			if m.err != nil {
				return true, failed
			}
			return false, 0
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				answers <- r.CurrentStatus
			case svc.SessionChange, svc.PowerEvent:
				if isChange(r) {
					select {
					case changed <- struct{}{}:
					default: // told, and not taken yet
					}
				}
			case svc.Stop, svc.Shutdown:
				answers <- svc.Status{State: svc.StopPending, WaitHint: stopHint}
				cancel()
			}
		}
	}
}

// stopHint is how long a stop may take, in milliseconds: a delivery that is under way
// is waited for.
const stopHint = 30_000

// Power events of an awakening, with and without somebody there (winuser.h).
const (
	resumed          = 0x07
	resumedByMachine = 0x12
)

// isChange reports whether somebody came, went or switched, or the laptop woke up. That
// it is about to sleep is too late to look at.
func isChange(r svc.ChangeRequest) bool {
	return r.Cmd == svc.SessionChange || r.EventType == resumed || r.EventType == resumedByMachine
}
