package farpath

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	deviceName = "far0"
	maxPacket  = 65536
	// queueLength is how many packets can be on their way in one direction.
	queueLength = 4096
)

// Path is two network namespaces joined by a slow path.
type Path struct {
	// NearAddr and FarAddr are the addresses of the two sides.
	NearAddr, FarAddr netip.Addr

	near, far string // names of the namespaces
	devices   []int
	stop      [2]int // a pipe; closing its second end stops the carrying
	carrying  sync.WaitGroup
}

// New makes a path that holds packets for the delay each way. It lasts until the
// test ends.
func New(t testing.TB, delay time.Duration) *Path {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root, to make network namespaces")
	}
	Require(t, "ip")
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		Missing(t, "/dev/net/tun")
	}
	id := make([]byte, 4)
	_, _ = rand.Read(id)
	name := "farpath-" + hex.EncodeToString(id)
	// The addresses differ from path to path, so that a test knows its own peer.
	p := &Path{
		NearAddr: netip.AddrFrom4([4]byte{198, 51, 100, 1 + id[0]%250}),
		FarAddr:  netip.AddrFrom4([4]byte{203, 0, 113, 1 + id[1]%250}),
		near:     name + "-near", far: name + "-far",
	}
	if err := unix.Pipe2(p.stop[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close(t) })
	for _, side := range []struct {
		namespace   string
		local, peer netip.Addr
	}{{p.near, p.NearAddr, p.FarAddr}, {p.far, p.FarAddr, p.NearAddr}} {
		device, err := attach(t.Context(), side.namespace, side.local, side.peer)
		if err != nil {
			t.Fatal(err)
		}
		p.devices = append(p.devices, device)
	}
	p.carrying.Go(func() { carry(p.devices[0], p.devices[1], p.stop[0], delay) })
	p.carrying.Go(func() { carry(p.devices[1], p.devices[0], p.stop[0], delay) })
	return p
}

// Namespace makes a network namespace that lasts until the test ends, with a loopback
// interface and nothing else, and returns its name for the ip program.
func Namespace(t testing.TB) string {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root, to make network namespaces")
	}
	Require(t, "ip")
	id := make([]byte, 4)
	_, _ = rand.Read(id)
	name := "farpath-" + hex.EncodeToString(id)
	for _, arguments := range [][]string{{"netns", "add", name}, {"-n", name, "link", "set", "lo", "up"}} {
		if err := ip(t.Context(), arguments...); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := ip(context.Background(), "netns", "delete", name); err != nil { //nolint:usetesting // the test's own context is over
			t.Errorf("clean up: %v", err)
		}
	})
	return name
}

// Link joins the two sides by a second, direct way beside the path: a pair of virtual
// Ethernet interfaces with an address each in the /24, and a default route on the near
// side that the kernel does not prefer.
func (p *Path) Link(t testing.TB, name string, near, far netip.Addr) {
	t.Helper()
	for _, arguments := range [][]string{
		{"-n", p.near, "link", "add", name, "type", "veth", "peer", "name", name, "netns", p.far},
		{"-n", p.near, "addr", "add", near.String() + "/24", "dev", name},
		{"-n", p.far, "addr", "add", far.String() + "/24", "dev", name},
		{"-n", p.near, "link", "set", name, "up"},
		{"-n", p.far, "link", "set", name, "up"},
		{"-n", p.near, "route", "add", "default", "via", far.String(), "dev", name, "metric", "600"},
	} {
		if err := ip(t.Context(), arguments...); err != nil {
			t.Fatal(err)
		}
	}
}

// attach makes a namespace with a TUN device in it and returns the device's open end.
func attach(ctx context.Context, namespace string, local, peer netip.Addr) (device int, err error) {
	if err := ip(ctx, "netns", "add", namespace); err != nil {
		return 0, err
	}
	err = within(namespace, func() (err error) {
		device, err = openDevice()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("make a TUN device in %s: %w", namespace, err)
	}
	for _, arguments := range [][]string{
		{"-n", namespace, "link", "set", "lo", "up"},
		{"-n", namespace, "addr", "add", local.String(), "peer", peer.String(), "dev", deviceName},
		{"-n", namespace, "link", "set", deviceName, "up"},
		{"-n", namespace, "route", "add", "default", "dev", deviceName},
	} {
		if err := ip(ctx, arguments...); err != nil {
			return 0, errors.Join(err, unix.Close(device))
		}
	}
	return device, nil
}

func ip(ctx context.Context, arguments ...string) error {
	out, err := exec.CommandContext(ctx, "ip", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %v: %w: %s", arguments, err, out)
	}
	return nil
}

// openDevice makes the TUN device in the namespace of the calling thread.
func openDevice() (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	request, err := unix.NewIfreq(deviceName)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// held is a packet on its way.
type held struct {
	due    time.Time
	packet []byte
}

// carry moves packets from one device to the other after the delay, in their order,
// until stop can be read from. It does so on a thread that goes before all others, so
// that the distance stays the same on a busy machine.
func carry(from, to, stop int, delay time.Duration) {
	runtime.LockOSThread() // never unlocked: the thread is thrown away with its priority
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
	var way []held
	buffer := make([]byte, maxPacket)
	wait := []unix.PollFd{{Fd: int32(from), Events: unix.POLLIN}, {Fd: int32(stop), Events: unix.POLLIN}}
	for {
		var pause *unix.Timespec
		if len(way) > 0 {
			left := unix.NsecToTimespec(max(time.Until(way[0].due), 0).Nanoseconds())
			pause = &left
		}
		if _, err := unix.Ppoll(wait, pause, nil); err != nil && !errors.Is(err, unix.EINTR) || wait[1].Revents != 0 {
			return
		}
		for len(way) < queueLength { // a network loses packets too
			n, err := unix.Read(from, buffer)
			if err != nil {
				break
			}
			way = append(way, held{time.Now().Add(delay), append([]byte(nil), buffer[:n]...)})
		}
		for len(way) > 0 && time.Until(way[0].due) <= 0 {
			_, _ = unix.Write(to, way[0].packet)
			way = way[1:]
		}
	}
}

// within runs f on a thread of its own in a namespace. The thread ends with f, so
// that nothing else runs there.
func within(namespace string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is thrown away
		handle, err := os.Open("/run/netns/" + namespace)
		if err != nil {
			done <- err
			return
		}
		defer handle.Close()
		if err := unix.Setns(int(handle.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", namespace, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// InNear runs f on a thread in the near namespace and returns its error. Goroutines
// that f starts are elsewhere, and so is /proc/net, which is the main thread's.
func (p *Path) InNear(f func() error) error { return within(p.near, f) }

// InFar is InNear for the far namespace.
func (p *Path) InFar(f func() error) error { return within(p.far, f) }

// Near returns a command that runs in the near namespace.
func (p *Path) Near(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	return command(ctx, p.near, program, arguments)
}

// Far returns a command that runs in the far namespace.
func (p *Path) Far(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	return command(ctx, p.far, program, arguments)
}

func command(ctx context.Context, namespace, program string, arguments []string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", namespace, program}, arguments...)...)
}

func (p *Path) close(t testing.TB) {
	_ = unix.Close(p.stop[1])
	p.carrying.Wait()
	for _, open := range append(p.devices, p.stop[0]) {
		_ = unix.Close(open)
	}
	for _, namespace := range []string{p.near, p.far} {
		if _, err := os.Stat("/run/netns/" + namespace); err != nil {
			continue
		}
		if err := ip(context.Background(), "netns", "delete", namespace); err != nil { //nolint:usetesting // the test's own context is over
			t.Errorf("clean up: %v", err)
		}
	}
}
