//go:build linux || darwin

package heard

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Listener hears until it is closed.
type Listener struct {
	memory  *Memory
	now     func() time.Time
	sockets []socket
	// ended is a pipe: closing the end to write wakes who waits at the end to read.
	ended, end *os.File
	running    sync.WaitGroup
}

type socket struct {
	fd int
	*protocol
}

// Listen joins the groups on the interfaces with the indices and has who is heard there
// remembered, with a goroutine of its own until Close. It is an error if no group can be
// joined.
func Listen(interfaces []int, memory *Memory, now func() time.Time) (*Listener, error) {
	ended, end, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("listen to multicast: %w", err)
	}
	l := &Listener{memory: memory, now: now, ended: ended, end: end}
	interfaces = interfaces[:min(len(interfaces), mostLinks)]
	for _, p := range protocols() {
		for _, g := range p.groups {
			for _, some := range perSocket(g.Addr(), interfaces) {
				fd, failed := join(g, some)
				if failed != nil {
					err = failed
					continue
				}
				l.sockets = append(l.sockets, socket{fd, &p})
			}
		}
	}
	if len(l.sockets) == 0 {
		return nil, errors.Join(fmt.Errorf("listen to multicast: %w", err), ended.Close(), end.Close())
	}
	l.running.Go(l.run)
	return l, nil
}

// perSocket splits interfaces by the sockets that hear a group there: a link-local group
// of IPv6 is one per link, and so is its socket.
func perSocket(group netip.Addr, interfaces []int) (split [][]int) {
	if group.Is4() {
		return [][]int{interfaces}
	}
	for i := range interfaces {
		split = append(split, interfaces[i:i+1])
	}
	return split
}

// join opens a socket that receives what is sent to a group on some interfaces, and
// nothing else: it is bound to the group's own address, so that it takes no answer away
// from the programs of this computer that do ask.
func join(group netip.AddrPort, interfaces []int) (_ int, err error) {
	family, bound := unix.AF_INET, unix.Sockaddr(nil)
	if group.Addr().Is4() {
		bound = &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}
	} else {
		family = unix.AF_INET6
		bound = &unix.SockaddrInet6{Port: int(group.Port()), Addr: group.Addr().As16(), ZoneId: uint32(interfaces[0])}
	}
	fd, err := open(family)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unix.Close(fd))
		}
	}()
	for _, set := range []func() error{
		func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) },
		func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queueSize) },
		func() error { return prepare(fd, family, group.Port()) },
		func() error { return unix.Bind(fd, bound) },
	} {
		if err := set(); err != nil {
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	joined, err := 0, error(unix.ENODEV)
	for _, index := range interfaces {
		if err = joinOn(fd, group.Addr(), index); err == nil {
			joined++
		}
	}
	if joined == 0 {
		return -1, os.NewSyscallError("join group", err)
	}
	return fd, nil
}

// joinOn6 joins a group of IPv6, which every system does alike.
func joinOn6(fd int, group netip.Addr, index int) error {
	return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)})
}

// Close leaves the groups and waits for the goroutine.
func (l *Listener) Close() error {
	err := l.end.Close()
	l.running.Wait()
	if err = errors.Join(err, l.ended.Close()); err != nil {
		return fmt.Errorf("stop listening to multicast: %w", err)
	}
	return nil
}

// run reads until it is woken.
func (l *Listener) run() {
	polled := make([]unix.PollFd, 1, len(l.sockets)+1)
	polled[0] = unix.PollFd{Fd: int32(l.ended.Fd()), Events: unix.POLLIN}
	for _, s := range l.sockets {
		polled = append(polled, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	defer func() {
		for _, s := range l.sockets {
			_ = unix.Close(s.fd)
		}
	}()
	packet := make([]byte, longestPacket)
	var spent allowance
	for {
		ready, timeout := polled, -1
		if pause := spent.pause(time.Now()); pause > 0 {
			// Enough for now: sleep until the time is over, whatever arrives.
			ready, timeout = polled[:1], int(pause.Milliseconds())+1
		}
		if _, err := unix.Poll(ready, timeout); errors.Is(err, unix.EINTR) {
			continue // what is ready was not told
		} else if err != nil {
			return
		}
		if ready[0].Revents != 0 {
			return
		}
		for i := 1; i < len(ready); i++ {
			if ready[i].Revents == 0 {
				continue
			}
			spent.woken(time.Now())
			for spent.more() && l.read(l.sockets[i-1], packet) {
				spent.took()
			}
		}
	}
}

// read takes one packet. It is false where there is none.
func (l *Listener) read(s socket, packet []byte) bool {
	n, from, err := unix.Recvfrom(s.fd, packet, 0)
	if err != nil {
		return false
	}
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		s.take(packet[:n], netip.AddrFrom4(from.Addr), l.memory, l.now())
	case *unix.SockaddrInet6:
		s.take(packet[:n], netip.AddrFrom16(from.Addr), l.memory, l.now())
	}
	return true
}
