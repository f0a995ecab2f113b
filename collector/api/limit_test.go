package api

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func TestLimitIsPerAddressAndRefills(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)
	l := newLimiter[netip.Addr](enrollRate, enrollBurst, func() time.Time { return now })
	office, home := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8:1:2::1")
	for n := range enrollBurst {
		if wait := l.take(office, 1); wait != 0 {
			t.Fatalf("call %d waits %v", n, wait)
		}
	}
	if wait := l.take(office, 1); wait != 200*time.Millisecond {
		t.Errorf("after the burst the wait is %v", wait)
	}
	// Being refused costs nothing.
	if wait := l.take(office, 1); wait != 200*time.Millisecond {
		t.Errorf("after a refusal the wait is %v", wait)
	}
	if wait := l.take(home, 1); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
	now = now.Add(200 * time.Millisecond)
	if wait := l.take(office, 1); wait != 0 {
		t.Errorf("after the wait it is %v", wait)
	}
}

func TestAddressesOfOneHostCountTogether(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)
	l := newLimiter[netip.Addr](enrollRate, enrollBurst, func() time.Time { return now })
	address := netip.MustParseAddr("2001:db8:1:2::").As16()
	for n := range enrollBurst {
		binary.BigEndian.PutUint64(address[8:], uint64(n)*7919)
		l.take(hostOf(netip.AddrFrom16(address)), 1)
	}
	if wait := l.take(hostOf(netip.MustParseAddr("2001:db8:1:2:ffff::")), 1); wait == 0 {
		t.Error("a host got around the limit by its own /64")
	}
	if wait := l.take(hostOf(netip.MustParseAddr("2001:db8:1:3::")), 1); wait != 0 {
		t.Error("the neighbouring network waits")
	}
}

func TestAddressesAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)
	l := newLimiter[netip.Addr](enrollRate, enrollBurst, func() time.Time { return now })
	address := func(n int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	}
	for n := range maxKeys + 100 {
		l.take(address(n), 1)
	}
	if len(l.buckets) > maxKeys {
		t.Errorf("%d busy addresses are kept", len(l.buckets))
	}
	now = now.Add(time.Minute)
	l.take(address(1<<20), 1)
	if len(l.buckets) != 1 {
		t.Errorf("%d addresses are kept though only one is not quiet", len(l.buckets))
	}
}

func TestMoreThanTheBurstCountsAsTheBurst(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)
	l := newLimiter[string](reportRate, reportBurst, func() time.Time { return now })
	if wait := l.take("d1", 100*reportBurst); wait != 0 {
		t.Errorf("with everything left it waits %v", wait)
	}
	if wait := l.take("d1", 20); wait != 2*time.Second {
		t.Errorf("with nothing left 20 reports wait %v", wait)
	}
}
