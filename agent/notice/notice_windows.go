package notice

import (
	"context"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Of cfgmgr32.h.
const (
	allInterfaceClasses = 1 // CM_NOTIFY_FILTER_FLAG_ALL_INTERFACE_CLASSES
	deviceInterface     = 0 // CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE
)

// filter is CM_NOTIFY_FILTER.
type filter struct {
	size, flags, kind, reserved uint32
	of                          [400]byte
}

// watch has Windows tell of devices that come and go. People and power the service
// manager tells of.
func watch(ctx context.Context, changed func()) error {
	library := windows.NewLazySystemDLL("cfgmgr32.dll")
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
	wanted := filter{flags: allInterfaceClasses, kind: deviceInterface}
	wanted.size = uint32(unsafe.Sizeof(wanted))
	var handle windows.Handle
	if result, _, _ := register.Call(uintptr(unsafe.Pointer(&wanted)), 0, callback, uintptr(unsafe.Pointer(&handle))); result != 0 {
		return fmt.Errorf("follow devices: the configuration manager answers %#x", result)
	}
	<-ctx.Done()
	// It waits for calls that are under way.
	if result, _, _ := unregister.Call(uintptr(handle)); result != 0 {
		return fmt.Errorf("stop following devices: the configuration manager answers %#x", result)
	}
	return nil
}
