package network

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const (
	genericHeader = 4 // struct genlmsghdr: command, version, reserved
	familyName    = "nl80211\x00"
)

// accessPoint returns the address of the access point that a wireless interface is
// connected to; not ok where there is none, or it is not told.
func (n *netlink) accessPoint(index int) (m mac, ok bool) {
	family, ok := n.wireless()
	if !ok {
		return m, false
	}
	request := appendAttribute(generic(unix.NL80211_CMD_GET_INTERFACE), unix.NL80211_ATTR_IFINDEX, number(index))
	station := false
	err := n.ask(unix.NETLINK_GENERIC, family, 0, request, func(kind uint16, body []byte) {
		station = station || kind == family && isStation(body)
	})
	if err != nil || !station {
		// An access point's stations are its guests.
		return m, false
	}
	request = appendAttribute(generic(unix.NL80211_CMD_GET_STATION), unix.NL80211_ATTR_IFINDEX, number(index))
	peers := 0
	err = n.ask(unix.NETLINK_GENERIC, family, unix.NLM_F_DUMP, request, func(kind uint16, body []byte) {
		if address, found := stationAddress(body); found && kind == family {
			m = address
			peers++
		}
	})
	// Direct links to others are stations too: then it is not known which is which.
	return m, err == nil && peers == 1
}

// wireless returns the number that the kernel has for nl80211, if it has any.
func (n *netlink) wireless() (family uint16, ok bool) {
	request := appendAttribute(generic(unix.CTRL_CMD_GETFAMILY), unix.CTRL_ATTR_FAMILY_NAME, []byte(familyName))
	err := n.ask(unix.NETLINK_GENERIC, unix.GENL_ID_CTRL, 0, request, func(kind uint16, body []byte) {
		if id, found := genericAttribute(body, unix.CTRL_ATTR_FAMILY_ID); kind == unix.GENL_ID_CTRL && found && len(id) == 2 {
			family, ok = binary.NativeEndian.Uint16(id), true
		}
	})
	return family, ok && err == nil
}

// isStation reports whether the kernel describes an interface that is a client.
func isStation(body []byte) bool {
	value, ok := genericAttribute(body, unix.NL80211_ATTR_IFTYPE)
	return ok && len(value) == 4 && binary.NativeEndian.Uint32(value) == unix.NL80211_IFTYPE_STATION
}

// stationAddress returns the address in the kernel's description of a peer.
func stationAddress(body []byte) (m mac, ok bool) {
	value, ok := genericAttribute(body, unix.NL80211_ATTR_MAC)
	if !ok || len(value) != len(m) {
		return m, false
	}
	m = mac(value)
	return m, m.names()
}

// genericAttribute finds an attribute in a message of generic netlink.
func genericAttribute(body []byte, wanted uint16) (value []byte, ok bool) {
	if len(body) < genericHeader {
		return nil, false
	}
	for b := body[genericHeader:]; ; {
		kind, value, rest, more := nextAttribute(b)
		if !more || kind == wanted {
			return value, more
		}
		b = rest
	}
}

// generic begins a request of generic netlink.
func generic(command uint8) []byte { return []byte{command, 1, 0, 0} }

func number(n int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }
