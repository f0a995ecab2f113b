package plain

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

var update = flag.Bool("update", false, "write golden files")

func TestGolden(t *testing.T) {
	t.Parallel()
	at := timestamppb.New(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
	report := &farmhoundv1.Report{
		BootId: "00112233445566778899aabbccddeeff", Sequence: 1, ObservedAt: at,
		System: &farmhoundv1.System{Serial: "PF-3XYZ", Model: "ThinkPad X1", Os: farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX},
		Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{
			{Id: "x11vnc", Version: "0.9.16", Running: true, FoundBy: []farmhoundv1.FoundBy{farmhoundv1.FoundBy_FOUND_BY_PROCESS, farmhoundv1.FoundBy_FOUND_BY_PACKAGE}, ListeningPorts: []uint32{5900, 5901}},
			{Id: "hostile", Version: "\x1b]0;owned\x07\u202e"},
		}},
		RemoteSessions: []*farmhoundv1.RemoteSession{{
			Id: "0011223344", Tool: "x11vnc", StartedAt: at, Peer: "192.0.2.7", RttMinMs: proto.Float64(120.5),
			AccountHash: bytes.Repeat([]byte{0xab}, 16), Kind: 77,
		}},
		Windows: []*farmhoundv1.Window{{StartedAt: at, Seconds: 300, AsleepSeconds: proto.Uint32(0)}},
	}
	var out bytes.Buffer
	if err := Report(&out, report); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/report.golden"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("differs from %s; got\n%s", golden, out.String())
	}
}

// Every field that the schema has is said, with its purpose, when it is set.
func TestNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	report := new(farmhoundv1.Report)
	purposes := map[string]bool{}
	setAll(t, report.ProtoReflect(), purposes, 0)
	var out bytes.Buffer
	if err := Report(&out, report); err != nil {
		t.Fatal(err)
	}
	for purpose := range purposes {
		if !strings.Contains(out.String(), "- "+purpose+"\n") {
			t.Errorf("purpose is not said: %s", purpose)
		}
	}
	if len(purposes) < 50 || strings.Contains(out.String(), "Not in this report") {
		t.Errorf("%d purposes; output\n%s", len(purposes), out.String())
	}
}

func setAll(t *testing.T, m protoreflect.Message, purposes map[string]bool, depth int) {
	t.Helper()
	if depth > 8 {
		t.Fatal("schema is nested too deep for this test")
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if purpose := fieldrules.Purpose(field); purpose != "" {
			purposes[purpose] = true
		}
		switch {
		case field.IsList() && field.Message() != nil:
			setAll(t, m.Mutable(field).List().AppendMutable().Message(), purposes, depth+1)
		case field.IsList():
			m.Mutable(field).List().Append(sample(field))
		case field.Message() != nil:
			setAll(t, m.Mutable(field).Message(), purposes, depth+1)
		default:
			m.Set(field, sample(field))
		}
	}
}

func sample(field protoreflect.FieldDescriptor) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("word")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{1})
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(1.5)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(1)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(1)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(1)
	default:
		return protoreflect.ValueOfInt64(1)
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte("\x0a\x03\x1b[m"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		report := new(farmhoundv1.Report)
		if proto.Unmarshal(wire, report) != nil {
			return
		}
		var out bytes.Buffer
		if err := Report(&out, report); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e {
				t.Fatalf("control character %U on the terminal", r)
			}
		}
	})
}
