package software

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	c, elsewhere := catalog.BuiltIn(), newSystem(host.Host{Root: t.TempDir()})
	type judged struct {
		Entries                             []string
		SSHD, Renamed, Writable, Credential bool
	}
	for _, tt := range []struct {
		name string
		procfs.Process
		want judged
	}{
		{"an ordinary program", procfs.Process{Comm: "firefox", Executable: "/usr/lib/firefox/firefox", Arguments: []string{"firefox"}}, judged{}},
		{"by its program", procfs.Process{Comm: "x11vnc", Executable: "/usr/bin/x11vnc", Arguments: []string{"x11vnc"}}, judged{Entries: []string{"x11vnc"}}},
		{"by its name alone, without permission", procfs.Process{Comm: "x11vnc"}, judged{Entries: []string{"x11vnc"}}},
		{"deleted since", procfs.Process{Comm: "x11vnc", Executable: "/tmp/x11vnc", Deleted: true}, judged{Entries: []string{"x11vnc"}, Writable: true}},
		{"a script of an interpreter", procfs.Process{Comm: "perl", Executable: "/usr/bin/perl", Arguments: []string{"perl", "/usr/bin/x0vncserver"}}, judged{Entries: []string{"tigervnc-x0vncserver"}}},
		{"an option of an interpreter", procfs.Process{Comm: "perl", Executable: "/usr/bin/perl", Arguments: []string{"perl", "-x11vnc"}}, judged{}},
		{"an argument that is a name", procfs.Process{Comm: "vim", Executable: "/usr/bin/vim", Arguments: []string{"vim", "/usr/bin/x11vnc"}}, judged{}},
		{"renamed by its user", procfs.Process{Comm: "x11vnc", Executable: "/home/jo/update", Arguments: []string{"x11vnc"}}, judged{Entries: []string{"x11vnc"}, Renamed: true, Writable: true}},
		{"through a package's link", procfs.Process{Comm: "x11vnc", Executable: "/opt/vendor/bin/vnc.real", Arguments: []string{"x11vnc"}}, judged{Entries: []string{"x11vnc"}}},
		{"a title with more in it", procfs.Process{Comm: "x11vnc", Executable: "/usr/bin/x11vnc", Arguments: []string{"x11vnc: serving"}}, judged{Entries: []string{"x11vnc"}}},
		{"a password file", procfs.Process{Comm: "x11vnc", Executable: "/usr/bin/x11vnc", Arguments: []string{"x11vnc", "--rfbauth=/etc/p"}}, judged{Entries: []string{"x11vnc"}, Credential: true}},
		{"sshd", procfs.Process{Comm: "sshd", Executable: "/usr/sbin/sshd", Arguments: []string{"sshd: root@pts/0"}}, judged{Entries: []string{"sshd"}, SSHD: true}},
		{"sshd-session", procfs.Process{Comm: "sshd-session", Executable: "/usr/lib/openssh/sshd-session"}, judged{Entries: []string{"sshd"}, SSHD: true}},
		{"what only calls itself sshd", procfs.Process{Comm: "sshd", Executable: "/usr/bin/python3.12", Arguments: []string{"sshd"}}, judged{Entries: []string{"sshd"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := tt.Process
			s := elsewhere.judge(&p, c)
			slices.Sort(s.entries)
			got := judged{Entries: s.entries, SSHD: s.sshd, Writable: s.writable(), Credential: s.fixedCredential()}
			for _, id := range s.entries {
				entry, _ := c.Entry(id)
				got.Renamed = got.Renamed || s.renamed(entry)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if elsewhere.judge(&p, c) != s {
				t.Error("judged twice")
			}
		})
	}
}

func TestHomeless(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/home/jo/.config/rustdesk": "~/.config/rustdesk", "/root/bin/x": "~/bin/x",
		"/home/jo": "/home/jo", "/usr/bin/x": "/usr/bin/x", "/homes/jo/x": "/homes/jo/x",
	} {
		if got := homeless(name); got != want {
			t.Errorf("%s became %s, want %s", name, got, want)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("x11vnc", "/usr/bin/x11vnc", "x11vnc\x00-rfbauth")
	f.Add("sshd", "", "sshd: a@b@pts/0")
	f.Add("perl", "/usr/bin/perl", "perl\x00/../x")
	c, elsewhere := catalog.BuiltIn(), newSystem(host.Host{Root: f.TempDir()})
	f.Fuzz(func(t *testing.T, comm, executable, argument string) {
		p := procfs.Process{Comm: comm, Executable: executable, Arguments: []string{argument, argument}}
		s := elsewhere.judge(&p, c)
		for _, id := range s.entries {
			if _, known := c.Entry(id); !known {
				t.Errorf("entry %q", id)
			}
		}
		s.fixedCredential()
		s.writable()
	})
}
