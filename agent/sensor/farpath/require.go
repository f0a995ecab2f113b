package farpath

import (
	"os"
	"os/exec"
	"testing"
)

// Require skips the test where a program is missing, or fails it when the
// environment has FARMHOUND_TEST_REQUIRE=all. It returns where the programs are, in
// the order asked for.
func Require(t testing.TB, programs ...string) []string {
	t.Helper()
	paths := make([]string, len(programs))
	for i, name := range programs {
		found, err := exec.LookPath(name)
		if err != nil {
			missing(t, "the program "+name)
		}
		paths[i] = found
	}
	return paths
}

// missing skips or fails the test.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("FARMHOUND_TEST_REQUIRE") == "all" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("this test needs %s", what)
}
