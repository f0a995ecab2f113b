package proto_test

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	contract "github.com/farmhound-security/farmhound/proto"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestEveryMessageAndFieldHasAMeaning(t *testing.T) {
	t.Parallel()
	n := 0
	var walk func(messages protoreflect.MessageDescriptors)
	walk = func(messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			m := messages.Get(i)
			if m.IsMapEntry() {
				continue
			}
			if contract.Meaning(m.FullName()) == "" {
				t.Errorf("%s has no comment", m.FullName())
			}
			for j := range m.Fields().Len() {
				n++
				if f := m.Fields().Get(j); contract.Meaning(f.FullName()) == "" {
					t.Errorf("%s has no comment", f.FullName())
				}
			}
			walk(m.Messages())
		}
	}
	for _, name := range []protoreflect.FullName{"farmhound.fleet.v1", "farmhound.v1"} {
		protoregistry.GlobalFiles.RangeFilesByPackage(name, func(f protoreflect.FileDescriptor) bool {
			walk(f.Messages())
			return true
		})
	}
	if n < 300 {
		t.Errorf("%d fields were looked at", n)
	}
}

func TestMeaningsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	share := new(fleetv1.Activity).ProtoReflect().Descriptor().Fields().ByName("unsanctioned_share")
	if got := contract.Meaning(share.FullName()); got != "Share of active time under such control." {
		t.Errorf("%s means %q", share.FullName(), got)
	}
	long := new(fleetv1.PlaceHistory).ProtoReflect().Descriptor().Fields().ByName("board_neighbours")
	if got, want := contract.Meaning(long.FullName()), "Single-board computers of the make that many IP-KVMs are built on, among the neighbours now: for hunting, since much else is built on them. Absent where unknown."; got != want {
		t.Errorf("%s means %q", long.FullName(), got)
	}
	if got := contract.Meaning("farmhound.fleet.v1.Nothing"); got != "" {
		t.Errorf("nothing means %q", got)
	}
}
