package hands

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

const (
	helperPatience = 10 * time.Second
	pipePrefix     = `\\.\pipe\farmhound-hands-`
	// helperAccess is what the session's user may do with the pipe: write, and not
	// make another end of it (FILE_APPEND_DATA).
	helperAccess = windows.FILE_WRITE_DATA | windows.FILE_READ_ATTRIBUTES | windows.FILE_WRITE_ATTRIBUTES | windows.READ_CONTROL | windows.SYNCHRONIZE
)

// watched is the helper of one session, as the service sees it.
type watched struct {
	process windows.Handle
	pipe    *os.File
	reader  sync.WaitGroup
	stop    context.CancelFunc // of what the reader asks the system for
	ended   chan struct{}
}

// watch starts the helper of a session with a user's token and counts what it tells.
func watch(ctx context.Context, s *Sensor, session uint32, token windows.Token) (*watched, error) {
	name, err := pipeName()
	if err != nil {
		return nil, err
	}
	user, err := token.GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("ask whose session it is: %w", err)
	}
	pipe, err := makePipe(name, user.User.Sid.String())
	if err != nil {
		return nil, err
	}
	process, id, err := startHelper(token, name)
	if err != nil {
		windows.CloseHandle(pipe)
		return nil, err
	}
	w := &watched{process: process, ended: make(chan struct{})}
	if err := accept(ctx, pipe, process, id); err != nil {
		windows.CloseHandle(pipe)
		_ = windows.TerminateProcess(process, 1)
		windows.CloseHandle(process)
		return nil, err
	}
	w.pipe = os.NewFile(uintptr(pipe), name)
	// The helper stays when the look that started it is over.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	tree := treeReader{read: func() (func(string) standing, error) { return readTree(reading, s.catalog.Load()) }, clock: s.ledger.clock}
	h := &helped{ledger: s.ledger, stands: tree.standing, name: fmt.Sprint("session ", session)}
	w.reader.Go(func() {
		defer close(w.ended)
		// Why a helper ended does not matter: another is started.
		_ = h.read(w.pipe)
	})
	return w, nil
}

func (w *watched) gone() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

func (w *watched) close() {
	w.stop()
	w.pipe.Close()
	w.reader.Wait()
	// It ends by itself with its next frame; nobody waits for that.
	_ = windows.TerminateProcess(w.process, 0)
	windows.CloseHandle(w.process)
}

// pipeName draws a name that nobody can have taken before.
func pipeName() (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("draw the name of a pipe: %w", err)
	}
	return pipePrefix + hex.EncodeToString(random[:]), nil
}

// makePipe makes the service's end: the only one there can be, for this machine
// only, into which nobody but one user can write.
func makePipe(name, user string) (windows.Handle, error) {
	descriptor, err := windows.SecurityDescriptorFromString(fmt.Sprintf("D:P(A;;GA;;;SY)(A;;0x%x;;;%s)", helperAccess, user))
	if err != nil {
		return 0, fmt.Errorf("guard the helper's pipe: %w", err)
	}
	attributes := windows.SecurityAttributes{SecurityDescriptor: descriptor}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, fmt.Errorf("make the helper's pipe: %w", err)
	}
	const (
		mode = windows.PIPE_ACCESS_INBOUND | windows.FILE_FLAG_FIRST_PIPE_INSTANCE | windows.FILE_FLAG_OVERLAPPED
		kind = windows.PIPE_TYPE_BYTE | windows.PIPE_REJECT_REMOTE_CLIENTS
	)
	pipe, err := windows.CreateNamedPipe(text, mode, kind, 1, 0, 4096, 0, &attributes)
	if err != nil {
		return 0, fmt.Errorf("make the helper's pipe: %w", err)
	}
	return pipe, nil
}

// startHelper runs this program as the helper, on the desktop that the user sees.
func startHelper(token windows.Token, pipe string) (process windows.Handle, id uint32, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, 0, fmt.Errorf("find this program: %w", err)
	}
	path, err := windows.UTF16PtrFromString(program)
	if err != nil {
		return 0, 0, fmt.Errorf("find this program: %w", err)
	}
	line, err := windows.UTF16PtrFromString(windows.ComposeCommandLine([]string{program, HelperCommand, pipe}))
	if err != nil {
		return 0, 0, fmt.Errorf("start the helper: %w", err)
	}
	desktop, err := windows.UTF16PtrFromString(`winsta0\default`)
	if err != nil {
		return 0, 0, fmt.Errorf("start the helper: %w", err)
	}
	var environment *uint16
	if err := windows.CreateEnvironmentBlock(&environment, token, false); err != nil {
		return 0, 0, fmt.Errorf("start the helper: %w", err)
	}
	defer func() { _ = windows.DestroyEnvironmentBlock(environment) }()
	startup := windows.StartupInfo{Desktop: desktop}
	startup.Cb = uint32(unsafe.Sizeof(startup))
	var started windows.ProcessInformation
	const flags = windows.CREATE_NO_WINDOW | windows.CREATE_UNICODE_ENVIRONMENT
	//nolint:forbidigo // the one program that it starts is itself, to count input in a session that a service cannot see into
	if err := windows.CreateProcessAsUser(token, path, line, nil, nil, false, flags, environment, nil, &startup, &started); err != nil {
		return 0, 0, fmt.Errorf("start the helper: %w", err)
	}
	windows.CloseHandle(started.Thread)
	return started.Process, started.ProcessId, nil
}

var errStranger = errors.New("somebody else than the helper is at its pipe")

// accept waits for the helper, and for nobody else: the process that was started is
// held open, so that its number can be no other's.
func accept(ctx context.Context, pipe, process windows.Handle, id uint32) error {
	event, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return fmt.Errorf("wait for the helper: %w", err)
	}
	defer windows.CloseHandle(event)
	waiting := windows.Overlapped{HEvent: event}
	err = windows.ConnectNamedPipe(pipe, &waiting)
	if errors.Is(err, windows.ERROR_IO_PENDING) {
		patience := helperPatience
		if until, ok := ctx.Deadline(); ok {
			patience = min(patience, max(time.Until(until), 0))
		}
		which, waitErr := windows.WaitForMultipleObjects([]windows.Handle{event, process}, false, uint32(patience.Milliseconds()))
		if waitErr != nil || which != windows.WAIT_OBJECT_0 {
			_ = windows.CancelIoEx(pipe, &waiting)
			var n uint32
			_ = windows.GetOverlappedResult(pipe, &waiting, &n, true)
			return errors.New("wait for the helper: it does not come")
		}
	} else if err != nil && !errors.Is(err, windows.ERROR_PIPE_CONNECTED) {
		return fmt.Errorf("wait for the helper: %w", err)
	}
	var client uint32
	if err := windows.GetNamedPipeClientProcessId(pipe, &client); err != nil {
		return fmt.Errorf("ask who is at the helper's pipe: %w", err)
	}
	if client != id {
		return errStranger
	}
	return nil
}

// readTree reads the device tree, and places devices by the hardware sense's own rules.
func readTree(ctx context.Context, known *catalog.Catalog) (func(instance string) standing, error) {
	tree, err := hardware.ReadTree(ctx)
	if err != nil {
		return nil, err
	}
	return func(instance string) standing {
		if d, ok := tree.USB(known, instance); ok {
			if recognised, ok := known.RecogniseUSB(d); ok && recognised.RemoteConsole() {
				return hungOnConsole
			}
		}
		switch software, listed := tree.Software(instance); {
		case !listed:
			return unlisted
		case software:
			return driven
		}
		return hung
	}, nil
}
