package notice

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Of cfgmgr32.h.
const (
	deviceInterface = 0 // CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE
)

// classes are the device interfaces that the senses look at: HID, USB devices, monitors.
var classes = [...]windows.GUID{
	{Data1: 0x4d1e55b2, Data2: 0xf16f, Data3: 0x11cf, Data4: [8]byte{0x88, 0xcb, 0x00, 0x11, 0x11, 0x00, 0x00, 0x30}},
	{Data1: 0xa5dcbf10, Data2: 0x6530, Data3: 0x11d2, Data4: [8]byte{0x90, 0x1f, 0x00, 0xc0, 0x4f, 0xb9, 0x51, 0xed}},
	{Data1: 0xe6f07b5f, Data2: 0xee97, Data3: 0x4a90, Data4: [8]byte{0xb0, 0x76, 0x33, 0xf5, 0x7b, 0xf4, 0xea, 0xa7}},
}

// filter is CM_NOTIFY_FILTER.
type filter struct {
	size, flags, kind, reserved uint32
	class                       windows.GUID
	_                           [400 - 16]byte // the longest thing to filter by is a name
}

// watch has Windows tell of devices that come and go. People and power the service
// manager tells of.
func watch(ctx context.Context, changed func()) error {
	return follow(ctx, windows.NewLazySystemDLL("cfgmgr32.dll"), changed)
}

// follow has the library of the configuration manager tell.
func follow(ctx context.Context, library *windows.LazyDLL, changed func()) (err error) {
	register, unregister := library.NewProc("CM_Register_Notification"), library.NewProc("CM_Unregister_Notification")
	for _, proc := range []*windows.LazyProc{register, unregister} {
		if err := proc.Find(); err != nil {
			return fmt.Errorf("follow devices: %w", err)
		}
	}
	callback := windows.NewCallback(func(_, _ uintptr, _ uint32, _ uintptr, _ uint32) uintptr {
		changed()
		return 0
	})
	var handles []uintptr
	for _, class := range classes {
		wanted := filter{kind: deviceInterface, class: class}
		wanted.size = uint32(unsafe.Sizeof(wanted))
		var handle uintptr
		if result, _, _ := register.Call(uintptr(unsafe.Pointer(&wanted)), 0, callback, uintptr(unsafe.Pointer(&handle))); result != 0 {
			err = errors.Join(err, fmt.Errorf("follow devices: the configuration manager answers %#x", result))
			continue
		}
		handles = append(handles, handle)
	}
	if len(handles) == 0 {
		return err
	}
	<-ctx.Done()
	for _, handle := range handles {
		// It waits for calls that are under way, and does not fail for one that is registered.
		_, _, _ = unregister.Call(handle)
	}
	return nil
}
