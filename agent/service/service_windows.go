package service

import (
	"errors"
	"fmt"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

func options() service.KeyValue {
	return service.KeyValue{"OnFailure": "restart", "OnFailureDelayDuration": "30s"}
}

// complete has the service manager start the agent again also when it ends with an error,
// which by itself it does only after a crash. A service manager that has no such setting
// (Wine's) is left as it is.
func complete() error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("ask the service manager: %w", err)
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(Name)
	if err != nil {
		return fmt.Errorf("open what was installed: %w", err)
	}
	defer s.Close()
	if err := s.SetRecoveryActionsOnNonCrashFailures(true); err != nil && !errors.Is(err, windows.ERROR_INVALID_LEVEL) {
		return fmt.Errorf("have it started again after an error: %w", err)
	}
	return nil
}

func supported() error { return nil }

func permissionHint() string { return "this needs an administrator's command prompt" }
