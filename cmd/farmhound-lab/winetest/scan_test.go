package winetest

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// TestWindowsAgent runs the agent on one Windows, which takes a while to make.
//
//nolint:paralleltest // its parts share one registry
func TestWindowsAgent(t *testing.T) {
	t.Parallel()
	w := newWine(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *wine)
	}{
		{"scan tells what is installed, renamed and in control", scanTells},
		{"a session through a relay is told", relayTold},
		{"network is told", networkTold},
		{"firewall is read", firewallRead},
		{"packages pass their own tests", packagesPass},
		{"policy is read", policyIsRead},
		{"doctor tells", doctorTells},
		{"service is installed, started, stopped and removed", serviceLives},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, w) })
	}
}

// scan returns what scan prints as JSON.
func (w *wine) scan(t *testing.T) *farmhoundv1.Report {
	t.Helper()
	out, errs, code := w.runAgent(t, nil, "scan", "-o", "json")
	if code != 0 {
		t.Fatalf("scan ended with %d:\n%s", code, errs)
	}
	report := &farmhoundv1.Report{}
	if err := protojson.Unmarshal([]byte(out), report); err != nil {
		t.Fatalf("scan printed what is no report: %v\n%s", err, out)
	}
	return report
}

func toolIn(r *farmhoundv1.Report, id string) *farmhoundv1.Tool {
	for _, tool := range r.GetSoftware().GetTools() {
		if tool.GetId() == id {
			return tool
		}
	}
	return nil
}

const registered = `[HKEY_LOCAL_MACHINE\Software\Microsoft\Windows\CurrentVersion\Uninstall\AnyViewer_is1]
"DisplayName"="AnyViewer"
"DisplayVersion"="4.5.0"
"Publisher"="AOMEI International Network Limited"

[HKEY_LOCAL_MACHINE\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\{11223344-5566-7788-99AA-BBCCDDEEFF00}]
"DisplayName"="Aspia Host (64-bit)"
"DisplayVersion"="2.7.0"

[HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Uninstall\AweSun]
"DisplayName"="AweSun"
"DisplayVersion"="3.0.0.24662"
`

func scanTells(t *testing.T, w *wine) {
	w.register(t, registered)
	w.buildTool(t, `C:\Program Files\TightVNC\tvnserver.exe`, identity{"GlavSoft LLC.", "TightVNC", "tvnserver.exe"})
	w.buildTool(t, `C:\users\Public\notes.exe`, identity{"AnyDesk Software GmbH", "AnyDesk", "AnyDesk.exe"})
	w.start(t, `C:\users\Public\notes.exe`)
	viewer := w.startServer(t, `C:\Program Files\TightVNC\tvnserver.exe`)
	defer viewer.Close()

	r := w.scan(t)
	for _, want := range []struct {
		id, version string
		scope       farmhoundv1.InstallScope
	}{
		{"anyviewer", "4.5.0", farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM},
		{"aspia", "2.7.0", farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM},
		{"awesun", "3.0.0.24662", farmhoundv1.InstallScope_INSTALL_SCOPE_USER},
	} {
		tool := toolIn(r, want.id)
		if !tool.GetInstalled() || tool.GetRunning() || tool.GetVersion() != want.version || tool.GetScope() != want.scope {
			t.Errorf("%s, found by its uninstall key, is %v, want it installed only, version %s, %v", want.id, tool, want.version, want.scope)
		}
	}
	renamed := toolIn(r, "anydesk")
	if !renamed.GetRunning() || !renamed.GetRenamed() || !renamed.GetUserWritable() || renamed.GetInstalled() {
		t.Errorf("AnyDesk under another file name is %v, want it running, renamed and not installed", renamed)
	}
	vnc := toolIn(r, "tightvnc")
	if !vnc.GetRunning() || !vnc.GetControlled() || vnc.GetRenamed() || !slices.Contains(vnc.GetFoundBy(), farmhoundv1.FoundBy_FOUND_BY_PROCESS) {
		t.Errorf("TightVNC with a viewer is %v, want it running under its own name and in control", vnc)
	}
	sessions := r.GetRemoteSessions()
	if len(sessions) != 1 || sessions[0].GetTool() != "tightvnc" || sessions[0].GetPeer() != "127.0.0.1" ||
		sessions[0].GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION {
		t.Errorf("sessions are %v, want one through TightVNC from 127.0.0.1", sessions)
	}
}
