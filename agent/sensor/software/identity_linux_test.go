package software

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestCommandName(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"github.com/fatedier/frp/cmd/frpc": "frpc", "github.com/jpillora/chisel": "chisel", "example.com/tool/v2": "tool",
		"": "", "command-line-arguments": "", "/": "", "v2": "",
	} {
		if got := commandName(command); got != want {
			t.Errorf("%q: %q, want %q", command, got, want)
		}
	}
}

// A tool that Go built is known by its own words, under whatever name and from wherever
// it runs, even once its file has been removed.
func TestRenamedProgram(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                  "module github.com/cloudflare/cloudflared\n\ngo 1.26\n",
		"cmd/cloudflared/main.go": "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Minute) }\n",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(folder, "systemd-helper")
	c := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", program, "./cmd/cloudflared")
	c.Dir, c.Env = folder, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), program)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	}()
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	sense := New(host.Host{}, catalog.BuiltIn())
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		report := &farmhoundv1.Report{}
		if err := sense.Observe(t.Context(), report); err != nil {
			t.Log(err) // what an ordinary user cannot see
		}
		found := slices.ContainsFunc(report.GetSoftware().GetTools(), func(tool *farmhoundv1.Tool) bool {
			return tool.GetId() == "cloudflared" && tool.GetRunning() && tool.GetRenamed() && tool.GetUserWritable()
		})
		if found {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not found: %v", report.GetSoftware())
		}
	}
}

// A tool that writes its own log is itself, whatever it is called; who only reads one, or
// lies where packages put programs, is not.
func TestKnownByWhatItWrites(t *testing.T) {
	t.Parallel()
	const log = "/home/kim/.local/share/logs/RustDesk/server/rustdesk_rCURRENT.log"
	for _, tt := range []struct {
		name, exe, flags string
		want             bool
	}{
		{"a renamed tool", "/home/kim/.cache/update", "0102001", true},
		{"a reader", "/home/kim/.cache/update", "0100000", false},
		{"an installed program", "/usr/bin/filebeat", "0102001", false},
		{"a script", "/home/kim/bin/python3", "0102001", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := machine{
				processes: []process{{pid: 50, parent: 1, exe: tt.exe, args: []string{tt.exe}}},
				files: map[string]string{
					"proc/50/fd/9": "-> " + log, "proc/50/fdinfo/9": "pos:\t7\nflags:\t" + tt.flags + "\nmnt_id:\t29\n",
					"home/kim/.config/rustdesk/RustDesk.toml": "",
				},
			}
			running := slices.ContainsFunc(observe(t, m.write(t)).GetSoftware().GetTools(), func(tool *farmhoundv1.Tool) bool {
				if tool.GetId() == "rustdesk" && tool.GetRunning() && !tool.GetRenamed() {
					t.Error("it is not renamed")
				}
				return tool.GetId() == "rustdesk" && tool.GetRunning()
			})
			if running != tt.want {
				t.Errorf("running: %v, want %v", running, tt.want)
			}
		})
	}
}
