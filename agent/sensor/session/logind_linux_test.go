package session

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// properties is what logind tells of one session.
type properties map[string]dbus.Variant

func told(values map[string]any) properties {
	p := properties{}
	for name, value := range values {
		p[name] = dbus.MakeVariant(value)
	}
	return p
}

// GetAll answers for the session's object.
func (p properties) GetAll(string) (map[string]dbus.Variant, *dbus.Error) { return p, nil }

// manager answers for logind's own object.
type manager struct {
	sessions []listed
	hang     <-chan struct{} // where it is set, answers come when it is closed
}

// ListSessions answers with what logind has.
func (m *manager) ListSessions() ([]listed, *dbus.Error) {
	if m.hang != nil {
		<-m.hang
	}
	return m.sessions, nil
}

// startBus starts a bus of the test's own and returns its address.
func startBus(t *testing.T) string {
	t.Helper()
	farpath.Require(t, "dbus-daemon")
	address := "unix:path=" + filepath.Join(t.TempDir(), "bus")
	daemon := exec.CommandContext(t.Context(), "dbus-daemon", "--session", "--nofork", "--print-address", "--address="+address)
	said, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	// It says where it listens when it does.
	if _, err := bufio.NewReader(said).ReadString('\n'); err != nil {
		t.Fatalf("the bus does not start: %v", err)
	}
	return address
}

// startLogind starts a bus with a pretended logind on it. A session without
// properties is one that ends before anybody asks for them.
func startLogind(t *testing.T, m *manager, sessions map[string]properties) string {
	t.Helper()
	address := startBus(t)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for id, p := range sessions {
		path := dbus.ObjectPath(loginPath + "/session/" + id)
		m.sessions = append(m.sessions, listed{ID: id, UID: 1000, User: "somebody", Seat: "seat0", Path: path})
		if p == nil {
			continue
		}
		if err := conn.Export(p, path, "org.freedesktop.DBus.Properties"); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Export(m, loginPath, "org.freedesktop.login1.Manager"); err != nil {
		t.Fatal(err)
	}
	if reply, err := conn.RequestName(loginService, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("take logind's name: %v, %v", reply, err)
	}
	return address
}

func onBus(root, address string) *Sensor {
	s := New(host.Host{Root: root})
	s.system.bus = address
	return s
}

func TestLogonsOfLogind(t *testing.T) {
	t.Parallel()
	micros := uint64(began.UnixMicro())
	at := func(minutes int) uint64 { return micros + uint64(minutes)*60_000_000 }
	address := startLogind(t, &manager{}, map[string]properties{
		"_1": told(map[string]any{"Class": "user", "Type": "wayland", "Service": "gdm-password", "TTY": "tty2", "Remote": false, "Active": true, "LockedHint": true, "Leader": uint32(700), "Timestamp": at(0)}),
		"_2": told(map[string]any{"Class": "user", "Type": "tty", "Service": "sshd", "TTY": "pts/0", "Remote": true, "RemoteHost": "203.0.113.9", "Active": true, "Leader": uint32(2200), "Timestamp": at(1)}),
		"_3": told(map[string]any{"Class": "user", "Type": "x11", "Service": "xrdp-sesman", "Display": ":10", "Remote": false, "Active": true, "Leader": uint32(900), "Timestamp": at(2)}),
		"_4": told(map[string]any{"Class": "user", "Type": "tty", "Service": "sshd", "TTY": "pts/9", "Remote": true, "RemoteHost": "laptop.example", "Active": true, "Leader": uint32(901), "Timestamp": at(3)}),
		"_5": told(map[string]any{"Class": "background", "Type": "unspecified", "Service": "crond", "Remote": false, "Leader": uint32(902), "Timestamp": at(4)}),
		"_6": told(map[string]any{"Class": "greeter", "Type": "x11", "Service": "lightdm-greeter", "Leader": uint32(903)}),
		"_7": told(map[string]any{"Class": "manager", "Type": "unspecified", "Service": "systemd-user", "Leader": uint32(904)}),
		"_8": nil,
		"_9": told(map[string]any{"Class": uint32(7), "Type": []string{"x11"}, "Leader": "900", "Timestamp": int64(-1), "Active": "yes"}),
	})
	logon := func(kind farmhoundv1.LogonKind, minutes int, peer string, locked bool) *farmhoundv1.Logon {
		return &farmhoundv1.Logon{
			Kind: kind, StartedAt: timestamppb.New(began.Add(time.Duration(minutes) * time.Minute)), Peer: peer,
			Active: proto.Bool(true), Locked: proto.Bool(locked),
		}
	}
	cron := logon(farmhoundv1.LogonKind_LOGON_KIND_BACKGROUND, 4, "", false)
	cron.Active = proto.Bool(false)
	want := []*farmhoundv1.Logon{
		// What tells nothing of itself is in the background, since no one knows when.
		{Kind: farmhoundv1.LogonKind_LOGON_KIND_BACKGROUND, Active: proto.Bool(false), Locked: proto.Bool(false)},
		logon(farmhoundv1.LogonKind_LOGON_KIND_CONSOLE, 0, "", true),
		logon(farmhoundv1.LogonKind_LOGON_KIND_SSH, 1, "203.0.113.9", false),
		logon(farmhoundv1.LogonKind_LOGON_KIND_RDP, 2, "", false),
		logon(farmhoundv1.LogonKind_LOGON_KIND_SSH, 3, "", false),
		cron,
	}
	s := onBus(t.TempDir(), address)
	if diff := cmp.Diff(want, logons(t, s), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A login that both sources know is told once.
func TestLogindAndRecordAreJoined(t *testing.T) {
	t.Parallel()
	address := startLogind(t, &manager{}, map[string]properties{
		"_1": told(map[string]any{"Class": "user", "Type": "tty", "Service": "sshd", "TTY": "pts/0", "Remote": true, "RemoteHost": "203.0.113.9", "Leader": uint32(2199), "Timestamp": uint64(began.UnixMicro())}),
		// By name only: the record has the address.
		"_3": told(map[string]any{"Class": "user", "Type": "tty", "Service": "sshd", "TTY": "pts/1", "Remote": true, "RemoteHost": "far.example", "Leader": uint32(2300), "Timestamp": uint64(began.UnixMicro())}),
		"_2": told(map[string]any{"Class": "user", "Type": "x11", "Service": "gdm", "Display": ":0", "Leader": uint32(1410), "Timestamp": uint64(began.UnixMicro())}),
	})
	var peers []string
	for _, l := range logons(t, onBus(recordedLogins, address)) {
		peers = append(peers, l.GetPeer())
	}
	if got := strings.Join(peers, " "); len(peers) != 4 || strings.Count(got, "203.0.113.9") != 1 || strings.Count(got, "2001:db8::7") != 1 {
		t.Errorf("peers %q", got)
	}
}

// A logind that hangs costs its time and no more: the record is told all the same,
// and it is not asked again with every look.
func TestHungLogind(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	address := startLogind(t, &manager{hang: release}, nil)
	s := onBus(recordedLogins, address)
	for look, longest := range []time.Duration{logindPatience + 5*time.Second, logindPatience / 2} {
		start := time.Now()
		if got := logons(t, s); len(got) != 4 {
			t.Errorf("look %d: %d logons", look, len(got))
		}
		if took := time.Since(start); took > longest {
			t.Errorf("look %d took %v", look, took)
		}
	}
}

func TestBusWithoutLogind(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"no logind": startBus(t), "no bus": "unix:path=" + filepath.Join(t.TempDir(), "none")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := logons(t, onBus(recordedLogins, address)); len(got) != 4 {
				t.Errorf("logons %v", got)
			}
		})
	}
}
