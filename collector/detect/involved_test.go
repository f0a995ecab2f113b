package detect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestWhatAConditionLooksAtIsShownWithItsValues(t *testing.T) {
	t.Parallel()
	dev := &fleetv1.Device{
		Kvm: &fleetv1.Kvm{Name: "Pi\"KVM", FirstSeenAt: timestamppb.New(testNow.Add(-time.Hour))},
		Tools: []*fleetv1.ToolSighting{
			{Name: "AnyDesk", Present: true, LastSeenAt: timestamppb.New(testNow)}, {Name: "VNC"},
		},
		Day5: &fleetv1.Activity{Days: 5, UnsanctionedShare: proto.Float64(0.25), ControlTools: []string{"AnyDesk"}},
	}
	for _, tt := range []struct {
		condition string
		want      map[string]string
	}{
		{"device.day5.days >= 2u && device.day5.unsanctioned_share >= 0.5", map[string]string{"device.day5.days": "5", "device.day5.unsanctioned_share": "0.25"}},
		{"has(device.day5.kvm_share)", map[string]string{"device.day5.kvm_share": "absent"}},
		{"device.tools.exists(t, t.present && t.name != device.kvm.name)", map[string]string{"device.tools[].present": "[true, false]", "device.tools[].name": `["AnyDesk", "VNC"]`, "device.kvm.name": `"Pi\"KVM"`}},
		{"device.tools.filter(t, t.present).exists(x, now - x.last_seen_at < duration('1h'))", map[string]string{"device.tools[].present": "[true, false]", "device.tools[].last_seen_at": "[2026-03-17T12:00:00Z]"}},
		{"device.tools[0].running", map[string]string{"device.tools[].running": "[false, false]"}},
		{"device.operator.peers.size() > 0", map[string]string{"device.operator.peers": "absent"}},
		{"'AnyDesk' in device.day5.control_tools", map[string]string{"device.day5.control_tools": `["AnyDesk"]`}},
		{"now - device.kvm.first_seen_at < duration('2h')", map[string]string{"device.kvm.first_seen_at": "2026-03-17T11:00:00Z"}},
		{"device.site.people > 3u", map[string]string{"device.site.people": "absent"}},
		{"this is no condition", map[string]string{}},
	} {
		got := make(map[string]string)
		for _, path := range rules(t).language.involved(tt.condition) {
			got[path] = valueAt(dev, path)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.condition, diff)
		}
	}
}
