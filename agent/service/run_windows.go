package service

import (
	"context"
	"fmt"

	"github.com/kardianos/service"
)

// Run runs a program until ctx is done or, as a service, until the service
// manager says stop. It returns when the program has.
func Run(ctx context.Context, program func(context.Context) error) error {
	if service.Interactive() {
		return program(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	managed := &managed{ctx: ctx, cancel: cancel, program: program, done: make(chan error, 1)}
	inner, err := service.New(managed, &service.Config{Name: Name})
	if err != nil {
		return fmt.Errorf("run as service: %w", err)
	}
	managed.inner = inner
	if err := inner.Run(); err != nil {
		return fmt.Errorf("run as service: %w", err)
	}
	return managed.err
}

// managed is the program between the service manager's start and stop.
type managed struct {
	ctx     context.Context //nolint:containedctx // lives as long as the service
	cancel  context.CancelFunc
	program func(context.Context) error
	inner   service.Service
	done    chan error
	err     error
}

func (m *managed) Start(service.Service) error {
	go func() { m.done <- m.program(m.ctx) }() // Stop waits for it
	return nil
}

func (m *managed) Stop(service.Service) error {
	m.cancel()
	m.err = <-m.done
	return m.err
}
