package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/permission"
)

// An agent that this user may not look at runs all the same; what it may is not known.
func TestRightsThatAreNotTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		err     error
		service State
		rights  State
		say     string
	}{
		{"not to be looked at", fs.ErrPermission, Warn, Skip, "not told to this user"},
		{"gone", fs.ErrNotExist, Fail, OK, "no agent runs"},
	} {
		e := &examination{Patient: Patient{Now: time.Now, Service: func() string { return "stopped" }}}
		e.status = &agent.Status{Running: true, PID: os.Getpid() + 1, WrittenAt: time.Now()}
		e.rightsOf = func(pid int) (permission.Rights, error) {
			if pid == e.status.PID {
				return permission.Rights{}, fmt.Errorf("look: %w", tt.err)
			}
			return permission.Rights{Known: true, Administrator: true, Capabilities: ^uint64(0)}, nil
		}
		e.checkService()
		e.checkPermissions()
		if service := e.checks[0]; service.State != tt.service {
			t.Errorf("%s: %+v", tt.name, service)
		}
		if rights := e.checks[1]; rights.State != tt.rights || !strings.Contains(rights.Found, tt.say) {
			t.Errorf("%s: %+v", tt.name, rights)
		}
	}
}
