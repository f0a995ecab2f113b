package detect

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What is left out because somebody approved it is said with who did, and what only
// looks approved is said, too.
func TestApprovalsAreSaid(t *testing.T) {
	t.Parallel()
	share := 0.4
	dev := officeWorker()
	dev.Day5.SanctionedShare = &share
	dev.Tools = []*fleetv1.ToolSighting{
		{Id: "screenconnect", Name: "ScreenConnect", Controls: true, Approved: true, ApprovedBy: "help-desk of IT"},
		{Id: "tailscale", Name: "Tailscale", Approved: true, ApprovedBy: "overlay of IT"},
		{Id: "anydesk", Name: "AnyDesk", Controls: true, OtherInstallation: true},
		{Id: "rustdesk", Name: "RustDesk", Controls: true, ApprovalEnded: "trial of ann", ApprovalEndedAt: timestamppb.New(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))},
		{Id: "zerotier", Name: "ZeroTier", ApprovalEndedAt: timestamppb.New(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))},
	}
	dev.Person.ExemptionEndedAt = timestamppb.New(time.Date(2026, 2, 11, 5, 0, 0, 0, time.UTC))
	a := assess(t, dev, nil).GetAssessment()
	said := strings.Join(a.GetUnknown(), "\n")
	for _, want := range []string{
		"it was controlled through approved tools (help-desk of IT) for 40 %",
		"Weighed although the company approves the tool: this is another installation or tenant of AnyDesk.",
		"Weighed since 1 Mar 2026: the approval of RustDesk (trial of ann) ended.",
		"Exempt no more since 11 Feb 2026: the exemption in the roster ended.",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("said\n%s\nwant %q", said, want)
		}
	}
	if strings.Contains(said, "ZeroTier") {
		t.Errorf("an approval is said to have covered what controls nothing:\n%s", said)
	}
}
