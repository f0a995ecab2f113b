package hands

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

// HelperCommand is the first argument by which the program is the helper of a
// session; the second is the pipe to tell the service through.
const HelperCommand = "hands-helper"

var (
	user32 = windows.NewLazySystemDLL("user32.dll")

	procRegisterClassEx         = user32.NewProc("RegisterClassExW")
	procCreateWindowEx          = user32.NewProc("CreateWindowExW")
	procDefWindowProc           = user32.NewProc("DefWindowProcW")
	procGetMessage              = user32.NewProc("GetMessageW")
	procDispatchMessage         = user32.NewProc("DispatchMessageW")
	procRegisterRawInputDevices = user32.NewProc("RegisterRawInputDevices")
	procGetRawInputData         = user32.NewProc("GetRawInputData")
	procGetRawInputDeviceInfo   = user32.NewProc("GetRawInputDeviceInfoW")
	procPostQuitMessage         = user32.NewProc("PostQuitMessage")
)

const (
	wmInput          = 0x00ff
	hwndMessage      = ^uintptr(2) // -3
	ridevInputSink   = 0x100
	ridInput         = 0x10000003
	ridiDeviceName   = 0x20000007
	rawTypeMouse     = 0
	rawTypeKeyboard  = 1
	keyBreak         = 1
	apartMS          = 50
	repeatsInARow    = 3
	pageGeneric      = 0x01
	pageDigitizer    = 0x0d
	usageMouse       = 2
	usageKeyboard    = 6
	usagePen         = 2
	usageTouchScreen = 4
	usageTouchpad    = 5
)

type rawInputDevice struct {
	page, usage uint16
	flags       uint32
	window      uintptr
}

type rawHeader struct {
	kind, size uint32
	device     uintptr
	parameter  uintptr
}

type wndClass struct {
	size, style                        uint32
	proc                               uintptr
	classExtra, windowExtra            int32
	instance, icon, cursor, background uintptr
	menu, name                         *uint16
	iconSmall                          uintptr
}

type message struct {
	window  uintptr
	message uint32
	wParam  uintptr
	lParam  uintptr
	time    uint32
	x, y    int32
	private uint32
}

// Help is the helper of one session: it tells the service through a pipe which
// devices make input, and when. It returns when the service has gone.
func Help(pipe string) error {
	// The window's messages come to the thread that made it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := openPipe(pipe)
	if err != nil {
		return err
	}
	defer out.Close()
	h := &helper{out: out, devices: map[uintptr]*helpedDevice{}}
	window, err := h.window()
	if err != nil {
		return err
	}
	if err := listen(window); err != nil {
		return err
	}
	var m message
	for {
		got, _, err := procGetMessage.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0)
		switch int32(got) {
		case 0:
			return h.err
		case -1:
			return fmt.Errorf("wait for input: %w", err)
		}
		_, _, _ = procDispatchMessage.Call(uintptr(unsafe.Pointer(&m)))
	}
}

// openPipe asks for no more than the service grants: to write, and not to make
// another end of the pipe.
func openPipe(pipe string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(pipe)
	if err != nil {
		return nil, fmt.Errorf("open the service's pipe: %w", err)
	}
	const access = windows.FILE_WRITE_DATA | windows.FILE_READ_ATTRIBUTES | windows.SYNCHRONIZE
	// A service that is not one may not act in this user's name.
	const flags = windows.SECURITY_SQOS_PRESENT | windows.SECURITY_IDENTIFICATION
	handle, err := windows.CreateFile(name, access, 0, nil, windows.OPEN_EXISTING, flags, 0)
	if err != nil {
		return nil, fmt.Errorf("open the service's pipe: %w", err)
	}
	return os.NewFile(uintptr(handle), pipe), nil
}

// helper is what the window's procedure keeps.
type helper struct {
	out     *os.File
	devices map[uintptr]*helpedDevice
	buffer  [256]byte
	frame   []byte
	err     error
}

// helpedDevice is one device that made input.
type helpedDevice struct {
	number uint32
	// told is when it was last told of, by kind, in milliseconds.
	told [2]uint32
	// pressed is how many keys were pressed in a row with none let go: from the third
	// on a key repeats by itself. Which key it is, is not looked at.
	pressed int
}

func (h *helper) window() (uintptr, error) {
	name, err := windows.UTF16PtrFromString("farmhound-hands")
	if err != nil {
		return 0, err
	}
	class := wndClass{name: name, proc: windows.NewCallback(func(window uintptr, m uint32, w, l uintptr) uintptr {
		if m == wmInput {
			h.input(l)
		}
		result, _, _ := procDefWindowProc.Call(window, uintptr(m), w, l)
		return result
	})}
	class.size = uint32(unsafe.Sizeof(class))
	if ok, _, err := procRegisterClassEx.Call(uintptr(unsafe.Pointer(&class))); ok == 0 {
		return 0, fmt.Errorf("make a window to receive input: %w", err)
	}
	window, _, err := procCreateWindowEx.Call(0, uintptr(unsafe.Pointer(name)), 0, 0, 0, 0, 0, 0, hwndMessage, 0, 0, 0)
	if window == 0 {
		return 0, fmt.Errorf("make a window to receive input: %w", err)
	}
	return window, nil
}

// listen has the window told of input wherever it goes. A system without some kind
// of device refuses that kind alone.
func listen(window uintptr) error {
	var failed error
	heard := 0
	for _, d := range []rawInputDevice{
		{page: pageGeneric, usage: usageMouse}, {page: pageGeneric, usage: usageKeyboard},
		{page: pageDigitizer, usage: usageTouchpad}, {page: pageDigitizer, usage: usageTouchScreen}, {page: pageDigitizer, usage: usagePen},
	} {
		d.flags, d.window = ridevInputSink, window
		ok, _, err := procRegisterRawInputDevices.Call(uintptr(unsafe.Pointer(&d)), 1, unsafe.Sizeof(d))
		if ok == 0 {
			failed = err
			continue
		}
		heard++
	}
	if heard < 2 {
		return fmt.Errorf("listen for input: %w", failed)
	}
	return nil
}

// input tells of one message. Of what it holds, only the device, the kind and
// whether a key went up are looked at.
func (h *helper) input(raw uintptr) {
	size := uint32(len(h.buffer))
	var header rawHeader
	n, _, _ := procGetRawInputData.Call(raw, ridInput, uintptr(unsafe.Pointer(&h.buffer)), uintptr(unsafe.Pointer(&size)), unsafe.Sizeof(header))
	// What is longer than the buffer is a digitizer's; its header is what counts.
	if int32(n) <= 0 {
		const ridHeader = 0x10000005
		size = uint32(unsafe.Sizeof(header))
		n, _, _ = procGetRawInputData.Call(raw, ridHeader, uintptr(unsafe.Pointer(&h.buffer)), uintptr(unsafe.Pointer(&size)), unsafe.Sizeof(header))
		if int32(n) <= 0 {
			return
		}
	}
	header = *(*rawHeader)(unsafe.Pointer(&h.buffer))
	d := h.device(header.device)
	flags := byte(0)
	switch header.kind {
	case rawTypeKeyboard:
		const flagsAt = 2 // in RAWKEYBOARD
		at := int(unsafe.Sizeof(header)) + flagsAt
		if h.buffer[at]&keyBreak != 0 {
			d.pressed = 0
			return
		}
		if d.pressed++; d.pressed > repeatsInARow {
			return
		}
		flags = flagKey
	case rawTypeMouse:
	default:
		flags = flagDigitizer
	}
	h.tell(d, flags)
}

// tell sends a frame, unless one of the kind was sent just now.
func (h *helper) tell(d *helpedDevice, flags byte) {
	now := uint32(windows.DurationSinceBoot().Milliseconds())
	if kind := flags & flagKey; now-d.told[kind] >= apartMS {
		d.told[kind] = now
		h.write(appendInput(h.frame[:0], d.number, flags))
	}
}

// device returns a device by its handle and names it to the service the first time.
func (h *helper) device(handle uintptr) *helpedDevice {
	d := h.devices[handle]
	if d != nil {
		return d
	}
	d = &helpedDevice{}
	if handle != 0 {
		d.number = uint32(len(h.devices) + 1)
	}
	if len(h.devices) < mostHelped {
		h.devices[handle] = d
	}
	if handle != 0 {
		h.write(appendDevice(h.frame[:0], d.number, deviceName(handle)))
	}
	return d
}

func deviceName(handle uintptr) string {
	var name [mostName]uint16
	size := uint32(len(name))
	n, _, _ := procGetRawInputDeviceInfo.Call(handle, ridiDeviceName, uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)))
	if int32(n) <= 0 {
		return ""
	}
	return windows.UTF16ToString(name[:])
}

// write sends a frame; a service that has gone ends the helper.
func (h *helper) write(frame []byte) {
	h.frame = frame
	if h.err != nil {
		return
	}
	if _, err := h.out.Write(frame); err != nil {
		h.err = fmt.Errorf("tell the service: %w", err)
		_, _, _ = procPostQuitMessage.Call(0)
	}
}
