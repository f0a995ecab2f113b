package winetest

import (
	"bytes"
	"path"
	"testing"
)

// packagesPass runs tests that only Windows has: of the helper that counts input, its pipe
// and who is let in, of what the network sense asks the system, and of how logs are opened.
func packagesPass(t *testing.T, w *wine) {
	for _, tests := range []struct {
		of, run string
		count   int
	}{
		{"./agent/sensor/hands", "^(TestHelperIsLetIn|TestStrangerAtThePipe|TestObserve)$", 3},
		{"./agent/sensor/network", "^TestObserveWindows$", 1},
		{"./agent/sensor/software", "^TestOpenBelow$", 1},
	} {
		program := w.goBuild(t, path.Base(tests.of)+".test.exe", "test", tests.of, "-c", "-vet=off")
		out, err := w.command(t.Context(), w.loader, program, "-test.run="+tests.run, "-test.v").CombinedOutput()
		if err != nil || bytes.Count(out, []byte("\n--- PASS")) != tests.count {
			t.Errorf("%s: %v\n%s", tests.of, err, out)
		}
	}
}
