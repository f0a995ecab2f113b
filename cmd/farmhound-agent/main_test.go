package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
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
	for _, want := range []string{"--collector", "--ca-pin", "$FARMHOUND_SCAN_INTERVAL", "install", "uninstall", "start", "stop", "run", "status", "scan", "enroll", "version"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help does not name %s", want)
		}
	}
	if layer := new(settingFlags).layer(); len(layer) != 0 {
		t.Errorf("flags that were not given set %v", layer)
	}
}

// A watch ends with success when it is interrupted.
func TestInterruptEndsWatch(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGUSR1)
	defer stop()
	out, in := io.Pipe()
	var complaints bytes.Buffer
	done := make(chan int, 1)
	go func() {
		args := []string{"scan", "--watch", "-o", "jsonl", "--interval", "100ms", "--state-dir", t.TempDir(), "--root", t.TempDir()}
		done <- run(ctx, args, process{nil, strings.NewReader(""), in, &complaints})
		_ = in.Close() // who reads is not left waiting, however it ended
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadBytes('\n')
	if err != nil || !json.Valid(line) {
		stop()
		t.Fatalf("first line %q, %v; exit status %d: %s", line, err, <-done, &complaints)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, lines)
	if code := <-done; code != 0 {
		t.Errorf("exit status %d: %s", code, &complaints)
	}
}
