package doctor_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/farmhound-security/farmhound/agent/doctor"
	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// What a user may not look at is skipped and not taken for a failure. Root may look
// everywhere, and runs this test again as nobody.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	s := enrolled(t, fakecollector.Start(t))
	if err := os.Chmod(s.StateDir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(s.StateDir, 0o700) })
	checks := examine(t, doctor.Patient{Settings: s})
	expect(t, checks, "state directory", doctor.Skip, "", "as the user")
	expect(t, checks, "enrolment", doctor.Skip, "", "as the user")
	expect(t, checks, "settings", doctor.OK, "", "login")
}

// asNobody runs the test that calls it as a user without rights, in a folder that is open
// to everybody: a test's own is not.
func asNobody(t *testing.T) {
	t.Helper()
	setpriv := farpath.Require(t, "setpriv")[0]
	dir, err := os.MkdirTemp("", "farmhound-nobody-*") //nolint:usetesting // the test's own folder lies in one that nobody may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // that is what it is for
		t.Fatal(err)
	}
	program := filepath.Join(dir, "test")
	if err := copyFile(program, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", program, "-test.run=^"+t.Name()+"$", "-test.v")
	again.Dir, again.Env = dir, append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	out, err := again.CombinedOutput()
	if err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755) //nolint:gosec // a program for everybody
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
