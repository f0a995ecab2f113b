package network

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/agent/sensor/network/heard"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	routerMAC = "ac:de:48:00:11:22"
	dellText  = "f8:db:88:01:02:03"
	intelText = "00:13:02:01:02:03"
)

func TestCrowd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	type entry struct{ addr, mac string }
	router := entry{"192.168.7.1", routerMAC}
	said := func(addr string, kind heard.Kind, ago time.Duration) heard.Source {
		return heard.Source{Addr: netip.MustParseAddr(addr), Kind: kind, At: now.Add(-ago)}
	}
	for _, tt := range []struct {
		name  string
		table []entry
		heard []heard.Source
		want  *farmhoundv1.Neighbours
	}{
		{name: "nobody, or a network that keeps its clients apart", table: []entry{router}},
		{name: "two laptops", table: []entry{router, {"192.168.7.30", dellText}, {"192.168.7.31", intelText}},
			want: &farmhoundv1.Neighbours{Reachable: 2, BusinessLaptops: 2}},
		{name: "one laptop under three addresses", table: []entry{router, {"192.168.7.30", dellText}, {"fe80::30", dellText}, {"2001:db8::30", dellText}},
			want: &farmhoundv1.Neighbours{Reachable: 1, BusinessLaptops: 1}},
		{name: "a telephone that makes up its address", table: []entry{router, {"192.168.7.40", "da:a1:19:01:02:03"}},
			want: &farmhoundv1.Neighbours{Reachable: 1}},
		{name: "a board is no KVM", table: []entry{router, {"192.168.7.9", "dc:a6:32:01:02:03"}},
			want: &farmhoundv1.Neighbours{Reachable: 1, Boards: 1}},
		{name: "a board that says it is one", table: []entry{router, {"192.168.7.9", "dc:a6:32:01:02:03"}},
			heard: []heard.Source{said("192.168.7.9", heard.KVM, 5*time.Hour)},
			want:  &farmhoundv1.Neighbours{Reachable: 1, KvmMakers: 1}},
		{name: "a KVM by its address and by what it says", table: []entry{router, {"192.168.7.9", "30:52:53:01:02:03"}},
			heard: []heard.Source{said("192.168.7.9", heard.KVM, 0)},
			want:  &farmhoundv1.Neighbours{Reachable: 1, KvmMakers: 1}},
		{name: "a KVM that is only heard", table: []entry{router}, heard: []heard.Source{said("192.168.7.9", heard.KVM, 0)},
			want: &farmhoundv1.Neighbours{Reachable: 1, KvmMakers: 1}},
		{name: "a KVM that speaks by both families", table: []entry{router},
			heard: []heard.Source{said("192.168.7.9", heard.KVM, 0), said("fe80::9c3f:1:2:3", heard.KVM, 0)},
			want:  &farmhoundv1.Neighbours{Reachable: 1, KvmMakers: 1}},
		{name: "a KVM in the table that speaks by the other family", table: []entry{router, {"192.168.7.9", "30:52:53:01:02:03"}},
			heard: []heard.Source{said("fe80::9c3f:1:2:3", heard.KVM, 0)},
			want:  &farmhoundv1.Neighbours{Reachable: 1, KvmMakers: 1}},
		{name: "another beside it", table: []entry{router, {"192.168.7.9", "30:52:53:01:02:03"}},
			heard: []heard.Source{said("fe80::9c3f:1:2:3", heard.KVM, 0), said("fe80::9c3f:1:2:4", heard.KVM, 0)},
			want:  &farmhoundv1.Neighbours{Reachable: 2, KvmMakers: 2}},
		{name: "a telephone by both families", table: []entry{router, {"192.168.7.40", "da:a1:19:01:02:03"}, {"fe80::1", routerMAC}},
			heard: []heard.Source{said("fe80::9c3f:1:2:3", heard.Other, 0)},
			want:  &farmhoundv1.Neighbours{Reachable: 1}},
		{name: "somebody who is only heard, long ago", table: []entry{router}, heard: []heard.Source{said("192.168.7.9", heard.Other, 2*time.Hour)}},
		{name: "the router speaks", table: []entry{router}, heard: []heard.Source{said("192.168.7.1", heard.Other, 0)}},
		{name: "a MacBook", table: []entry{router}, heard: []heard.Source{said("192.168.7.50", heard.Laptop, 0)},
			want: &farmhoundv1.Neighbours{Reachable: 1, BusinessLaptops: 1}},
		{name: "a laptop whose address tells its maker's", table: []entry{router}, heard: []heard.Source{said("fe80::fadb:88ff:fe01:203", heard.Other, 0)},
			want: &farmhoundv1.Neighbours{Reachable: 1, BusinessLaptops: 1}},
		{name: "the same in the table", table: []entry{router, {"192.168.7.30", dellText}}, heard: []heard.Source{said("fe80::fadb:88ff:fe01:203", heard.Other, 0)},
			want: &farmhoundv1.Neighbours{Reachable: 1, BusinessLaptops: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c crowd
			// What was there before is forgotten.
			c.reset()
			c.add(neighbour{addr: netip.MustParseAddr("192.168.7.99"), mac: parseMAC(t, intelText), lately: true})
			c.reset()
			for _, e := range tt.table {
				c.add(neighbour{addr: netip.MustParseAddr(e.addr), mac: parseMAC(t, e.mac), lately: true})
			}
			c.add(neighbour{addr: netip.MustParseAddr("192.168.7.98"), mac: parseMAC(t, intelText)}) // silent for hours
			for _, s := range tt.heard {
				c.hear(s, now)
			}
			if diff := cmp.Diff(tt.want, c.count(parseMAC(t, routerMAC)), protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
