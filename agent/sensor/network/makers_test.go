package network

import (
	"testing"

	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

func parseMAC(t *testing.T, text string) mac {
	t.Helper()
	value, ok := fleetkey.MAC(text)
	if !ok {
		t.Fatalf("%q is no hardware address", text)
	}
	return mac(value)
}

func TestMaker(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, address string
		want          maker
	}{
		{"Intel's wireless card", "00:13:02:11:22:33", makerLaptop},
		{"Dell", "F8:DB:88:11:22:33", makerLaptop},
		{"ThinkPad's own port", "54:05:db:00:00:01", makerLaptop},
		{"Framework", "9c:bf:0d:11:22:33", makerLaptop},
		{"a card of Intel's with an address of its own choice", "02:13:02:11:22:33", makerOther},
		{"JetKVM", "30:52:53:0a:0b:0c", makerKVM},
		{"NanoKVM", "48:da:35:6f:0b:0c", makerKVM},
		{"another block of that maker's", "48:da:35:7f:0b:0c", makerOther},
		{"TinyPilot", "04:c9:8b:1f:0b:0c", makerKVM},
		{"the next owner of a part of that block", "04:c9:8b:2f:0b:0c", makerOther},
		{"a very low byte there", "04:c9:8b:01:0b:0c", makerOther},
		{"GL.iNet, which makes routers too", "94:83:c4:01:02:03", makerOther},
		{"Raspberry Pi", "dc:a6:32:01:02:03", makerBoard},
		{"an HP printer", "3c:52:82:01:02:03", makerOther},
		{"an Apple telephone", "ac:de:48:01:02:03", makerOther},
		{"the lowest", "00:00:01:01:02:03", makerOther},
		{"the highest", "fc:ff:ff:01:02:03", makerOther},
	} {
		if got := parseMAC(t, tt.address).maker(); got != tt.want {
			t.Errorf("%s (%s) is %d, want %d", tt.name, tt.address, got, tt.want)
		}
	}
	for _, m := range []mac{{}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x01, 0, 0x5e, 0, 0, 1}} {
		if m.names() || m.maker() != makerOther {
			t.Errorf("%x names somebody", m)
		}
	}
}

func TestMakersAreInOrder(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{"laptops": laptopMakers, "boards": boardMakers} {
		if len(list)%6 != 0 {
			t.Fatalf("%s: length %d", name, len(list))
		}
		for i := 6; i < len(list); i += 6 {
			if list[i-6:i] >= list[i:i+6] {
				t.Errorf("%s: %s before %s", name, list[i-6:i], list[i:i+6])
			}
		}
	}
}
