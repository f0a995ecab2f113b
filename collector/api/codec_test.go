package api_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// raw sends bytes as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) ([]byte, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no bytes", v)
	}
	return b, nil
}

func (raw) Unmarshal(data []byte, v any) error { return proto.Unmarshal(data, v.(proto.Message)) }

// sendRaw sends bytes in place of a batch.
func (l *laptop) sendRaw(wire []byte) error {
	l.t.Helper()
	return l.current().Invoke(l.t.Context(), farmhoundv1.IngestService_Report_FullMethodName, wire, &farmhoundv1.ReportAck{}, grpc.ForceCodec(raw{}))
}

// TestMessagesThatCannotBeRead are the sender's mistake, and it is told so: after
// another answer it would send them for ever.
func TestMessagesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	nested := []byte{}
	for range 200 {
		nested = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), nested)
	}
	valid, err := proto.Marshal(batchOf(1))
	must(t, err)
	for name, wire := range map[string][]byte{
		"cut off":         valid[:len(valid)-1],
		"junk":            bytes.Repeat([]byte{0xff}, 1000),
		"invalid UTF-8":   bytes.Replace(valid, []byte(bootID[:2]), []byte{0xc3, 0x28}, 1),
		"a wrong type":    append(protowire.AppendTag(nil, 1, protowire.BytesType), 5, 0xff, 0xff, 0xff, 0xff, 0xff),
		"endless nesting": append(protowire.AppendTag(nil, 15, protowire.StartGroupType), bytes.Repeat([]byte{15<<3 | 3}, 1000)...),
	} {
		err := l.sendRaw(wire)
		refused(t, err, codes.InvalidArgument, "cannot be read")
		if strings.ContainsFunc(status.Convert(err).Message(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s: control characters in %q", name, err)
		}
	}
	must(t, l.report())
}

// TestUnknownFieldsAreNotKept: a newer agent is understood as far as it goes, and
// what the contract has no field for is not stored.
func TestUnknownFieldsAreNotKept(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	batch := batchOf(1)
	unknown := protowire.AppendString(protowire.AppendTag(nil, 1999, protowire.BytesType), "what somebody typed")
	batch.GetReports()[0].ProtoReflect().SetUnknown(unknown)
	batch.ProtoReflect().SetUnknown(unknown)
	_, err := l.send(batch)
	must(t, err)
	got := c.commit.committed()[0][0].Report
	if len(got.ProtoReflect().GetUnknown()) > 0 || !proto.Equal(got, batchOf(1).GetReports()[0]) {
		t.Errorf("committed %v", got)
	}
}
