package winetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// module is the folder of go.mod as seen from this package.
const module = "../../.."

// wine is a Windows of the test's own.
type wine struct {
	loader  string
	prefix  string
	tools   string // folder for programs that are built
	agent   string // the agent's program
	network string // network namespace that it is in, "" for this computer's own
}

// newWine makes a Windows and builds the agent for it.
func newWine(t *testing.T) *wine {
	t.Helper()
	w := bootWine(t, "")
	w.agent = w.goBuild(t, "farmhound-agent.exe", "build", "./cmd/farmhound-agent")
	return w
}

// bootWine makes a prefix in a network, and ends everything that ran in it after the test.
func bootWine(t *testing.T, network string) *wine {
	t.Helper()
	w := &wine{network: network, loader: require(t, "wine64", "/usr/lib/wine/wine64", "wine"), prefix: filepath.Join(t.TempDir(), "prefix"), tools: t.TempDir()}
	server := require(t, "wineserver", "/usr/lib/wine/wineserver")
	compiler := require(t, "x86_64-w64-mingw32-gcc")
	t.Cleanup(func() {
		// Of this prefix only. It is an error where nothing runs any more.
		_ = w.command(context.WithoutCancel(t.Context()), server, "-k").Run()
		_ = w.command(context.WithoutCancel(t.Context()), server, "-w").Run()
	})
	w.must(t, w.loader, "wineboot", "-i")
	w.must(t, compiler, "-shared", "-O2", "-o", w.inside(`C:\windows\system32\bcryptprimitives.dll`), "testdata/prng.c", "-ladvapi32")
	// While one program runs Wine stays up; else every command would start the machine
	// anew, and its services with it.
	w.buildTool(t, `C:\stays.exe`, identity{"Example", "Example", "stays.exe"})
	w.start(t, `C:\stays.exe`)
	return w
}

// require finds a program by its name or at one of its usual places, and skips the
// test where there is none, or fails it when FARMHOUND_TEST_REQUIRE is all.
func require(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	farpath.Missing(t, "the program "+names[0])
	return ""
}

// environ is the environment of what runs in the prefix: no debug channels, no
// offers to install what nothing here uses.
func (w *wine) environ() []string {
	return append(os.Environ(), "WINEPREFIX="+w.prefix, "WINEARCH=win64", "WINEDEBUG=-all",
		"WINEDLLOVERRIDES=mscoree,mshtml=;winemenubuilder.exe=d", "TZ=UTC")
}

func (w *wine) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if w.network != "" {
		name, args = "ip", append([]string{"netns", "exec", w.network, name}, args...)
	}
	c := exec.CommandContext(ctx, name, args...)
	c.Env = w.environ()
	return c
}

// combined runs a program and returns what it said. That goes to a file: a pipe stays open for as
// long as what Wine started beside the program has it, such as a desktop.
func combined(t *testing.T, c *exec.Cmd) ([]byte, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "said")
	said, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = said, said
	err = errors.Join(c.Run(), said.Close())
	out, unread := os.ReadFile(name)
	if unread != nil {
		t.Fatal(unread)
	}
	return out, err
}

// must runs a program to its end.
func (w *wine) must(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := w.command(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}

// inside is where a file of the prefix lies outside of it.
func (w *wine) inside(path string) string {
	below, ok := strings.CutPrefix(path, `C:\`)
	if !ok {
		panic("not on drive C: " + path)
	}
	return filepath.Join(w.prefix, "drive_c", filepath.FromSlash(strings.ReplaceAll(below, `\`, "/")))
}

// goBuild builds for Windows with a go command and returns the file.
func (w *wine) goBuild(t *testing.T, file, command, target string, args ...string) string {
	t.Helper()
	out := filepath.Join(w.tools, file)
	c := exec.CommandContext(t.Context(), "go", append(append([]string{command, "-o", out}, args...), target)...)
	c.Dir = module
	c.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go %s %s: %v\n%s", command, target, err, text)
	}
	return out
}

// identity is what a program says of itself in its version resource.
type identity struct{ company, product, original string }

const versionResource = `#include <winver.h>
1 VERSIONINFO
BEGIN
	BLOCK "StringFileInfo"
	BEGIN
		BLOCK "040904b0"
		BEGIN
			VALUE "CompanyName", %q
			VALUE "ProductName", %q
			VALUE "OriginalFilename", %q
			VALUE "ProductVersion", "9.0.4"
		END
	END
	BLOCK "VarFileInfo"
	BEGIN
		VALUE "Translation", 0x409, 1200
	END
END
`

// buildTool builds a program that stands for a tool, at a place in the prefix.
func (w *wine) buildTool(t *testing.T, path string, id identity) {
	t.Helper()
	compiler, resources := require(t, "x86_64-w64-mingw32-gcc"), require(t, "x86_64-w64-mingw32-windres")
	script, object := filepath.Join(t.TempDir(), "tool.rc"), filepath.Join(t.TempDir(), "tool.o")
	if err := os.WriteFile(script, fmt.Appendf(nil, versionResource, id.company, id.product, id.original), 0o600); err != nil {
		t.Fatal(err)
	}
	w.must(t, resources, script, object)
	if err := os.MkdirAll(filepath.Dir(w.inside(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	w.must(t, compiler, "-O2", "-s", "-o", w.inside(path), "testdata/tool.c", object)
}

// register adds keys and values to the registry, in the form that regedit exports.
func (w *wine) register(t *testing.T, keys string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.reg")
	if err := os.WriteFile(file, []byte("REGEDIT4\n\n"+keys), 0o600); err != nil {
		t.Fatal(err)
	}
	w.must(t, w.loader, "reg", "import", file)
}

// start starts a program of the prefix and returns when it says that it is ready. It
// gets files beyond the usual three, and ends with the test.
func (w *wine) start(t *testing.T, path string, files ...*os.File) {
	t.Helper()
	c := w.command(context.WithoutCancel(t.Context()), w.loader, path)
	c.ExtraFiles = files
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = input.Close()
		_, _ = io.Copy(io.Discard, output)
		if err := c.Wait(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); strings.TrimSpace(line) != "ready" {
		end()
		t.Fatalf("%s says %q (%v), want ready", path, line, err)
	}
	t.Cleanup(end)
}

// startServer starts a program that has a listener and a connection to it, and returns
// the viewer's end. Wine itself would hold sockets that the program makes in its server,
// which Windows' tables then name no owner of; those it was started with are its own.
//
// The port is none that the catalogue knows, so that only its owner tells what it is.
func (w *wine) startServer(t *testing.T, path string) (viewer net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	viewer, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for _, s := range []interface{ File() (*os.File, error) }{listener.(*net.TCPListener), accepted.(*net.TCPConn)} {
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	w.start(t, path, files...)
	for _, c := range []io.Closer{listener, accepted, files[0], files[1]} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return viewer
}

func errOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// runAgent runs the agent's program to its end and returns what it printed and its
// exit code.
func (w *wine) runAgent(t *testing.T, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := w.command(ctx, w.loader, append([]string{w.agent}, args...)...)
	c.Env = append(c.Env, environ...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if c.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("farmhound-agent %s: %v\n%s", strings.Join(args, " "), errOr(ctx.Err(), err), errs.String())
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}
