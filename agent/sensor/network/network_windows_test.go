package network

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// TestObserveWindows looks at the Windows that it runs on.
func TestObserveWindows(t *testing.T) {
	t.Parallel()
	s := New(host.Host{}, catalog.BuiltIn(), ring(t))
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	report := &farmhoundv1.Report{}
	err := s.Observe(t.Context(), report)
	got := report.GetNetwork()
	t.Logf("%v\n%v", err, got)
	if got == nil {
		t.Fatalf("nothing was observed: %v", err)
	}
	rules, failed := fieldrules.Compile((&farmhoundv1.Network{}).ProtoReflect().Descriptor())
	if failed != nil {
		t.Fatal(failed)
	}
	if err := rules.Validate(got); err != nil {
		t.Error(err)
	}
	adapters, err := s.system.list()
	if err != nil || len(adapters) == 0 {
		t.Fatalf("interfaces %v, %v", adapters, err)
	}
	for i := range adapters {
		if a := &adapters[i]; a.name == "" || a.index == 0 {
			t.Errorf("interface %+v", a)
		}
	}
	if found, err := routes(adapters); err == nil {
		for _, r := range found {
			if r.Interface == "" || !r.To.IsValid() {
				t.Errorf("route %+v", r)
			}
		}
	}
	again := &farmhoundv1.Report{}
	if err := s.Observe(t.Context(), again); err != nil || !proto.Equal(again.GetNetwork(), got) {
		t.Errorf("another look: %v, %v", again.GetNetwork(), err)
	}
	if got.ProxyConfigured == nil {
		t.Error("whether a proxy is configured is not known")
	}
}
