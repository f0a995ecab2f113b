//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// A watch ends with success when it is interrupted.
func TestInterruptEndsWatch(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGUSR1)
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
