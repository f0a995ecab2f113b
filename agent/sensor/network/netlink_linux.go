package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// netlinkBuffer takes what the kernel puts into one answer.
	netlinkBuffer = 32 << 10
	// mostAnswers bounds the answers to one question.
	mostAnswers = 1024
	// netlinkPatience is how long the kernel may take; it answers at once.
	netlinkPatience = time.Second

	netlinkHeader   = 16 // struct nlmsghdr: length, type, flags, sequence, port
	attributeHeader = 4  // struct nlattr: length, type
)

var errNetlink = errors.New("the kernel's answer is not understood")

// netlink asks the kernel of this machine. It reuses its memory.
type netlink struct{ buffer []byte }

// ask sends a message of a type and visits each message of the answer.
func (n *netlink) ask(protocol int, kind, flags uint16, body []byte, visit func(kind uint16, body []byte)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	patience := unix.NsecToTimeval(netlinkPatience.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Sendto(fd, message(kind, flags|unix.NLM_F_REQUEST, body), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("send", err)
	}
	if n.buffer == nil {
		n.buffer = make([]byte, netlinkBuffer)
	}
	for range mostAnswers {
		size, from, err := unix.Recvfrom(fd, n.buffer, unix.MSG_TRUNC)
		if err != nil {
			return os.NewSyscallError("receive", err)
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 || size > len(n.buffer) {
			return errNetlink
		}
		done, err := eachMessage(n.buffer[:size], visit)
		if err != nil || done || flags&unix.NLM_F_DUMP == 0 {
			return err
		}
	}
	return errNetlink
}

// message puts a header before a body.
func message(kind, flags uint16, body []byte) []byte {
	b := make([]byte, netlinkHeader, netlinkHeader+len(body))
	binary.NativeEndian.PutUint32(b, uint32(netlinkHeader+len(body)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], flags)
	binary.NativeEndian.PutUint32(b[8:], 1)
	return append(b, body...)
}

// eachMessage visits the messages of one answer. It is done at the end of a dump.
func eachMessage(b []byte, visit func(kind uint16, body []byte)) (done bool, err error) {
	for len(b) >= netlinkHeader {
		size := int(binary.NativeEndian.Uint32(b))
		if size < netlinkHeader || size > len(b) {
			return false, errNetlink
		}
		body := b[netlinkHeader:size]
		switch kind := binary.NativeEndian.Uint16(b[4:]); kind {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(body) < 4 {
				return false, errNetlink
			}
			if code := int32(binary.NativeEndian.Uint32(body)); code != 0 {
				return true, unix.Errno(-code)
			}
			return true, nil
		default:
			visit(kind, body)
		}
		b = b[min(align(size), len(b)):]
	}
	return false, nil
}

// nextAttribute returns the first attribute, and what follows it; not ok at the end.
func nextAttribute(b []byte) (kind uint16, value, rest []byte, ok bool) {
	const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
	if len(b) < attributeHeader {
		return 0, nil, nil, false
	}
	size := int(binary.NativeEndian.Uint16(b))
	if size < attributeHeader || size > len(b) {
		return 0, nil, nil, false
	}
	return binary.NativeEndian.Uint16(b[2:]) &^ flags, b[attributeHeader:size], b[min(align(size), len(b)):], true
}

func align(size int) int { return (size + 3) &^ 3 }

// appendAttribute adds one attribute to a request.
func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	size := attributeHeader + len(value)
	b = binary.NativeEndian.AppendUint16(b, uint16(size))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, align(size)-size)...)
}

// news is what the kernel tells unasked about links, addresses and routes.
type news struct {
	fd     int
	buffer []byte
}

// follow has the kernel tell.
func follow() (*news, error) {
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("follow changes of the network: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return nil, errors.Join(fmt.Errorf("follow changes of the network: %w", err), unix.Close(fd))
	}
	return &news{fd: fd, buffer: make([]byte, 8<<10)}, nil
}

func (n *news) close() error { return unix.Close(n.fd) }

// read takes what was told since the last call. It allocates nothing.
func (n *news) read() (c change) {
	for range mostAnswers {
		size, err := unix.Read(n.fd, n.buffer)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return c
		case err != nil, size == len(n.buffer):
			return much // told more than could be kept
		default:
			c = max(c, weight(n.buffer[:size]))
		}
	}
	return much
}

// weight returns how much the messages of the kernel say has changed.
func weight(b []byte) (c change) {
	_, err := eachMessage(b, func(kind uint16, body []byte) { c = max(c, messageWeight(kind, body)) })
	if err != nil {
		return much
	}
	return c
}

func messageWeight(kind uint16, body []byte) change {
	const linkInfo, routeInfo = 16, 12 // struct ifinfomsg and rtmsg
	switch kind {
	case unix.RTM_DELLINK, unix.RTM_DELADDR:
		return much
	case unix.RTM_NEWLINK:
		// Wireless cards tell of every look for networks so, with nothing changed.
		if len(body) >= linkInfo && binary.NativeEndian.Uint32(body[12:]) == 0 {
			return little
		}
		return much
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		if len(body) >= routeInfo && body[1] > 1 {
			return little
		}
		return much
	}
	return little
}
