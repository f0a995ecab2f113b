package winetest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// relayTold has a tool log a session that comes through its relay, as the real one does,
// while the agent watches.
func relayTold(t *testing.T, w *wine) {
	const program, log = `C:\users\Public\Downloads\AnyDesk.exe`, `C:\ProgramData\AnyDesk\ad_svc.trace`
	w.buildTool(t, program, identity{"AnyDesk Software GmbH", "AnyDesk", "AnyDesk.exe"})
	w.start(t, program)
	write := func(source, message string) {
		t.Helper()
		file, err := os.OpenFile(w.inside(log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(file, "   info %s       gsvc   4120   4121   %24s - %s\r\n", time.Now().UTC().Format("2006-01-02 15:04:05.000"), source, message)
		if err := errOr(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(w.inside(log)), 0o700); err != nil {
		t.Fatal(err)
	}
	write("main", "* * * * * * * * * * * * * *")

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	c := w.command(ctx, w.loader, w.agent, "scan", "--watch", "--interval", "1s", "-o", "json")
	output, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = c.Wait() // it was killed
	}()
	reports := json.NewDecoder(output)
	next := func(want string, is func(*farmhoundv1.RemoteSession) bool) *farmhoundv1.RemoteSession {
		t.Helper()
		for {
			var text json.RawMessage
			if err := reports.Decode(&text); err != nil {
				t.Fatalf("no report with %s: %v", want, err)
			}
			r := &farmhoundv1.Report{}
			if err := protojson.Unmarshal(text, r); err != nil {
				t.Fatal(err)
			}
			if want == "" && toolIn(r, "anydesk").GetRunning() {
				return nil
			}
			for _, s := range r.GetRemoteSessions() {
				if want != "" && s.GetTool() == "anydesk" && is(s) {
					return s
				}
			}
		}
	}
	next("", nil)
	write("anynet.any_socket", "Accept request from 987654321 (via relay).")
	write("anynet.any_socket", "Logged in from 203.0.113.9:61230 on relay 5e8a7c21.")
	began := next("a session that lasts", func(s *farmhoundv1.RemoteSession) bool { return s.GetEndedAt() == nil })
	if began.GetPeer() != "203.0.113.9" || began.GetPath() != farmhoundv1.SessionPath_SESSION_PATH_RELAY ||
		began.GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG {
		t.Errorf("the session is %v", began)
	}
	write("app.session", "Session closed by remote user.")
	if ended := next("a session that ended", func(s *farmhoundv1.RemoteSession) bool { return s.GetEndedAt() != nil }); ended.GetId() != began.GetId() {
		t.Errorf("%v ended, not %v", ended, began)
	}
}
