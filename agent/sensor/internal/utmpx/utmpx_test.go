package utmpx

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// record is a record as Libc writes it.
func record(kind uint16, user, line string, pid, seconds, micros uint32, from string) []byte {
	out := make([]byte, recordSize)
	copy(out, user)
	copy(out[offsetLine:], line)
	copy(out[offsetHost:], from)
	little := binary.LittleEndian
	little.PutUint32(out[offsetPID:], pid)
	little.PutUint16(out[offsetType:], kind)
	little.PutUint32(out[offsetTime:], seconds)
	little.PutUint32(out[offsetMicro:], micros)
	return out
}

func file(records ...[]byte) (out []byte) {
	out = record(typeSignature, "utmpx-1.00", "", 0, 0, 0, "")
	for _, r := range records {
		out = append(out, r...)
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	const began = 1_790_000_000
	data := file(
		record(2, "", "", 1, began-500, 0, ""), // the start of the machine
		record(typeUser, "alice", Console, 412, began, 250_000, ""),
		record(typeUser, "bob", Console, 977, began+60, 0, ""),
		record(typeUser, "alice", "ttys000", 1200, began+90, 0, ""),
		record(typeUser, "alice", "ttys001", 1300, began+120, 0, "203.0.113.9"),
		record(typeUser, "alice", "ttys002", 1301, began+130, 0, "2001:db8::9"),
		record(typeUser, "alice", "ttys003", 1302, began+140, 0, "desk.example.net"),
		record(8, "carol", "ttys004", 1303, began+150, 0, "198.51.100.1"), // has ended
	)
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "var/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "var/run/utmpx"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(seconds int64) time.Time { return time.Unix(began+seconds, 0).UTC() }
	want := []Login{
		{Line: Console, PID: 412, StartedAt: at(0).Add(250 * time.Millisecond)},
		{Line: Console, PID: 977, StartedAt: at(60)},
		{Line: "ttys000", PID: 1200, StartedAt: at(90)},
		{Line: "ttys001", PID: 1300, StartedAt: at(120), Peer: netip.MustParseAddr("203.0.113.9"), Remote: true},
		{Line: "ttys002", PID: 1301, StartedAt: at(130), Peer: netip.MustParseAddr("2001:db8::9"), Remote: true},
		{Line: "ttys003", PID: 1302, StartedAt: at(140), Remote: true},
	}
	got, err := Read(host.Host{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := parse(data[:len(data)-1]); err == nil || len(got) != len(want) {
		t.Errorf("of a file that is cut short: %d logins and error %v", len(got), err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"no signature":    record(typeUser, "alice", Console, 1, 1, 0, ""),
		"signature alone": []byte(signature),
		"another type":    record(typeUser, "utmpx-1.00", "", 0, 0, 0, ""),
		"another version": record(typeSignature, "utmpx-2.00", "", 0, 0, 0, ""),
	} {
		if got, err := parse(data); err == nil {
			t.Errorf("%s: %v and no error", name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(record(typeUser, "alice", "ttys001", 1, 1, 1, "203.0.113.9")))
	f.Add(file(record(typeUser, "alice", Console, 1, 0xffffffff, 0xffffffff, "fe80::1%en0"))[:recordSize+20])
	f.Fuzz(func(t *testing.T, data []byte) {
		logins, _ := parse(data)
		if len(logins) > len(data)/recordSize {
			t.Fatalf("%d logins in %d bytes", len(logins), len(data))
		}
		for _, l := range logins {
			if l.Peer.Zone() != "" || l.Peer.IsValid() && !l.Remote || len(l.Line) > sizeLine {
				t.Errorf("%+v", l)
			}
		}
	})
}
