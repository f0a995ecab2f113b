package hands

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const patience = 20 * time.Second

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if holds() {
			return
		}
	}
	t.Fatalf("waited %v for %s", patience, what)
}

// seen returns the seconds that a ledger has counted by origin in the window under way.
func seen(l *ledger, o origin) (n uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sources {
		if s.origin == o {
			n += s.during.count()
		}
	}
	return n
}

// tree makes a machine whose input devices are pipes: what is written to one is what
// the kernel would tell.
func tree(t *testing.T, devices map[string]string) (root string, write map[string]*os.File) {
	t.Helper()
	root = t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(root, "proc"), 0o755))
	must(os.WriteFile(filepath.Join(root, "proc/stat"), []byte("cpu 0\nbtime 1790000000\n"), 0o600))
	must(os.MkdirAll(filepath.Join(root, inputFolder), 0o755))
	must(os.MkdirAll(filepath.Join(root, classFolder), 0o755))
	write = map[string]*os.File{}
	number := 0
	for name, folder := range devices {
		node := "event" + strconv.Itoa(number)
		number++
		files := map[string]string{"name": name, "id/bustype": "0011", "id/vendor": "0001",
			"capabilities/key": "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe", "capabilities/rel": "0", "capabilities/abs": "0"}
		if strings.Contains(name, "Mouse") {
			files["capabilities/key"], files["capabilities/rel"], files["id/bustype"] = "ff0000 0 0 0 0", "1943", "0003"
		}
		for file, text := range files {
			must(os.MkdirAll(filepath.Dir(filepath.Join(root, folder, file)), 0o755))
			must(os.WriteFile(filepath.Join(root, folder, file), []byte(text+"\n"), 0o600))
		}
		must(os.MkdirAll(filepath.Join(root, folder, node), 0o755))
		must(os.Symlink("../.."+strings.TrimPrefix(folder, "/sys")+"/"+node, filepath.Join(root, classFolder, node)))
		pipe := filepath.Join(root, inputFolder, node)
		must(unix.Mkfifo(pipe, 0o600))
		f, err := os.OpenFile(pipe, os.O_RDWR, 0)
		must(err)
		t.Cleanup(func() { f.Close() })
		write[name] = f
	}
	return root, write
}

// event is a struct input_event.
func event(kind, code uint16, value int32) []byte {
	b := make([]byte, int(unsafe.Sizeof(unix.Timeval{})))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, code)
	return binary.NativeEndian.AppendUint32(b, uint32(value))
}

func TestDevices(t *testing.T) {
	t.Parallel()
	root, write := tree(t, map[string]string{
		"AT Translated Set 2 keyboard": "/sys/devices/platform/i8042/serio0/input/input3",
		"USB Mouse":                    "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/input/input7",
		"ydotoold virtual device":      "/sys/devices/virtual/input/input41",
	})
	s := New(host.Host{Root: root}, catalog.BuiltIn())
	report := &farmhoundv1.Report{}
	if err := s.Observe(t.Context(), report); err != nil && !strings.Contains(err.Error(), detailMedia) {
		t.Fatalf("observe: %v", err)
	}
	keyboard, mouse, pretended := write["AT Translated Set 2 keyboard"], write["USB Mouse"], write["ydotoold virtual device"]
	put := func(f *os.File, kind, code uint16, value int32) {
		t.Helper()
		if _, err := f.Write(event(kind, code, value)); err != nil {
			t.Fatal(err)
		}
	}
	put(keyboard, eventKey, keyQ, 0) // let go
	put(keyboard, eventKey, keyQ, 2) // repeats
	put(keyboard, 4, 4, 30)          // a scan code
	put(mouse, eventRelative, 0, 3)
	put(pretended, eventKey, keyQ, 1)
	until(t, "the mouse and the pretended keyboard", func() bool { return seen(s.ledger, attached) > 0 && seen(s.ledger, injected) > 0 })
	if seen(s.ledger, builtIn) != 0 {
		t.Error("a key that was not pressed is counted")
	}
	put(keyboard, eventKey, keyQ, 1)
	until(t, "the keyboard", func() bool { return seen(s.ledger, builtIn) > 0 })
	w := &farmhoundv1.Window{Seconds: 300}
	s.Count(w)
	if in := w.GetInput(); in.GetBuiltIn() != 1 || in.GetAttached() != 1 || in.GetInjected() != 1 {
		t.Errorf("window: %v", w)
	}
	if w.GetAssistiveSeconds() != 0 || w.AssistiveSeconds == nil || w.CallSeconds != nil {
		t.Errorf("assistive %v, call %v", w.AssistiveSeconds, w.CallSeconds)
	}
	// What is unplugged is let go of.
	if err := os.Remove(filepath.Join(root, inputFolder, "event0")); err != nil {
		t.Fatal(err)
	}
	if err := s.Observe(t.Context(), report); err == nil {
		t.Error("all is said to be seen where there is no sound")
	}
	if n := len(s.system.devices.opened); n != 2 {
		t.Errorf("%d devices are open", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestHiddenDevicesAreUnknown(t *testing.T) {
	t.Parallel()
	root, _ := tree(t, map[string]string{"AT Translated Set 2 keyboard": "/sys/devices/platform/i8042/serio0/input/input3"})
	node := filepath.Join(root, inputFolder, "event0")
	// A link that leads nowhere cannot be opened, by root either.
	if err := errors.Join(os.Remove(node), os.Symlink("gone", node)); err != nil {
		t.Fatal(err)
	}
	s := New(host.Host{Root: root}, catalog.BuiltIn())
	err := s.Observe(t.Context(), &farmhoundv1.Report{})
	if err == nil || !strings.Contains(err.Error(), detailHidden) {
		t.Errorf("observe: %v", err)
	}
	w := &farmhoundv1.Window{Seconds: 300}
	s.Count(w)
	if w.Input != nil || w.ActiveSeconds != nil {
		t.Errorf("what is hidden is told as %v", w)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// pseudoTerminal opens one, both ends of it.
func pseudoTerminal(t *testing.T) (master, slave *os.File, number int) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		farpath.Missing(t, "a pseudo-terminal: "+err.Error())
	}
	t.Cleanup(func() { master.Close() })
	if number, err = unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave, number
}

func TestTerminals(t *testing.T) {
	t.Parallel()
	master, slave, number := pseudoTerminal(t)
	s := New(host.Host{}, catalog.BuiltIn())
	watched := func() int {
		s.system.terminals.mu.Lock()
		defer s.system.terminals.mu.Unlock()
		return len(s.system.terminals.byNumber) + len(s.system.terminals.byWatch)
	}
	if err := s.system.terminals.follow([]int{number, 900_001}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(slave, "output of a program\n")
	fmt.Fprint(master, "typed\n")
	if _, err := bufio.NewReader(slave).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	until(t, "what was typed", func() bool { return seen(s.ledger, session) > 0 })
	// Between two looks a session ends and another gets its number.
	if err := errors.Join(slave.Close(), master.Close()); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the terminal", func() bool { return watched() == 0 })
	_, _, another := pseudoTerminal(t)
	if err := s.system.terminals.follow([]int{another}); err != nil {
		t.Fatal(err)
	}
	if n := watched(); n != 2 {
		t.Errorf("another terminal is not watched: %d", n)
	}
	if err := s.system.terminals.follow(nil); err != nil {
		t.Fatal(err)
	}
	if n := watched(); n != 0 {
		t.Errorf("%d terminals are watched that are not wanted", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// screen starts an X server that asks for a cookie.
func screen(t *testing.T, xvfb string, from int) (server xServer, environment []string) {
	t.Helper()
	number := strconv.Itoa(from + os.Getpid()%500)
	auth := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(auth, xauth("", number, cookieName, "0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, nil, xvfb, ":"+number, "-auth", auth, "-screen", "0", "640x480x24", "-nolisten", "tcp")
	until(t, "the X server", func() bool { _, err := os.Stat("/tmp/.X11-unix/X" + number); return err == nil })
	server = xServer{display: number, auth: auth}
	server.identify(host.Host{}, serverPID(t, server), uint32(os.Getuid()))
	return server, append(os.Environ(), "DISPLAY=:"+number, "XAUTHORITY="+auth)
}

// serverPID is the process of an X server, by its lock.
func serverPID(t *testing.T, server xServer) int {
	t.Helper()
	line := host.Host{}.ReadLine("/tmp/.X" + server.display + "-lock")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("lock of the display: %v", err)
	}
	return pid
}

// run starts a program that ends with the test.
func run(t *testing.T, environment []string, program string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Env = environment
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
}

func TestInjectedUnderX11(t *testing.T) {
	t.Parallel()
	programs := farpath.Require(t, "Xvfb", "xdotool")
	server, environment := screen(t, programs[0], 200)
	s := New(host.Host{}, catalog.BuiltIn())
	// Found among what runs, with the cookie that it was called with. Others on this
	// machine may have displays that refuse, so that what Observe misses is not looked at.
	until(t, "the display", func() bool {
		s.system.looked = time.Time{}
		_ = s.Observe(t.Context(), &farmhoundv1.Report{})
		return s.system.displays[server] != nil
	})
	if got := lockedBy(host.Host{}, &server); got != server.display {
		t.Errorf("by its lock, the display is %q, want %q", got, server.display)
	}
	run(t, environment, programs[1], "type", "--delay", "30", "hello there")
	until(t, "keys of xdotool", func() bool { return seen(s.ledger, injected) > 0 })
	c := exec.CommandContext(t.Context(), programs[1], "mousemove", "100", "100", "mousemove", "200", "200")
	c.Env = environment
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("xdotool: %v\n%s", err, out)
	}
	w := &farmhoundv1.Window{Seconds: 300}
	s.ledger.count(w, whole)
	if in := w.GetInput(); in.GetInjected() == 0 || in.GetBuiltIn()+in.GetAttached()+in.GetKvmLike() != 0 {
		t.Errorf("window: %v", w)
	}
	if _, err := openDisplay(t.Context(), s, xServer{display: server.display, user: server.user}); !errors.Is(err, errX11Refused) {
		t.Errorf("without the cookie: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// viewer types through a VNC server, as its protocol's version 3.3 has it.
func viewer(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil
	}
	t.Cleanup(func() { conn.Close() })
	var version [12]byte
	var security [4]byte
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(conn, version[:]); err != nil {
		return nil
	}
	fmt.Fprint(conn, "RFB 003.003\n")
	if _, err := io.ReadFull(conn, security[:]); err != nil || security[3] != 1 {
		t.Fatalf("security %v: %v", security, err)
	}
	if _, err := conn.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	var screen [24]byte
	if _, err := io.ReadFull(conn, screen[:]); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestViewerTypesThroughVNC(t *testing.T) {
	t.Parallel()
	programs := farpath.Require(t, "Xvfb", "x11vnc")
	server, environment := screen(t, programs[0], 800)
	s := New(host.Host{}, catalog.BuiltIn())
	var d *display
	until(t, "the display", func() (ok bool) { d, _ = openDisplay(t.Context(), s, server); return d != nil })
	s.system.displays[server] = d
	port := strconv.Itoa(30_000 + os.Getpid()%20_000)
	run(t, environment, programs[1], "-display", ":"+server.display, "-auth", server.auth, "-rfbport", port, "-localhost", "-nopw", "-forever", "-quiet", "-noxdamage")
	var conn net.Conn
	until(t, "the VNC server", func() bool { conn = viewer(t, "127.0.0.1:"+port); return conn != nil })
	until(t, "what the viewer types", func() bool {
		for _, down := range []byte{1, 0} {
			if _, err := conn.Write([]byte{4, down, 0, 0, 0, 0, 0, 'a'}); err != nil {
				t.Fatal(err)
			}
		}
		return seen(s.ledger, injected) > 0
	})
	if n := seen(s.ledger, builtIn) + seen(s.ledger, attached); n != 0 {
		t.Errorf("%d seconds of it are taken for somebody's in the room", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
