package service

import (
	"os"

	"github.com/kardianos/service"
)

func options() service.KeyValue {
	return service.KeyValue{"KeepAlive": true, "RunAtLoad": true}
}

// complete has nothing to add to what was installed.
func complete() error { return nil }

func supported() error { return nil }

func permissionHint() string {
	if os.Geteuid() != 0 {
		return "this needs root"
	}
	return ""
}
