package network

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	wlanapi                = windows.NewLazySystemDLL("wlanapi.dll")
	procWlanOpenHandle     = wlanapi.NewProc("WlanOpenHandle")
	procWlanCloseHandle    = wlanapi.NewProc("WlanCloseHandle")
	procWlanEnumInterfaces = wlanapi.NewProc("WlanEnumInterfaces")
	procWlanQueryInterface = wlanapi.NewProc("WlanQueryInterface")
	procWlanFreeMemory     = wlanapi.NewProc("WlanFreeMemory")
)

// wlanList begins WLAN_INTERFACE_INFO_LIST; the interfaces follow.
type wlanList struct {
	count, index uint32
	first        wlanInterface
}

// wlanInterface is WLAN_INTERFACE_INFO.
type wlanInterface struct {
	id          windows.GUID
	description [256]uint16
	state       uint32
}

// accessPoint returns the access point that this laptop is connected to: not ok where it
// is to none or to several, has no wireless service, or people have switched off that
// programs may know where they are, which Windows takes this for.
func accessPoint() (m mac, ok bool) {
	const (
		version           = 2
		currentConnection = 7
		connected         = 1
		mostInterfaces    = 8
	)
	if procWlanOpenHandle.Find() != nil || procWlanQueryInterface.Find() != nil {
		return m, false
	}
	var negotiated uint32
	var handle uintptr
	if code, _, _ := procWlanOpenHandle.Call(version, 0, uintptr(unsafe.Pointer(&negotiated)), uintptr(unsafe.Pointer(&handle))); code != 0 {
		return m, false
	}
	defer func() { _, _, _ = procWlanCloseHandle.Call(handle, 0) }()
	var list *wlanList
	if code, _, _ := procWlanEnumInterfaces.Call(handle, 0, uintptr(unsafe.Pointer(&list))); code != 0 || list == nil {
		return m, false
	}
	defer func() { _, _, _ = procWlanFreeMemory.Call(uintptr(unsafe.Pointer(list))) }()
	found := 0
	for _, i := range unsafe.Slice(&list.first, min(list.count, mostInterfaces)) {
		if i.state != connected {
			continue
		}
		var size uint32
		var data *byte
		code, _, _ := procWlanQueryInterface.Call(handle, uintptr(unsafe.Pointer(&i.id)), currentConnection, 0,
			uintptr(unsafe.Pointer(&size)), uintptr(unsafe.Pointer(&data)), 0)
		if code != 0 || data == nil {
			continue
		}
		if point, is := parseConnection(unsafe.Slice(data, size)); is {
			m = point
			found++
		}
		_, _, _ = procWlanFreeMemory.Call(uintptr(unsafe.Pointer(data)))
	}
	return m, found == 1
}
