package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func inputs() *fleetv1.VerdictInputs {
	at := timestamppb.New(time.Date(2026, 3, 3, 23, 59, 59, 0, time.UTC))
	return &fleetv1.VerdictInputs{
		Device: &fleetv1.Device{Id: "d1", Serial: "S1", LastReportAt: at},
		Before: &fleetv1.Judgement{Ledger: []*fleetv1.LedgerLine{{Signal: "kvm_attached", Db: 22, FirstSeen: at, LastSeen: at, Because: "the remote console has been plugged in"}}},
	}
}

func TestInputsComeBack(t *testing.T) {
	t.Parallel()
	packed, err := PackInputs(inputs())
	if err != nil {
		t.Fatal(err)
	}
	if size := proto.Size(inputs()); len(packed) >= size {
		t.Errorf("%d bytes are packed into %d", size, len(packed))
	}
	got, err := UnpackInputs(packed)
	if err != nil || !proto.Equal(got, inputs()) {
		t.Errorf("%v, %v", got, err)
	}
	again, err := PackInputs(inputs())
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("packed again it is another, or %v", err)
	}
	content := bytes.Repeat([]byte("signals "), 100)
	if packed, err = Pack(content); err != nil || len(packed) > 60 {
		t.Fatalf("%d bytes, %v", len(packed), err)
	}
	if got, err := Unpack(packed); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhatCannotBeUnpacked(t *testing.T) {
	t.Parallel()
	packed, err := PackInputs(inputs())
	if err != nil {
		t.Fatal(err)
	}
	bomb, err := Pack(make([]byte, maxUnpacked+1))
	if err != nil {
		t.Fatal(err)
	}
	for says, bad := range map[string][]byte{
		"there is nothing":          nil,
		"dictionary 77":             append([]byte{77}, packed[1:]...),
		"unexpected EOF":            packed[:len(packed)-3],
		"larger than anything that": bomb,
		"decode what a verdict":     {0, 1, 1, 0, 254, 255, 255},
	} {
		if got, err := UnpackInputs(bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, error %v, want one that says %q", got, err, says)
		}
	}
}

// What was packed with a dictionary that has changed is lost.
func TestDictionariesNeverChange(t *testing.T) {
	t.Parallel()
	for version, want := range map[byte]string{plain: "e3b0c44298fc1c14", 1: "05d66d95b6461920"} {
		if sum := sha256.Sum256(dictionaries[version]); hex.EncodeToString(sum[:8]) != want {
			t.Errorf("dictionary %d begins its hash with %x, want %s", version, sum[:8], want)
		}
	}
	if _, ok := dictionaries[latest]; !ok || len(dictionaries) != 2 {
		t.Errorf("%d dictionaries, the latest is %d", len(dictionaries), latest)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	one := &fleetv1.Assessment{Device: "d1", Verdict: "likely", Risk: 0.7}
	a, err := Fingerprint(one)
	if err != nil || len(a) != fingerprintSize {
		t.Fatal(a, err)
	}
	other := proto.CloneOf(one)
	other.Unknown = []string{"something"}
	b, err := Fingerprint(other)
	if err != nil || bytes.Equal(a, b) {
		t.Error("assessments that differ have one fingerprint", err)
	}
}

func FuzzUnpack(f *testing.F) {
	packed, err := PackInputs(inputs())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte{0})
	f.Add([]byte{1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := UnpackInputs(b)
		if (in == nil) == (err == nil) {
			t.Errorf("%v, %v", in, err)
		}
	})
}

// BenchmarkPack packs what a verdict was judged on, once a laptop and day.
func BenchmarkPack(b *testing.B) {
	in := inputs()
	for range 12 {
		in.Before.Ledger = append(in.Before.Ledger, in.Before.Ledger[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := PackInputs(in); err != nil {
			b.Fatal(err)
		}
	}
}
