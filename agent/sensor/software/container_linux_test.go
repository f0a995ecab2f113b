package software

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	laptopMounts = `23 28 0:22 / /sys rw,nosuid - sysfs sysfs rw
24 28 0:6 / /dev rw,nosuid - devtmpfs udev rw,mode=755
28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
31 28 0:30 / /tmp rw,nosuid - tmpfs tmpfs rw
40 28 0:44 / /run/user/1000 rw,nosuid - tmpfs tmpfs rw
`
	dockerMounts = `600 500 0:60 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A
601 600 0:61 / /proc rw - proc proc rw
602 600 0:62 / /dev rw,nosuid - tmpfs tmpfs rw,mode=755
603 600 0:22 / /sys ro,nosuid - sysfs sysfs ro
604 600 259:2 /var/lib/docker/containers/abc/hosts /etc/hosts rw - ext4 /dev/nvme0n1p2 rw
605 600 259:2 /home/kim/src /work rw - ext4 /dev/nvme0n1p2 rw
`
)

// namespaces are the links of a process's namespaces.
func namespaces(process string, pid, net int) map[string]string {
	return map[string]string{
		"proc/" + process + "/ns/pid": fmt.Sprintf("-> pid:[%d]", pid),
		"proc/" + process + "/ns/net": fmt.Sprintf("-> net:[%d]", net),
	}
}

// A developer's container is not the laptop, one with the laptop's display is.
func TestContainers(t *testing.T) {
	t.Parallel()
	const (
		laptop  = farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE
		apart   = farmhoundv1.InstallScope_INSTALL_SCOPE_CONTAINER
		hostPID = 4026531836
		hostNet = 4026531840
	)
	tests := []struct {
		name     string
		pid, net int
		mounts   string
		more     map[string]string
		want     farmhoundv1.InstallScope
	}{
		{"docker", 1, 2, dockerMounts, nil, apart},
		{"same processes", hostPID, 2, dockerMounts, nil, laptop},
		{"same network", 1, hostNet, dockerMounts, nil, laptop},
		{"same files", 1, 2, laptopMounts, nil, laptop},
		{"hidden", 1, 2, "", nil, laptop},
		{"display", 1, 2, dockerMounts + "606 600 0:30 /.X11-unix /tmp/.X11-unix rw - tmpfs tmpfs rw\n", nil, laptop},
		{"all of tmp elsewhere", 1, 2, dockerMounts + "606 600 0:30 / /other rw - tmpfs tmpfs rw\n", nil, laptop},
		{"all files elsewhere", 1, 2, dockerMounts + "606 600 259:2 / /host rw - ext4 /dev/nvme0n1p2 rw\n", nil, laptop},
		{"Wayland", 1, 2, dockerMounts + "606 600 0:44 /wayland-0 /tmp/wayland-0 rw - tmpfs tmpfs rw\n", nil, laptop},
		{"devices", 1, 2, dockerMounts + "606 600 0:6 /uinput /dev/uinput rw - devtmpfs udev rw\n", nil, laptop},
		{"devices made there", 1, 2, dockerMounts, map[string]string{"proc/100/root/dev/uinput": ""}, laptop},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"proc/1/mountinfo": laptopMounts}
			maps.Copy(files, namespaces("thread-self", hostPID, hostNet))
			maps.Copy(files, namespaces("100", tt.pid, tt.net))
			if tt.mounts != "" {
				files["proc/100/mountinfo"] = tt.mounts
			}
			maps.Copy(files, tt.more)
			m := machine{
				processes: []process{x11vnc},
				rows:      []row{listen, {local: "198.51.100.20:5900", remote: "203.0.113.9:50000", inode: 11}},
				files:     files,
			}
			report := observe(t, m.write(t))
			tools := report.GetSoftware().GetTools()
			if len(tools) != 1 || tools[0].GetId() != "x11vnc" || !tools[0].GetRunning() || tools[0].GetScope() != tt.want {
				t.Fatalf("tools: %v", tools)
			}
			if sessions := len(report.GetRemoteSessions()); (sessions == 1) != (tt.want == laptop) || tools[0].GetControlled() != (tt.want == laptop) {
				t.Errorf("%d sessions of %v", sessions, tools)
			}
		})
	}
}

// What the laptop has itself does not become a container's.
func TestContainerBesideInstallation(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"proc/1/mountinfo": laptopMounts, "proc/100/mountinfo": dockerMounts,
		"var/lib/dpkg/status": "Package: x11vnc\nStatus: install ok installed\nVersion: 0.9\n",
	}
	maps.Copy(files, namespaces("thread-self", 1, 2))
	maps.Copy(files, namespaces("100", 3, 4))
	got := observe(t, machine{processes: []process{x11vnc}, files: files}.write(t)).GetSoftware().GetTools()
	if len(got) != 1 || got[0].GetScope() != farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM || got[0].GetRunning() {
		t.Errorf("tools: %v", got)
	}
}

// A real process with processes, network and files of its own, and one that sees the
// laptop's display as well.
func TestRealContainer(t *testing.T) {
	t.Parallel()
	tools := farpath.Require(t, "unshare", "sleep")
	if os.Geteuid() != 0 {
		farpath.Missing(t, "root, to make a container")
	}
	for _, tt := range []struct {
		name, display string
		want          farmhoundv1.InstallScope
	}{
		{"apart", "", farmhoundv1.InstallScope_INSTALL_SCOPE_CONTAINER},
		{"with a display", "mkdir -p /tmp/.X11-unix && mkdir -p tmp/x && mount --bind /tmp/.X11-unix tmp/x && ", farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			script := "mount -t tmpfs none " + root + " && cd " + root + " && mkdir old usr proc && " + tt.display +
				"mount --rbind /usr usr && ln -s usr/lib usr/lib64 . && cp " + tools[1] + " x11vnc && " +
				"mount -t proc none proc && pivot_root . old && cd / && umount -l /old && exec /x11vnc 600"
			c := exec.CommandContext(t.Context(), tools[0], "--pid", "--net", "--mount", "--fork", "--kill-child", "sh", "-c", script)
			var said strings.Builder
			c.Stdout, c.Stderr = &said, &said
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = c.Process.Kill()
				_ = c.Wait()
			}()
			sense := New(host.Host{}, catalog.BuiltIn())
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
				if _, err := sense.system.processes.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				for pid := range mustChildren(t, c.Process.Pid) {
					p := sense.system.processes.Lookup(pid)
					if p == nil || filepath.Base(p.Executable) != "x11vnc" {
						continue
					}
					got := sense.system.contained(sense.system.judge(p, catalog.BuiltIn()))
					if want := tt.want == farmhoundv1.InstallScope_INSTALL_SCOPE_CONTAINER; got != want {
						t.Errorf("contained: %v, want %v", got, want)
					}
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("it did not begin: %s", said.String())
				}
			}
		})
	}
}

// mustChildren are the ids of a process's children.
func mustChildren(t *testing.T, pid int) map[int]bool {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	children := map[int]bool{}
	for _, field := range strings.Fields(string(text)) {
		var child int
		if _, err := fmt.Sscan(field, &child); err != nil {
			t.Fatal(err)
		}
		children[child] = true
	}
	return children
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, folder, below string
		ok                  bool
	}{
		{"/a/b", "/", "/a/b", true}, {"/a/b", "/a", "/b", true}, {"/a", "/a", "", true}, {"/ab", "/a", "", false}, {"/", "/", "", true}, {"/", "/a", "", false},
	} {
		below, ok := within(tt.name, tt.folder)
		if ok != tt.ok || ok && below != tt.below {
			t.Errorf("%s within %s: %q, %v", tt.name, tt.folder, below, ok)
		}
	}
}

func FuzzMounts(f *testing.F) {
	f.Add([]byte(laptopMounts), []byte(dockerMounts))
	f.Fuzz(func(t *testing.T, laptop, inside []byte) {
		a, b := parseMounts(laptop), parseMounts(inside)
		if len(a) > maxMounts {
			t.Error("more mounts than are kept")
		}
		if len(a)*len(b) < 10_000 {
			reachesConsole(a, b)
		}
	})
}
