package heard

import (
	"errors"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// eventSelect is WSAEventSelect, which has an event set when something happens to a
// socket, and makes it one that does not block.
var eventSelect = windows.NewLazySystemDLL("ws2_32.dll").NewProc("WSAEventSelect")

// join opens a socket that receives what is sent to a group on some interfaces, and has
// an event set when something did. Windows binds none to a group, so that a datagram for
// this computer alone may arrive here in place of at the program that shares the port, as
// with every other program that does.
func join(group netip.AddrPort, interfaces []int, ready windows.Handle) (_ windows.Handle, err error) {
	family, bound := int32(windows.AF_INET), windows.Sockaddr(&windows.SockaddrInet4{Port: int(group.Port())})
	if group.Addr().Is6() {
		family, bound = windows.AF_INET6, &windows.SockaddrInet6{Port: int(group.Port())}
	}
	const flags = windows.WSA_FLAG_OVERLAPPED | windows.WSA_FLAG_NO_HANDLE_INHERIT
	handle, err := windows.WSASocket(family, windows.SOCK_DGRAM, windows.IPPROTO_UDP, nil, 0, flags)
	if err != nil {
		return windows.InvalidHandle, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, windows.Closesocket(handle))
		}
	}()
	for _, set := range []func() error{
		func() error { return windows.SetsockoptInt(handle, windows.SOL_SOCKET, windows.SO_REUSEADDR, 1) },
		func() error { return windows.SetsockoptInt(handle, windows.SOL_SOCKET, windows.SO_RCVBUF, queueSize) },
		func() error { return onlyItsFamily(handle, family) },
		func() error { return windows.Bind(handle, bound) },
		func() error { return notify(handle, ready) },
	} {
		if err := set(); err != nil {
			return windows.InvalidHandle, os.NewSyscallError("setsockopt", err)
		}
	}
	joined, err := 0, error(windows.ERROR_DEV_NOT_EXIST)
	for _, index := range interfaces {
		if err = joinOn(handle, group.Addr(), index); err == nil {
			joined++
		}
	}
	if joined == 0 {
		return windows.InvalidHandle, os.NewSyscallError("join group", err)
	}
	return handle, nil
}

func onlyItsFamily(handle windows.Handle, family int32) error {
	if family != windows.AF_INET6 {
		return nil
	}
	return windows.SetsockoptInt(handle, windows.IPPROTO_IPV6, windows.IPV6_V6ONLY, 1)
}

// notify has an event set when a packet is there.
func notify(handle, ready windows.Handle) error {
	const readable = 1 // FD_READ
	if failed, _, err := eventSelect.Call(uintptr(handle), uintptr(ready), readable); failed != 0 {
		return err
	}
	return nil
}

func joinOn(handle windows.Handle, group netip.Addr, index int) error {
	if group.Is6() {
		wanted := windows.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)}
		return windows.Setsockopt(handle, windows.IPPROTO_IPV6, windows.IPV6_JOIN_GROUP, (*byte)(unsafe.Pointer(&wanted)), int32(unsafe.Sizeof(wanted)))
	}
	own, err := address4(index)
	if err != nil {
		return err
	}
	wanted := windows.IPMreq{Multiaddr: group.As4(), Interface: own}
	return windows.Setsockopt(handle, windows.IPPROTO_IP, windows.IP_ADD_MEMBERSHIP, (*byte)(unsafe.Pointer(&wanted)), int32(unsafe.Sizeof(wanted)))
}
