package heard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// perMinute bounds the packets that are read: where more is said, the rest is left
	// to the system to drop, which wakes nobody.
	perMinute = 60
	// mostLinks bounds the interfaces.
	mostLinks = 4
	// longestPacket is what is read of one; the beginning says what it is.
	longestPacket = 4096
	queueSize     = 16 << 10
)

// protocol is one of those that are heard.
type protocol struct {
	parse  func([]byte) (Kind, bool)
	own    func([]byte) netip.Addr // nil where no packet tells
	groups []netip.AddrPort
	// filter has the kernel drop what parse would refuse, mostly questions: it sees the
	// header of UDP and what follows.
	filter []unix.SockFilter
}

// accept is as many bytes of a packet as there are.
const accept = 0xffff

// protocols lists them. SSDP over IPv6 is too rare for sockets of its own.
func protocols() []protocol {
	const (
		loadByte  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		loadWord  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		anyBit    = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		equal     = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		give      = unix.BPF_RET | unix.BPF_K
		udp       = 8 // length of its header
		notify    = 0x4e4f5449
		mdnsPort  = 5353
		ssdpPort  = 1900
		llmnrPort = 5355
	)
	group := func(addr string, port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr(addr), port)
	}
	return []protocol{
		{parseMDNS, ownAddress, []netip.AddrPort{group("224.0.0.251", mdnsPort), group("ff02::fb", mdnsPort)}, []unix.SockFilter{
			{Code: loadByte, K: udp + 2}, {Code: anyBit, K: 0x80, Jf: 1}, {Code: give, K: accept}, {Code: give},
		}},
		{parseSSDP, nil, []netip.AddrPort{group("239.255.255.250", ssdpPort)}, []unix.SockFilter{
			{Code: loadWord, K: udp}, {Code: equal, K: notify, Jf: 1}, {Code: give, K: accept}, {Code: give},
		}},
		{parseLLMNR, nil, []netip.AddrPort{group("224.0.0.252", llmnrPort), group("ff02::1:3", llmnrPort)}, []unix.SockFilter{
			{Code: loadByte, K: udp + 2}, {Code: anyBit, K: 0x80, Jt: 1}, {Code: give, K: accept}, {Code: give},
		}},
	}
}

// Listener hears until it is closed.
type Listener struct {
	memory  *Memory
	now     func() time.Time
	sockets []socket
	wake    int // an eventfd; written to end the listening
	running sync.WaitGroup
}

type socket struct {
	fd int
	*protocol
}

// Listen joins the groups on the interfaces with the indices and has who is heard there
// remembered, with a goroutine of its own until Close. It is an error if no group can be
// joined.
func Listen(interfaces []int, memory *Memory, now func() time.Time) (*Listener, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("listen to multicast: %w", err)
	}
	l := &Listener{memory: memory, now: now, wake: wake}
	for _, p := range protocols() {
		for _, g := range p.groups {
			// A link-local group of IPv6 is one per link, and so is its socket.
			per := [][]int{interfaces[:min(len(interfaces), mostLinks)]}
			if g.Addr().Is6() {
				per = per[:0]
				for _, index := range interfaces[:min(len(interfaces), mostLinks)] {
					per = append(per, []int{index})
				}
			}
			for _, some := range per {
				fd, failed := join(g, some, p.filter)
				if failed != nil {
					err = failed
					continue
				}
				l.sockets = append(l.sockets, socket{fd, &p})
			}
		}
	}
	if len(l.sockets) == 0 {
		return nil, errors.Join(fmt.Errorf("listen to multicast: %w", err), unix.Close(wake))
	}
	l.running.Go(l.run)
	return l, nil
}

// join opens a socket that receives what is sent to a group on some interfaces, and
// nothing else: it is bound to the group's own address, so that it takes no answer away
// from the programs of this computer that do ask.
func join(group netip.AddrPort, interfaces []int, filter []unix.SockFilter) (_ int, err error) {
	family, bound := unix.AF_INET, unix.Sockaddr(nil)
	if group.Addr().Is4() {
		bound = &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}
	} else {
		family = unix.AF_INET6
		bound = &unix.SockaddrInet6{Port: int(group.Port()), Addr: group.Addr().As16(), ZoneId: uint32(interfaces[0])}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unix.Close(fd))
		}
	}()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	for _, set := range []func() error{
		func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) },
		func() error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queueSize) },
		func() error { return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program) },
		func() error { return onlyJoined(fd, family) },
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

// onlyJoined keeps out what arrives because another program joined.
func onlyJoined(fd, family int) error {
	if family == unix.AF_INET {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
}

func joinOn(fd int, group netip.Addr, index int) error {
	if group.Is4() {
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)})
	}
	return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)})
}

// Close leaves the groups and waits for the goroutine.
func (l *Listener) Close() error {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	if _, err := unix.Write(l.wake, one[:]); err != nil {
		return fmt.Errorf("stop listening to multicast: %w", err)
	}
	l.running.Wait()
	return nil
}

// run reads until it is woken.
func (l *Listener) run() {
	polled := make([]unix.PollFd, 1, len(l.sockets)+1)
	polled[0] = unix.PollFd{Fd: int32(l.wake), Events: unix.POLLIN}
	for _, s := range l.sockets {
		polled = append(polled, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	defer func() {
		for _, p := range polled {
			_ = unix.Close(int(p.Fd))
		}
	}()
	packet := make([]byte, longestPacket)
	var spent allowance
	for {
		ready, timeout := polled, -1
		if pause := spent.pause(time.Now()); pause > 0 {
			// Enough for now: sleep until the minute is over, whatever arrives.
			ready, timeout = polled[:1], int(pause.Milliseconds())+1
		}
		if _, err := unix.Poll(ready, timeout); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if ready[0].Revents != 0 {
			return
		}
		for i := 1; i < len(ready); i++ {
			if ready[i].Revents != 0 {
				spent.packets++
				l.read(l.sockets[i-1], packet)
			}
		}
	}
}

// allowance counts the packets of a minute.
type allowance struct {
	packets int
	until   time.Time
}

// pause returns for how long no more is to be read, zero if more may be.
func (a *allowance) pause(now time.Time) time.Duration {
	if !now.Before(a.until) {
		a.packets, a.until = 0, now.Add(time.Minute)
	}
	if a.packets < perMinute {
		return 0
	}
	return a.until.Sub(now)
}

// read takes one packet.
func (l *Listener) read(s socket, packet []byte) {
	n, from, err := unix.Recvfrom(s.fd, packet, 0)
	if err != nil {
		return
	}
	var addr netip.Addr
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		addr = netip.AddrFrom4(from.Addr)
	case *unix.SockaddrInet6:
		addr = netip.AddrFrom16(from.Addr)
	default:
		return
	}
	if kind, ok := s.parse(packet[:n]); ok {
		if s.own != nil && addr.Is6() {
			if own := s.own(packet[:n]); own.IsValid() {
				addr = own
			}
		}
		l.memory.add(Source{addr, kind, l.now()})
	}
}
