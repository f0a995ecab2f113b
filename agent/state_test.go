package agent

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Whatever a crash, a bad disk or somebody's editor left in the state directory, the
// agent starts, goes on observing and stays the same device.
func TestDamagedStateIsSurvived(t *testing.T) {
	t.Parallel()
	cut := func(path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, info.Size()/2)
	}
	scribble := func(path string) error { return os.WriteFile(path, []byte("\xff\xfe nothing of use"), 0o600) }
	for _, tt := range []struct {
		name   string
		file   string
		damage func(string) error
	}{
		{"policy cut", policyFile, cut},
		{"policy scribbled on", policyFile, scribble},
		{"policy gone", policyFile, os.Remove},
		{"status cut", statusFile, cut},
		{"spool cut", "spool.db", cut},
		{"spool scribbled on", "spool.db", scribble},
		{"spool gone", "spool.db", os.Remove},
		{"certificate cut", "identity/certificate.pem", cut},
		{"certificate gone", "identity/certificate.pem", os.Remove},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := fakecollector.Start(t)
			c.SetPolicy(&farmhoundv1.Policy{FleetKeys: []*farmhoundv1.FleetKey{{Id: 1, Key: make([]byte, 32)}}})
			f, s := newSenses(), settingsFor(t, c)
			a := start(t, f, s)
			c.Await(patience(t), atLeast(1))
			a.stop()
			if err := tt.damage(filepath.Join(s.StateDir, tt.file)); err != nil {
				t.Fatal(err)
			}
			before := len(c.Reports())
			b := start(t, f, s)
			reports := c.Await(patience(t), func(reports []*farmhoundv1.Report) bool {
				return len(reports) > before && reports[len(reports)-1].GetBootId() != reports[0].GetBootId()
			})
			b.stop()
			if last := reports[len(reports)-1]; last.GetSoftware() == nil || last.GetSystem() == nil {
				t.Errorf("the first report after it does not carry everything: %v", last)
			}
			if b.DeviceID() != a.DeviceID() {
				t.Errorf("device %s became %s", a.DeviceID(), b.DeviceID())
			}
		})
	}
}

// Without a secret a lost certificate is trouble that is said, and reports wait.
func TestLostCertificateIsSaid(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	f, s := newSenses(), settingsFor(t, c)
	a := start(t, f, s)
	c.Await(patience(t), atLeast(1))
	a.stop()
	if err := os.WriteFile(filepath.Join(s.StateDir, "identity", "certificate.pem"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.EnrollSecret = settings.Secret{}
	b := start(t, f, s)
	await(t, f, 5)
	b.stop()
	status, err := ReadStatus(s.StateDir)
	if err != nil || status.Enrolled || status.SpoolDepth == 0 || !strings.Contains(status.Trouble, "certificate.pem cannot be used") {
		t.Errorf("status %+v, %v", status, err)
	}
	if strings.Count(b.log.String(), "certificate.pem cannot be used") == 0 {
		t.Errorf("log: %s", b.log)
	}
}

// A key that is lost is not replaced: that would be another device.
func TestDamagedKeyStopsTheAgent(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	f, s := newSenses(), settingsFor(t, c)
	a := start(t, f, s)
	c.Await(patience(t), atLeast(1))
	a.stop()
	key := filepath.Join(s.StateDir, "identity", "key.pem")
	if err := os.WriteFile(key, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := assemble(Config{Settings: s, Log: slog.New(slog.DiscardHandler)}, f.body)
	if err == nil || !strings.Contains(err.Error(), "identity is lost") {
		t.Errorf("error %v does not say that the identity is lost", err)
	}
	if data, err := os.ReadFile(key); err != nil || string(data) != "torn" {
		t.Errorf("the key was replaced: %q, %v", data, err)
	}
}
