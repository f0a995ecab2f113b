package terminals

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		data []byte
		want netip.Addr
	}{
		{"IPv4", append([]byte{2, 0, 0, 0, 0, 0, 198, 51, 100, 7}, make([]byte, 14)...), netip.MustParseAddr("198.51.100.7")},
		{"at the console", make([]byte, 24), netip.Addr{}},
		{"IPv4 without an address", append([]byte{2, 0, 0, 0}, make([]byte, 20)...), netip.Addr{}},
		{"IPv6", append([]byte{23, 0, 0, 0, 0, 0, 0x20, 1}, make([]byte, 16)...), netip.Addr{}},
		{"cut", []byte{2, 0, 0, 0, 0, 0, 198}, netip.Addr{}},
	}
	for _, test := range tests {
		if got := clientAddress(test.data); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestSetInfo(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	data := info(0, at, at.Add(time.Hour))
	var s Session
	s.setInfo(data)
	if s.Locked == nil || !*s.Locked || !s.LoggedOn.Equal(at) || !s.ConnectedAt.Equal(at.Add(time.Hour)) {
		t.Errorf("got %+v, want it locked, logged on at %v and connected an hour later", s, at)
	}
	var unknown Session
	if unknown.setInfo(info(1<<32-1, time.Time{}, time.Time{})); unknown.Locked != nil || !unknown.LoggedOn.IsZero() {
		t.Errorf("got %+v, want nothing to be known", unknown)
	}
	for length := range data {
		var cut Session
		if cut.setInfo(data[:length]); length < 184 && cut != (Session{}) {
			t.Fatalf("%d bytes are read as %+v", length, cut)
		}
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		session Session
		want    bool
	}{
		{Session{Protocol: Console, State: Active}, false},
		{Session{Protocol: RDP, State: Active}, true},
		{Session{Protocol: Citrix, State: Shadow}, true},
		{Session{Protocol: RDP, State: Disconnected}, false},
	} {
		if got := test.session.Remote(); got != test.want {
			t.Errorf("%+v: remote %v, want %v", test.session, got, test.want)
		}
	}
}

func FuzzInfo(f *testing.F) {
	f.Add(info(1, time.Unix(1_700_000_000, 0), time.Unix(1_700_000_060, 0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Session
		s.setInfo(data)
		s.Client = clientAddress(data)
		for _, at := range []time.Time{s.LoggedOn, s.ConnectedAt} {
			if !at.IsZero() && (at.Year() < 1990 || at.Year() > 9999) {
				t.Errorf("%v is no time that a session began at", at)
			}
		}
	})
}

// info is a WTSINFOEX as Windows fills it in.
func info(flags uint32, loggedOn, connected time.Time) []byte {
	data := make([]byte, 232)
	binary.LittleEndian.PutUint32(data, 1)
	binary.LittleEndian.PutUint32(data[16:], flags)
	for at, instant := range map[int]time.Time{168: loggedOn, 176: connected} {
		if !instant.IsZero() {
			binary.LittleEndian.PutUint64(data[at:], uint64(instant.UnixNano()/100+11_644_473_600*10_000_000))
		}
	}
	return data
}
