package heard

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// record is one resource record of a made packet.
type record struct {
	name string
	kind uint16
	ttl  uint32
	data string
}

func appendName(b []byte, name string) []byte {
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

func header(flags uint16, questions, records int) []byte {
	b := make([]byte, dnsHeader)
	binary.BigEndian.PutUint16(b[2:], flags)
	binary.BigEndian.PutUint16(b[4:], uint16(questions))
	binary.BigEndian.PutUint16(b[6:], uint16(records))
	return b
}

func response(records ...record) []byte {
	b := header(0x8400, 0, len(records))
	for _, r := range records {
		b = appendName(b, r.name)
		b = binary.BigEndian.AppendUint16(b, r.kind)
		b = binary.BigEndian.AppendUint16(b, 0x8001)
		b = binary.BigEndian.AppendUint32(b, r.ttl)
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
		b = append(b, r.data...)
	}
	return b
}

func question(name string, kind uint16) []byte {
	b := appendName(header(0, 1, 0), name)
	return append(binary.BigEndian.AppendUint16(b, kind), 0, 1)
}

// compressed is a response as Avahi sends it: the second name points into the first.
func compressed() []byte {
	b := response(record{"_pikvm._tcp.local", typePointer, 4500, "\x03web\xc0\x0c"}, record{"x", typeAddress4, 120, "\x0a\x00\x00\x01"})
	return b
}

func TestMDNS(t *testing.T) {
	t.Parallel()
	const address = "\xc0\xa8\x07\x09"
	for _, tt := range []struct {
		name   string
		packet []byte
		kind   Kind
		ok     bool
	}{
		{"PiKVM's address", response(record{"pikvm.local", typeAddress4, 120, address}), KVM, true},
		{"a second PiKVM", response(record{"PiKVM-2.local", typeAddress4, 120, address}), KVM, true},
		{"PiKVM's service", compressed(), KVM, true},
		{"an instance of it", response(record{"kitchen web._pikvm._tcp.local", typeService, 120, "\x00\x00\x00\x00\x01\xbb\x00"}), KVM, true},
		{"JetKVM", response(record{"jetkvm-0123456789abcdef.local", typeAddress4, 120, address}), KVM, true},
		{"NanoKVM", response(record{"kvm-3f2a.local", typeAddress6, 120, strings.Repeat("\x20", 16)}), KVM, true},
		{"GL.iNet's", response(record{"glkvm.local", typeAddress4, 120, address}), KVM, true},
		{"behind another record", response(record{"_http._tcp.local", typePointer, 9, "\x00"}, record{"blikvm.local", typeAddress4, 9, address}), KVM, true},
		{"a MacBook by its name", response(record{"Annas-MacBook-Air.local", typeAddress4, 120, address}), Laptop, true},
		{"a MacBook by its model", response(record{"den._device-info._tcp.local", typeText, 120, "\x0aosxvers=22\x14model=MacBookPro18,1"}), Laptop, true},
		{"an iMac", response(record{"den._device-info._tcp.local", typeText, 120, "\x0cmodel=iMac20"}), Other, true},
		{"a server for virtual machines", response(record{"kvm.local", typeAddress4, 120, address}), Other, true},
		{"another of them", response(record{"kvm-host.local", typeAddress4, 120, address}), Other, true},
		{"a name that only begins so", response(record{"pikvmonitor.local", typeAddress4, 120, address}), Other, true},
		{"elsewhere", response(record{"pikvm.example", typeAddress4, 120, address}), Other, true},
		{"that it goes", response(record{"pikvm.local", typeAddress4, 0, address}), Other, true},
		{"who asks for one", question("pikvm.local", typeAddress4), Other, false},
		{"no record", response(), Other, false},
		{"cut off in the second record", response(record{"jetkvm.local", typeAddress4, 1, address}, record{"b.local", typeAddress4, 1, address})[:50], KVM, true},
		{"a name that leads to itself", append(header(0x8400, 0, 1), 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0), Other, false},
		{"nothing", nil, Other, false},
	} {
		if kind, ok := parseMDNS(tt.packet); kind != tt.kind || ok != tt.ok {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, kind, ok, tt.kind, tt.ok)
		}
	}
}

func TestOwnAddress(t *testing.T) {
	t.Parallel()
	const address, other = "\xc0\xa8\x07\x09", "\xc0\xa8\x07\x0a"
	long := record{"pikvm.local", typeAddress6, 120, strings.Repeat("\x20", 16)}
	for _, tt := range []struct {
		name   string
		packet []byte
		want   string
	}{
		{"both families", response(long, record{"pikvm.local", typeAddress4, 120, address}), "192.168.7.9"},
		{"twice the same", response(record{"pikvm.local", typeAddress4, 120, address}, record{"b.local", typeAddress4, 120, address}), "192.168.7.9"},
		{"two addresses", response(record{"pikvm.local", typeAddress4, 120, address}, record{"b.local", typeAddress4, 120, other}), "invalid IP"},
		{"IPv6 alone", response(long), "invalid IP"},
		{"cut off", response(record{"pikvm.local", typeAddress4, 120, address})[:36], "invalid IP"},
		{"nothing", nil, "invalid IP"},
	} {
		if got := ownAddress(tt.packet).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestLLMNR(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		packet []byte
		kind   Kind
		ok     bool
	}{
		{"a computer makes sure of its name", question("DESKTOP-3F2A1B0", typeAny), Other, true},
		{"an IP-KVM makes sure of its name", question("pikvm", typeAny), KVM, true},
		{"somebody looks for an IP-KVM", question("pikvm", typeAddress4), Other, true},
		{"an answer", response(record{"pikvm", typeAddress4, 30, "\x0a\x00\x00\x01"}), Other, false},
		{"cut off", question("pikvm", typeAny)[:16], Other, false},
		{"nothing", nil, Other, false},
	} {
		if kind, ok := parseLLMNR(tt.packet); kind != tt.kind || ok != tt.ok {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, kind, ok, tt.kind, tt.ok)
		}
	}
}

func TestSSDP(t *testing.T) {
	t.Parallel()
	const notify = "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\n"
	for _, tt := range []struct {
		name, packet string
		kind         Kind
		ok           bool
	}{
		{"a television", notify + "SERVER: Linux/4.4 UPnP/1.0 DLNADOC/1.50\r\n\r\n", Other, true},
		{"an IP-KVM", notify + "Server: Linux/6.1 UPnP/1.0 PiKVM/3.2\r\n\r\n", KVM, true},
		{"that it goes", strings.Replace(notify, "alive", "byebye", 1) + "SERVER: PiKVM/3\r\n\r\n", Other, false},
		{"a search", "M-SEARCH * HTTP/1.1\r\nUSER-AGENT: PiKVM/3\r\n\r\n", Other, false},
		{"one line", "NOTIFY * HTTP/1.1", Other, true},
		{"nothing", "", Other, false},
	} {
		if kind, ok := parseSSDP([]byte(tt.packet)); kind != tt.kind || ok != tt.ok {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, kind, ok, tt.kind, tt.ok)
		}
	}
}

func TestParsersAllocateLittle(t *testing.T) {
	packets := map[string]struct {
		parse  func([]byte) (Kind, bool)
		packet []byte
	}{
		"mDNS":  {parseMDNS, compressed()},
		"LLMNR": {parseLLMNR, question("DESKTOP-3F2A1B0", typeAny)},
	}
	for name, p := range packets {
		if n := testing.AllocsPerRun(100, func() { p.parse(p.packet) }); n > 2 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	var m Memory
	m.add(Source{address(0), KVM, now})
	m.add(Source{address(0), Other, now.Add(time.Second)})
	if got := m.AppendTo(nil, now); len(got) != 1 || got[0].Kind != KVM || !got[0].At.Equal(now.Add(time.Second)) {
		t.Fatalf("remembered %v", got)
	}
	for i := 1; i < 3*mostSources; i++ {
		m.add(Source{address(i), Other, now.Add(time.Duration(i+1) * time.Second)})
	}
	got := m.AppendTo(nil, now)
	kvms := 0
	for _, s := range got {
		if s.Kind == KVM {
			kvms++
		}
	}
	if len(got) != mostSources || kvms != 1 {
		t.Errorf("%d remembered, %d of them IP-KVMs", len(got), kvms)
	}
	if got := m.AppendTo(nil, now.Add(remembered+time.Hour)); len(got) != 0 {
		t.Errorf("%d remembered half a day later", len(got))
	}
}

func FuzzMDNS(f *testing.F) {
	f.Add(compressed())
	f.Add(response(record{"den._device-info._tcp.local", typeText, 120, "\x14model=MacBookPro18,1"}))
	f.Add(question("DESKTOP-3F2A1B0", typeAny))
	f.Add(append(header(0x8400, 1, 1), 0xc0, 12))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if kind, ok := parseMDNS(packet); kind != Other && !ok {
			t.Errorf("%d of what is no announcement", kind)
		}
		if own := ownAddress(packet); own.IsValid() && !own.Is4() {
			t.Errorf("own address %v", own)
		}
		name, next := readName(packet, min(dnsHeader, len(packet)), make([]byte, 0, longestName))
		if next > len(packet) || len(name) > longestName {
			t.Errorf("name of %d bytes until %d of %d", len(name), next, len(packet))
		}
	})
}

func FuzzLLMNR(f *testing.F) {
	f.Add(question("DESKTOP-3F2A1B0", typeAny))
	f.Add(question("pikvm", typeAddress4))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if kind, ok := parseLLMNR(packet); kind != Other && !ok {
			t.Errorf("%d of what is no announcement", kind)
		}
	})
}

func FuzzSSDP(f *testing.F) {
	f.Add([]byte("NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nSERVER: Linux/6.1 UPnP/1.0 PiKVM/3.2\r\n\r\n"))
	f.Add([]byte("NOTIFY * HTTP/1.1\nServer:\n:\n"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if kind, ok := parseSSDP(packet); kind != Other && !ok {
			t.Errorf("%d of what is no announcement", kind)
		}
	})
}
