package network

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
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

// TestAroundWindows hears others on the local network, who speak outside of this Windows:
// cmd/farmhound-lab/winetest has them.
func TestAroundWindows(t *testing.T) {
	t.Parallel()
	if os.Getenv("FARMHOUND_TEST_SPEAKERS") == "" {
		farpath.Missing(t, "others that announce things, which FARMHOUND_TEST_SPEAKERS says there are")
	}
	began, asked := time.Now(), atomic.Int64{}
	hasty := func() time.Time { return began.Add(time.Duration(asked.Add(1)) * settled) } // so that every look is one
	s := New(host.Host{Now: hasty}, catalog.BuiltIn(), ring(t))
	want := &farmhoundv1.Neighbours{Reachable: 4, BusinessLaptops: 1, KvmMakers: 2}
	got := &farmhoundv1.Neighbours{}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !proto.Equal(got, want) && time.Now().Before(deadline); <-tick.C {
		report := &farmhoundv1.Report{}
		if err := s.Observe(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		got = report.GetNetwork().GetNeighbours()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("around are %v, want %v", got, want)
	}
}

// TestFirewallWindows reads what the firewall is said to have: cmd/farmhound-lab/winetest
// writes it.
func TestFirewallWindows(t *testing.T) {
	t.Parallel()
	const variable = "FARMHOUND_TEST_FIREWALL"
	want := os.Getenv(variable)
	if want == "" {
		farpath.Missing(t, "a firewall that is told by "+variable)
	}
	var f firewall
	if out := f.keepsOut(time.Now()); out != (want == "closed") {
		t.Errorf("kept out: %v, want the firewall %s", out, want)
	}
}
