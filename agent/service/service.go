// Package service makes the agent a service of the operating system: installs,
// starts and stops it, and runs it the way the system expects.
//
// It knows nothing of what the service does and may import nothing of this module.
package service

import (
	"errors"
	"fmt"

	"github.com/kardianos/service"
)

// Name is the service's name on every system.
const Name = "farmhound-agent"

const description = "Farmhound agent: reports how this company laptop is operated, never what is done on it"

// Service is this program as a service of this machine.
type Service struct{ inner service.Service }

// New returns the service as run with arguments. It is an error where the
// machine has no service manager that this program can work with.
func New(arguments ...string) (*Service, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	inner, err := service.New(idle{}, &service.Config{
		Name:        Name,
		DisplayName: "Farmhound agent",
		Description: description,
		Arguments:   arguments,
		Option:      options(),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare service: %w", err)
	}
	return &Service{inner: inner}, nil
}

// Install registers the service, to be started with the machine.
func (s *Service) Install() error {
	if err := s.inner.Install(); err != nil {
		return fmt.Errorf("install service: %w", explain(err))
	}
	if err := complete(); err != nil {
		_ = s.inner.Uninstall() // so that it can be tried again; why it failed is what matters
		return fmt.Errorf("install service: %w", explain(err))
	}
	return nil
}

// Uninstall stops the service and removes its registration.
func (s *Service) Uninstall() error {
	// Stopping one that does not run is no failure.
	_ = s.inner.Stop()
	if err := s.inner.Uninstall(); err != nil {
		return fmt.Errorf("uninstall service: %w", explain(err))
	}
	return nil
}

// Start starts the installed service.
func (s *Service) Start() error {
	if err := s.inner.Start(); err != nil {
		return fmt.Errorf("start service: %w", explain(err))
	}
	return nil
}

// Stop stops the running service.
func (s *Service) Stop() error {
	if err := s.inner.Stop(); err != nil {
		return fmt.Errorf("stop service: %w", explain(err))
	}
	return nil
}

// State says in a word what the service manager knows of the service.
func (s *Service) State() string {
	status, err := s.inner.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return "not installed"
	case err != nil:
		return "unknown (" + err.Error() + ")"
	case status == service.StatusRunning:
		return "running"
	case status == service.StatusStopped:
		return "stopped"
	default:
		return "unknown"
	}
}

func explain(err error) error {
	if hint := permissionHint(); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

// idle stands for the program where the service is only managed, not run.
type idle struct{}

func (idle) Start(service.Service) error { return nil }
func (idle) Stop(service.Service) error  { return nil }
