package notice

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// largestMessage is more than the kernel puts into one message, and takes some dozen
// events of inotify.
const largestMessage = 8 << 10

// watch follows the kernel's messages about devices and the files about logons.
func watch(ctx context.Context, changed func()) error {
	devices, noDevices := followDevices()
	people, noPeople := followLogons("")
	var waiting sync.WaitGroup
	if noDevices == nil {
		waiting.Go(func() {
			noDevices = read(ctx, devices, changed, func(message []byte) bool { return concerns(message, subsystems) })
		})
	}
	if noPeople == nil {
		waiting.Go(func() { noPeople = read(ctx, people.file, changed, people.changed) })
	}
	waiting.Wait()
	if ctx.Err() == nil { // where it was done, what was followed ended with it
		return errors.Join(noDevices, noPeople)
	}
	return nil
}

// followDevices has the kernel tell of devices. Anybody may listen.
func followDevices() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("follow devices: %w", err)
	}
	const kernel = 1 // its group; udev has another
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernel}); err != nil {
		return nil, errors.Join(fmt.Errorf("follow devices: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "uevent"), nil
}

// read waits for messages until ctx is done or the file fails, and closes it. More than
// could be kept counts as a change.
func read(ctx context.Context, file *os.File, changed func(), concerns func([]byte) bool) error {
	stop := context.AfterFunc(ctx, func() { _ = file.Close() })
	defer func() {
		if stop() {
			_ = file.Close()
		}
	}()
	buffer := make([]byte, largestMessage)
	for {
		n, err := file.Read(buffer)
		switch {
		case errors.Is(err, unix.ENOBUFS), err == nil && n == len(buffer), err == nil && concerns(buffer[:n]):
			changed()
		case err != nil:
			return fmt.Errorf("read what %s tells: %w", file.Name(), err)
		}
	}
}
