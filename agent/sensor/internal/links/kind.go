package links

import (
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Hardware types of linux/if_arp.h that /sys/class/net/*/type tells.
const (
	typeEther   = 1
	typePPP     = 512
	typeIPIP    = 768
	typeIP6Tnl  = 769
	typeSIT     = 776
	typeGRE     = 778
	typeWiFi    = 801
	typeWiFiMon = 803
	typeIP6GRE  = 823
	typeRawIP   = 519
	typeNone    = 65534
)

// tunnelTypes are the hardware types that are tunnels by themselves.
var tunnelTypes = map[int]string{
	typePPP: "ppp", typeIPIP: "ipip", typeIP6Tnl: "ipip", typeSIT: "sit", typeGRE: "gre", typeIP6GRE: "gre",
}

// tapFlag is IFF_TAP of linux/if_tun.h: frames instead of packets.
const tapFlag = 2

// classify finds the kind of the link from /sys/class/net.
func (l *Link) classify(h host.Host) {
	folder := "/sys/class/net/" + l.Name + "/"
	hardware, err := strconv.Atoi(h.ReadLine(folder + "type"))
	if err != nil {
		hardware = -1
	}
	device := deviceType(h, folder)
	switch {
	case l.Loopback:
		l.Tunnel = ""
	case h.ReadLine(folder+"tun_flags") != "":
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, tunOrTap(h.ReadLine(folder+"tun_flags"))
	case device == "wireguard":
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, "wireguard"
	case tunnelTypes[hardware] != "":
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, tunnelTypes[hardware]
	case device == "wwan" || hardware == typeRawIP || strings.HasPrefix(l.Name, "wwan"):
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_CELLULAR, ""
	case device == "wlan" || hardware == typeWiFi || hardware == typeWiFiMon || exists(h, folder+"wireless"):
		l.Kind, l.Tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI, ""
	case l.Tunnel != "":
		// Point to point, and /sys says nothing of it.
		l.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL
	case device == "" && hardware == typeEther && exists(h, folder+"device"):
		l.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
	case hardware == -1:
		l.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_UNSPECIFIED
	default:
		// Bridges, VLANs, bonds, veth, dummies: nothing is plugged into them.
		l.Kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL
	}
}

func tunOrTap(flags string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(flags, "0x"), 16, 32)
	if err == nil && n&tapFlag != 0 {
		return "tap"
	}
	return "tun"
}

// deviceType is the kernel's DEVTYPE of an interface, empty for plain ones.
func deviceType(h host.Host, folder string) string {
	data, err := h.ReadFile(folder+"uevent", 4096)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if kind, ok := strings.CutPrefix(line, "DEVTYPE="); ok {
			return strings.TrimSpace(kind)
		}
	}
	return ""
}

func exists(h host.Host, name string) bool {
	_, err := h.Stat(name)
	return err == nil
}
