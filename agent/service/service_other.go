//go:build !linux && !darwin && !windows

package service

import (
	"errors"

	"github.com/kardianos/service"
)

func options() service.KeyValue { return nil }

// complete has nothing to add to what was installed.
func complete() error { return nil }

func supported() error { return errors.New("the agent cannot be a service on this system") }

func permissionHint() string { return "" }
