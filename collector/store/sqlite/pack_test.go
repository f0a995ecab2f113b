package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// lived is a device as it is stored after a month of work.
func lived() *store.Device {
	d := &store.Device{
		Summary: &fleetv1.DeviceSummary{Id: "d1", Serial: "S1"}, Picture: &fleetv1.Picture{Id: "d1", Serial: "S1"},
		Judgement: &fleetv1.Judgement{Settled: &fleetv1.Judgement{}, Closed: &fleetv1.Judgement{}},
	}
	for n := range uint32(30) {
		d.Picture.Days = append(d.Picture.Days, &fleetv1.Day{Day: 20500 + n, ActiveSeconds: 20000 + n*977, LidKnownSeconds: 30000 + n*1009, Slots: 0xffff << n})
	}
	for n := range 8 {
		l := &fleetv1.LedgerLine{Signal: fmt.Sprint("signal_", n), Db: 4, Because: "it was at the declared place on " + fmt.Sprint(n) + " active days"}
		d.Judgement.Settled.Ledger = append(d.Judgement.Settled.Ledger, l)
		d.Judgement.Closed.Ledger = append(d.Judgement.Closed.Ledger, proto.CloneOf(l))
	}
	return d
}

func TestPackedMessagesAreSmallerAndTheSame(t *testing.T) {
	t.Parallel()
	for _, m := range []proto.Message{lived().Picture, lived().Judgement, &fleetv1.Picture{Id: "d"}, &fleetv1.Picture{}} {
		packed, err := pack(m)
		if err != nil {
			t.Fatal(err)
		}
		again := m.ProtoReflect().New().Interface()
		if err := unpack(packed, again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again, protocmp.Transform()); diff != "" {
			t.Errorf("unpacked (-was +is):\n%s", diff)
		}
		if size := proto.Size(m); size > 100 && len(packed) > size*9/10 {
			t.Errorf("%d bytes of %d", len(packed), size)
		}
	}
}

// Before anything was packed, messages were stored as they are.
func TestWhatWasStoredUnpackedIsRead(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "farmhound.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	was := lived()
	if err := s.Commit(t.Context(), []store.Change{{Device: was}}); err != nil {
		t.Fatal(err)
	}
	var plain [2][]byte
	for i, m := range []proto.Message{was.Picture, was.Judgement} {
		if plain[i], err = proto.Marshal(m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.write.ExecContext(t.Context(), `UPDATE device SET picture = ?, judgement = ?`, plain[0], plain[1]); err != nil {
		t.Fatal(err)
	}
	is, err := s.Device(t.Context(), "d1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(was, is, protocmp.Transform()); diff != "" {
		t.Errorf("read (-stored +read):\n%s", diff)
	}
}

func TestWhatCannotBeUnpackedSaysWhy(t *testing.T) {
	t.Parallel()
	packed, err := pack(lived().Picture)
	if err != nil {
		t.Fatal(err)
	}
	for says, bad := range map[string][]byte{
		"dictionary 7":              append([]byte{7}, packed[1:]...),
		"corrupt":                   packed[:len(packed)-3],
		"larger than anything that": {1, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if err := unpack(bad, &fleetv1.Picture{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}

// What was packed with a dictionary that has changed is lost.
func TestDictionariesNeverChange(t *testing.T) {
	t.Parallel()
	if sum := sha256.Sum256(dictionary1); hex.EncodeToString(sum[:8]) != "a2b525bfc1aeea3f" {
		t.Errorf("dictionary 1 begins its hash with %x", sum[:8])
	}
	if len(dictionaries) != 1 || dictionaries[latest] == nil {
		t.Errorf("%d dictionaries, the latest is %d", len(dictionaries), latest)
	}
	for version := range dictionaries {
		if version == 0 || version >= firstTag {
			t.Errorf("a message may begin with %d", version)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	packed, err := pack(lived().Judgement)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte{1})
	f.Add([]byte{10, 1, 'd'})
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &fleetv1.Judgement{}
		if err := unpack(b, m); err != nil {
			return
		}
		again, err := pack(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := unpack(again, &fleetv1.Judgement{}); err != nil {
			t.Error(err)
		}
	})
}

// BenchmarkPack packs what every report stores.
func BenchmarkPack(b *testing.B) {
	d := lived()
	for name, encode := range map[string]func(proto.Message) ([]byte, error){"plain": proto.Marshal, "packed": pack} {
		b.Run(name, func(b *testing.B) {
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				n = 0
				for _, m := range []proto.Message{d.Picture, d.Judgement} {
					packed, err := encode(m)
					if err != nil {
						b.Fatal(err)
					}
					n += len(packed)
				}
			}
			b.ReportMetric(float64(n), "B/device")
		})
	}
}
