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
			Missing(t, "the program "+name)
		}
		paths[i] = found
	}
	return paths
}

// Missing skips the test where something is missing that it needs, or fails it when
// the environment has FARMHOUND_TEST_REQUIRE=all.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("FARMHOUND_TEST_REQUIRE") == "all" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("this test needs %s", what)
}
