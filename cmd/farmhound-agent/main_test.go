package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"farmhound-agent": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(condition string) (bool, error) {
			if condition != "systemd" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			_, err := os.Stat("/run/systemd/system")
			return err == nil, nil
		},
		Setup: func(env *testscript.Env) error {
			c := fakecollector.Start(t)
			env.Setenv("FARMHOUND_STATE_DIR", filepath.Join(env.WorkDir, "state"))
			env.Setenv("COLLECTOR", c.Address)
			env.Setenv("CA", c.CAFile)
			env.Setenv("CAPIN", c.CAPin)
			env.Setenv("SECRET", fakecollector.Secret)
			env.Setenv("PROXY", fakecollector.StartProxy(t, "anna:geheim").Address)
			secure, proxyCA := fakecollector.StartSecureProxy(t)
			env.Setenv("SECUREPROXY", secure.Address)
			env.Setenv("PROXYCA", proxyCA)
			env.Setenv("INSPECTOR", fakecollector.StartInspector(t, "Zscaler Inc.", tls.VersionTLS13).Address)
			env.Setenv("PORTAL", fakecollector.StartPortal(t).Address)
			env.Setenv("HOLE", fakecollector.StartBlackHole(t, 0).Address)
			return nil
		},
	})
}

// Every flag and command is explained, and unset flags change nothing.
func TestHelpNamesEverySetting(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, process{nil, strings.NewReader(""), &out, io.Discard}); code != 0 {
		t.Fatalf("exit status %d", code)
	}
	for _, want := range []string{"--collector", "--ca-pin", "$FARMHOUND_SCAN_INTERVAL", "install", "uninstall", "start", "stop", "run", "status", "doctor", "scan", "--proxy", "enroll", "version"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help does not name %s", want)
		}
	}
	if layer := new(settingFlags).layer(); len(layer) != 0 {
		t.Errorf("flags that were not given set %v", layer)
	}
}
