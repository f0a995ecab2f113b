package heard

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// perMinute bounds the packets that are read: where more is said, the rest is left
// to the system to drop, which wakes nobody.
const perMinute = 60

func open(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
}

// prepare has the kernel drop what parse would refuse, mostly questions, and what
// arrives because another program joined.
func prepare(fd, family int, port uint16) error {
	some := filter(port)
	program := unix.SockFprog{Len: uint16(len(some)), Filter: &some[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return err
	}
	if family == unix.AF_INET {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
}

// filter is the kernel's for a protocol: it sees the header of UDP and what follows.
func filter(port uint16) []unix.SockFilter {
	const (
		loadByte = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		loadWord = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		anyBit   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		equal    = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		give     = unix.BPF_RET | unix.BPF_K
		accept   = 0xffff // as many bytes of a packet as there are
		udp      = 8      // length of its header
		response = 0x80
		notify   = 0x4e4f5449
	)
	switch port {
	case mdnsPort:
		return []unix.SockFilter{{Code: loadByte, K: udp + 2}, {Code: anyBit, K: response, Jf: 1}, {Code: give, K: accept}, {Code: give}}
	case ssdpPort:
		return []unix.SockFilter{{Code: loadWord, K: udp}, {Code: equal, K: notify, Jf: 1}, {Code: give, K: accept}, {Code: give}}
	}
	return []unix.SockFilter{{Code: loadByte, K: udp + 2}, {Code: anyBit, K: response, Jt: 1}, {Code: give, K: accept}, {Code: give}}
}

func joinOn(fd int, group netip.Addr, index int) error {
	if group.Is4() {
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)})
	}
	return joinOn6(fd, group, index)
}
