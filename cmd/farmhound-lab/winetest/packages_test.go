package winetest

import (
	"bytes"
	"path"
	"testing"
)

// packagesPass runs tests that only Windows has: of the helper that counts input, its pipe
// and who is let in, of what the network sense asks the system, of how devices are followed,
// and of how logs are opened.
func packagesPass(t *testing.T, w *wine) {
	const manager = `C:\manager.dll` // which Wine does not have
	w.must(t, require(t, "x86_64-w64-mingw32-gcc"), "-shared", "-O2", "-D_WIN32_WINNT=0x0A00", "-o", w.inside(manager), "testdata/notify.c")
	for _, tests := range []struct {
		of, run string
		count   int
	}{
		{"./agent/sensor/hands", "^(TestHelperIsLetIn|TestStrangerAtThePipe|TestObserve)$", 3},
		{"./agent/sensor/network", "^TestObserveWindows$", 1},
		{"./agent/notice", "Windows$", 2},
		{"./agent/sensor/software", "^TestOpenBelow$", 1},
	} {
		program := w.goBuild(t, path.Base(tests.of)+".test.exe", "test", tests.of, "-c", "-vet=off")
		c := w.command(t.Context(), w.loader, program, "-test.run="+tests.run, "-test.v")
		c.Env = append(c.Env, "FARMHOUND_TEST_MANAGER="+manager)
		out, err := combined(t, c)
		if err != nil || bytes.Count(out, []byte("\n--- PASS")) != tests.count {
			t.Errorf("%s: %v\n%s", tests.of, err, out)
		}
	}
}
