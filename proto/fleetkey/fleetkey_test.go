package fleetkey

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var allKinds = []Kind{
	GatewayMAC, LANPrefix, AccessPoint, PeripheralSerial, DisplaySerial, RemoteAccount, InstallationID, NeighbourMAC,
}

// testKey is 32 bytes of the id.
func testKey(id uint32) *farmhoundv1.FleetKey {
	return &farmhoundv1.FleetKey{Id: id, Key: bytes.Repeat([]byte{byte(id)}, KeySize)}
}

func testRing(tb testing.TB, ids ...uint32) Ring {
	tb.Helper()
	var keys []*farmhoundv1.FleetKey
	for _, id := range ids {
		keys = append(keys, testKey(id))
	}
	ring, err := NewRing(keys)
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

// Reckoned apart from this code: printf 'farmhound/v1/KIND\0VALUE' |
// openssl dgst -sha256 -mac HMAC -macopt hexkey:0101..., cut to 32 digits.
func TestGoldenVectors(t *testing.T) {
	t.Parallel()
	ring := testRing(t, 1)
	mac, _ := MAC("94:83:c4:01:02:03")
	cases := []struct {
		kind  Kind
		value []byte
		want  string
	}{
		{GatewayMAC, mac, "f559fa06c2ebf580e01dfb28d3129666"},
		{NeighbourMAC, mac, "8aa8969e175c93c1e07e4fbcca4f941b"},
		{PeripheralSerial, []byte("PF3XYZ"), "fedf1b4345a3c97c0eab3672803e5873"},
		{RemoteAccount, []byte("someone@example.com"), "47c055ac54e50f60613375578dd45487"},
	}
	for _, c := range cases {
		sum, id, ok := ring.Hash(c.kind, c.value)
		if got := hex.EncodeToString(sum); got != c.want || id != 1 || !ok {
			t.Errorf("%s: got %s (key %d, %v), want %s", c.kind, got, id, ok, c.want)
		}
	}
}

func TestKindsAndKeysSeparate(t *testing.T) {
	t.Parallel()
	ring := testRing(t, 1, 2)
	seen := map[string]string{}
	for _, kind := range allKinds {
		for id := uint32(1); id <= 2; id++ {
			sum, ok := ring.HashUnder(id, kind, []byte("same value"))
			if !ok || len(sum) != Size {
				t.Fatalf("%s under key %d: %d bytes, %v", kind, id, len(sum), ok)
			}
			name := fmt.Sprint(kind, " under ", id)
			if other, taken := seen[string(sum)]; taken {
				t.Errorf("%s and %s hash alike", name, other)
			}
			seen[string(sum)] = name
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	value := []byte("PF3XYZ")
	before := testRing(t, 7)
	old, oldID, _ := before.Hash(PeripheralSerial, value)
	after := testRing(t, 7, 8) // the order of the policy does not matter
	sum, id, ok := after.Hash(PeripheralSerial, value)
	if !ok || id != 8 || bytes.Equal(sum, old) {
		t.Errorf("after rotation: key %d, %v; want the newest key's hash", id, ok)
	}
	if again, ok := after.HashUnder(oldID, PeripheralSerial, value); !ok || !bytes.Equal(again, old) {
		t.Error("the old hash cannot be made again during overlap")
	}
	if !after.Equal(old, PeripheralSerial, value) || after.Equal(old, DisplaySerial, value) {
		t.Error("Equal must hold under any key of the ring and only for the kind")
	}
	earlier := after.Earlier(PeripheralSerial, value)
	if len(earlier) != 1 || earlier[0].GetKeyId() != oldID || !bytes.Equal(earlier[0].GetHash(), old) {
		t.Errorf("beside the new hash: %v; want the one under key %d", earlier, oldID)
	}
	if got := after.Serial(PeripheralSerial, string(value)).GetEarlier(); len(got) != 1 || !bytes.Equal(got[0].GetHash(), old) {
		t.Errorf("a serial carries %v beside its hash", got)
	}
	if before.Earlier(PeripheralSerial, value) != nil || after.Earlier(PeripheralSerial, nil) != nil {
		t.Error("earlier hashes without an older key, or of nothing")
	}
	if many := testRing(t, 3, 1, 4, 2).Earlier(PeripheralSerial, value); len(many) != 3 || many[0].GetKeyId() != 3 || many[2].GetKeyId() != 1 {
		t.Errorf("under four keys: %v; want the older ones, newest first", many)
	}
	if gone := testRing(t, 8); gone.Equal(old, PeripheralSerial, value) {
		t.Error("equal although the key is gone")
	}
}

func TestNoKeyNoHash(t *testing.T) {
	t.Parallel()
	var none Ring
	if sum, id, ok := none.Hash(GatewayMAC, []byte("x")); ok || sum != nil || id != 0 {
		t.Errorf("a ring without keys made %x", sum)
	}
	if _, _, ok := testRing(t, 1).Hash(GatewayMAC, nil); ok {
		t.Error("nothing was hashed")
	}
	got := none.Serial(PeripheralSerial, "PF3XYZ")
	if got.GetHash() != nil || got.GetKeyId() != 0 || got.GetClass() != farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY {
		t.Errorf("without a key: %v", got)
	}
}

func TestNewRingRefuses(t *testing.T) {
	t.Parallel()
	short := &farmhoundv1.FleetKey{Id: 1, Key: []byte("secret-and-short")}
	for name, keys := range map[string][]*farmhoundv1.FleetKey{
		"short":  {short},
		"no id":  {{Key: make([]byte, KeySize)}},
		"twice":  {testKey(1), testKey(1)},
		"absent": {nil},
		"five":   {testKey(1), testKey(2), testKey(3), testKey(4), testKey(5)},
	} {
		_, err := NewRing(keys)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestRingPrintsNoKey(t *testing.T) {
	t.Parallel()
	ring, err := NewRing([]*farmhoundv1.FleetKey{{Id: 3, Key: []byte(strings.Repeat("k", KeySize))}})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, ring); got != "fleet keys (1, newest 3)" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"94:83:C4:01:02:03":    "9483c4010203",
		"94-83-c4-01-02-03":    "9483c4010203",
		"9483.c401.0203":       "9483c4010203",
		"9483c4010203":         "9483c4010203",
		"00:00:00:00:00:00":    "",
		"ff:ff:ff:ff:ff:ff":    "",
		"01:00:5e:00:00:fb":    "",
		"94:83:c4:01:02":       "",
		"94:83:c4:01:02:03:04": "",
		"94:83:c4:01:02:0g":    "",
		"":                     "",
	}
	for in, want := range cases {
		value, ok := MAC(in)
		if ok != (want != "") || ok && hex.EncodeToString(value) != want {
			t.Errorf("MAC(%q) = %x, %v; want %s", in, value, ok, want)
		}
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	same := []string{"192.168.1.0/24", "192.168.1.77/24", "::ffff:192.168.1.9/120"}
	first, ok := Prefix(netip.MustParsePrefix(same[0]))
	if !ok {
		t.Fatal("not ok")
	}
	for _, s := range same[1:] {
		if got, ok := Prefix(netip.MustParsePrefix(s)); !ok || !bytes.Equal(got, first) {
			t.Errorf("%s: %x, %v; want %x", s, got, ok, first)
		}
	}
	if other, _ := Prefix(netip.MustParsePrefix("192.168.1.0/25")); bytes.Equal(other, first) {
		t.Error("prefixes of different length are the same")
	}
	if _, ok := Prefix(netip.Prefix{}); ok {
		t.Error("an invalid prefix is ok")
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	const (
		absent   = farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT
		decoy    = farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN
		windows  = farmhoundv1.SerialClass_SERIAL_CLASS_WINDOWS_GENERATED
		ordinary = farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY
	)
	cases := map[string]farmhoundv1.SerialClass{
		"": absent, "  \x00": absent, "0000000000": absent, "0": absent, "None": absent,
		"CAFEBABE": decoy, "cafebabe ": decoy, "6b65796d696d6570690": decoy, "0123456789ABCDEF": decoy,
		"0x88888800": decoy, "T8NEE0038522": decoy,
		"6&2a1b3c4&0&1": windows, "7&1AB2C3D4&0&0002": windows, "5&abcde12&0": windows,
		"PF-3XYZ": ordinary, "C02XL0ABJGH5": ordinary, "CAFEBABE1": ordinary, "6&xyz&0&1": ordinary,
	}
	for serial, want := range cases {
		if got := ClassOf(serial); got != want {
			t.Errorf("ClassOf(%q) = %v, want %v", serial, got, want)
		}
	}
	if !DecoyNumber(0x88888800) || DecoyNumber(0x12345678) {
		t.Error("numbers of displays are misjudged")
	}
}

func TestSerial(t *testing.T) {
	t.Parallel()
	ring := testRing(t, 1)
	one, padded := ring.Serial(PeripheralSerial, "pf3xyz"), ring.Serial(PeripheralSerial, " PF3XYZ\x00")
	if len(one.GetHash()) != Size || !bytes.Equal(one.GetHash(), padded.GetHash()) || one.GetKeyId() != 1 {
		t.Errorf("%v and %v are one serial", one, padded)
	}
	if made := ring.Serial(PeripheralSerial, "6&2a1b3c4&0&1"); made.GetHash() != nil {
		t.Error("a serial made up by Windows is hashed")
	}
}

func FuzzMAC(f *testing.F) {
	f.Add("94:83:c4:01:02:03")
	f.Fuzz(func(t *testing.T, address string) {
		if value, ok := MAC(address); ok && len(value) != 6 {
			t.Errorf("MAC(%q) is %d bytes", address, len(value))
		}
	})
}

func BenchmarkHash(b *testing.B) {
	ring := testRing(b, 1)
	value := []byte("PF3XYZ")
	b.ReportAllocs()
	for b.Loop() {
		ring.Hash(PeripheralSerial, value)
	}
}
