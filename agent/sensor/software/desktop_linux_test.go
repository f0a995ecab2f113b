package software

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestDesktopEntry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       desktopEntry
	}{
		{"a program", "[Desktop Entry]\nType=Application\nName=AnyDesk\nExec=/usr/bin/anydesk %u\n", desktopEntry{program: "/usr/bin/anydesk"}},
		{"quoted", "[Desktop Entry]\nExec=\"/home/kim/my apps/rustdesk\" --tray\n", desktopEntry{program: "/home/kim/my apps/rustdesk"}},
		{"behind others", "[Desktop Entry]\nExec=env A=1 nohup sh -c \"x11vnc -forever\"\n", desktopEntry{program: "x11vnc"}},
		{"an action's", "[Desktop Action new]\nExec=anydesk\n", desktopEntry{}},
		{"switched off", "[Desktop Entry]\nExec=anydesk\nHidden=true\n", desktopEntry{program: "anydesk", off: true}},
		{"switched off in GNOME", "# x\n[Desktop Entry]\n Exec = anydesk\nX-GNOME-Autostart-enabled=false\n", desktopEntry{program: "anydesk", off: true}},
		{"nothing", "", desktopEntry{}},
	} {
		if diff := cmp.Diff(tt.want, parseDesktopEntry(tt.text), cmp.AllowUnexported(desktopEntry{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// What is installed in homes, started at logon or by a user's own service manager.
func TestInstalledForUsers(t *testing.T) {
	t.Parallel()
	const (
		system   = farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM
		user     = farmhoundv1.InstallScope_INSTALL_SCOPE_USER
		portable = farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE
	)
	type found struct {
		ID         string
		Scope      farmhoundv1.InstallScope
		Installed  bool
		Unattended bool
	}
	const menu = "[Desktop Entry]\nType=Application\nExec="
	unit := "[Service]\nExecStart=/home/kim/rustdesk --service\n"
	tests := []struct {
		name    string
		machine machine
		want    []found
	}{
		{"in everybody's menu", machine{files: map[string]string{
			"usr/share/applications/anydesk.desktop": menu + "/opt/ad/anydesk\n", "opt/ad/anydesk": "",
		}}, []found{{"anydesk", system, true, false}}},
		{"left over in a menu", machine{files: map[string]string{"usr/share/applications/anydesk.desktop": menu + "/opt/ad/anydesk\n"}}, nil},
		{"an ordinary program", machine{files: map[string]string{"usr/share/applications/vim.desktop": menu + "vim %F\n", "usr/bin/vim": ""}}, nil},
		{"started at somebody's logon", machine{files: map[string]string{
			"home/kim/.config/autostart/x.desktop": menu + "\"/home/kim/my apps/rustdesk\" --tray\n", "home/kim/my apps/rustdesk": "",
		}}, []found{{"rustdesk", user, true, false}}},
		{"switched off", machine{files: map[string]string{
			"home/kim/.config/autostart/x.desktop": menu + "/home/kim/rustdesk\nHidden=true\n", "home/kim/rustdesk": "",
		}}, nil},
		{"a user's unit", machine{files: map[string]string{
			"home/kim/.config/systemd/user/rustdesk.service": unit, "home/kim/.config/systemd/user/default.target.wants/rustdesk.service": "-> ../rustdesk.service",
		}}, []found{{"rustdesk", user, true, false}}},
		{"a user's unit that runs without the user", machine{files: map[string]string{
			"home/kim/.config/systemd/user/rustdesk.service": unit, "home/kim/.config/systemd/user/default.target.wants/rustdesk.service": "-> ../rustdesk.service",
			"var/lib/systemd/linger/kim": "",
		}}, []found{{"rustdesk", user, true, true}}},
		{"a user's unit that is not enabled", machine{files: map[string]string{
			"home/kim/.config/systemd/user/rustdesk.service": unit, "var/lib/systemd/linger/kim": "",
		}}, []found{{"rustdesk", user, true, false}}},
		{"another user's manager", machine{files: map[string]string{
			"home/kim/.config/systemd/user/rustdesk.service": unit, "home/kim/.config/systemd/user/default.target.wants/rustdesk.service": "-> ../rustdesk.service",
			"var/lib/systemd/linger/ada": "",
		}}, []found{{"rustdesk", user, true, false}}},
		{"a running AppImage", machine{processes: []process{
			{pid: 70, parent: 1, exe: "/home/kim/Downloads/rd-1.4.AppImage", args: []string{"./rd-1.4.AppImage"}},
			{pid: 71, parent: 70, exe: "/tmp/.mount_rd-1.4Xy/usr/share/rustdesk/rustdesk", args: []string{"/tmp/.mount_rd-1.4Xy/usr/share/rustdesk/rustdesk"}},
		}}, []found{{"rustdesk", portable, false, false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []found
			for _, tool := range observe(t, tt.machine.write(t)).GetSoftware().GetTools() {
				got = append(got, found{tool.GetId(), tool.GetScope(), tool.GetInstalled(), tool.GetUnattended()})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzDesktopEntry(f *testing.F) {
	f.Add("[Desktop Entry]\nExec=env A=1 sh -c \"x11vnc -forever\"\nHidden=true\n")
	f.Add("[Desktop Entry]\nExec=sh -c sh -c 'x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if e := parseDesktopEntry(text); len(e.program) > len(text) {
			t.Errorf("%q is longer than its file", e.program)
		}
	})
}
