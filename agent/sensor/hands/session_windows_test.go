package hands

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// The test program is its own helper.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == HelperCommand {
		if err := Help(os.Args[2]); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The helper that was started is let in, stays, and ends when nobody listens any more.
func TestHelperIsLetIn(t *testing.T) { //nolint:paralleltest // the session has one desktop
	w := launched(t, New(host.Host{}, catalog.BuiltIn()))
	if w.gone() {
		t.Error("the helper has ended")
	}
	w.close()
	if !w.gone() {
		t.Error("the helper stays when nobody listens any more")
	}
}

// launched starts the test program as the helper of its own session.
func launched(t *testing.T, s *Sensor) *watched {
	t.Helper()
	var token windows.Token
	if err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ALL_ACCESS, &token); err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	w, err := watch(t.Context(), s, 1, token)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Nobody but the process that was started gets in, though it is the same user.
func TestStrangerAtThePipe(t *testing.T) { //nolint:paralleltest // the session has one desktop
	name, err := pipeName()
	if err != nil {
		t.Fatal(err)
	}
	token := windows.GetCurrentProcessToken()
	user, err := token.GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := makePipe(name, user.User.Sid.String())
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(pipe)
	if _, err := makePipe(name, user.User.Sid.String()); err == nil {
		t.Error("a second end of the pipe was made")
	}
	stranger, err := openPipe(name)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := accept(t.Context(), pipe, windows.CurrentProcess(), windows.GetCurrentProcessId()+4); !errors.Is(err, errStranger) {
		t.Errorf("accept: %v", err)
	}
}

func TestObserve(t *testing.T) { //nolint:paralleltest // the session has one desktop
	s := New(host.Host{}, catalog.BuiltIn())
	err := s.Observe(t.Context(), &farmhoundv1.Report{})
	if err == nil || !strings.Contains(err.Error(), detailService) && !strings.Contains(err.Error(), detailHelper) && !strings.Contains(err.Error(), detailMedia) {
		t.Errorf("observe: %v", err)
	}
	w := &farmhoundv1.Window{Seconds: 300}
	s.Count(w)
	if w.AssistiveSeconds == nil {
		t.Error("whether assistive technology runs is not known")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
