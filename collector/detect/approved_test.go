package detect

import (
	"strings"
	"testing"

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
	}
	a := assess(t, dev, nil).GetAssessment()
	said := strings.Join(a.GetUnknown(), "\n")
	for _, want := range []string{
		"it was controlled through approved tools (help-desk of IT) for 40 %",
		"Weighed although the company approves the tool: this is another installation or tenant of AnyDesk.",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("said\n%s\nwant %q", said, want)
		}
	}
}
