package service

import (
	_ "embed" // the unit's template
	"fmt"
	"os"
	"strings"

	"github.com/kardianos/service"
)

// unit is the systemd unit in kardianos/service's own template language.
//
//go:embed farmhound-agent.service.tmpl
var unit string

func options() service.KeyValue { return service.KeyValue{"SystemdScript": unit} }

// complete has nothing to add to what was installed.
func complete() error { return nil }

func supported() error {
	platform := service.Platform()
	if platform == "linux-systemd" {
		return nil
	}
	first, err := os.ReadFile("/proc/1/comm")
	if err != nil {
		first = []byte("unknown")
	}
	return fmt.Errorf("this machine is not run by systemd (process 1 is %q): the agent cannot be managed as a service here; "+
		"let your own supervisor run \"%s run\" instead", strings.TrimSpace(string(first)), Name)
}

func permissionHint() string {
	if os.Geteuid() != 0 {
		return "this needs root"
	}
	return ""
}
