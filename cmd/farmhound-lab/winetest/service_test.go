package winetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serviceLives takes the service through its life: installed, started, stopped and
// removed, by the agent's own commands and the service manager.
func serviceLives(t *testing.T, w *wine) {
	const serviceKey = `HKLM\System\CurrentControlSet\Services\farmhound-agent`
	state := w.inside(`C:\ProgramData\Farmhound\agent`)
	w.agentSays(t, "service installed", "install", "--scan-interval", "5s")
	w.must(t, w.loader, "reg", "query", serviceKey, "/v", "ImagePath")
	w.agentSays(t, "service started", "start")
	w.await(t, state, true)
	w.agentSays(t, "service stopped", "stop")
	w.await(t, state, false)
	w.agentSays(t, "service removed", "uninstall")
	if err := w.command(t.Context(), w.loader, "reg", "query", serviceKey).Run(); err == nil {
		t.Error("the service is registered after it was removed")
	}
	if left, err := os.ReadDir(filepath.Dir(state)); err == nil {
		t.Errorf("uninstall left %v", left)
	}
}

// agentSays runs a command of the agent, which must succeed and say so.
func (w *wine) agentSays(t *testing.T, want string, args ...string) {
	t.Helper()
	out, errs, code := w.runAgent(t, nil, args...)
	if code != 0 || !strings.Contains(out, want) {
		t.Fatalf("farmhound-agent %s ended with %d, want %q:\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
}

// await waits until the agent has written that it runs and has observed with its
// senses, or that it no longer runs.
func (w *wine) await(t *testing.T, state string, running bool) {
	t.Helper()
	const pause, longest = 100 * time.Millisecond, 3 * time.Minute
	var last []byte
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); time.Sleep(pause) {
		var status struct {
			Running bool              `json:"running"`
			Senses  []json.RawMessage `json:"senses"`
		}
		data, err := os.ReadFile(filepath.Join(state, "status.json"))
		if err != nil || json.Unmarshal(data, &status) != nil {
			continue
		}
		if last = data; status.Running == running && (!running || len(status.Senses) > 0) {
			return
		}
	}
	t.Fatalf("the agent did not write that running is %v in %v; it wrote\n%s", running, longest, last)
}
