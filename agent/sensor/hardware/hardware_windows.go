package hardware

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

const (
	operatingSystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS

	// What is attached changes rarely, and asking for it takes Windows a while.
	devicesEvery = 5 * time.Minute

	maxNodes = 4096
	maxEDID  = 128 * 256
)

// Fixed sentences on what could not be seen.
const (
	detailNoUSB = "the system did not list its devices"
	detailNoLid = "whether the lid is closed is not told here"
)

// system asks Windows' device tree.
type system struct{ devicesAt time.Time }

func newSystem(host.Host) system { return system{} }

func (s *system) changed() bool {
	if time.Since(s.devicesAt) < devicesEvery {
		return false
	}
	s.devicesAt = time.Now()
	return true
}

func (s *system) devices(ctx context.Context) (found, error) {
	f := found{hidden: []string{detailNoLid}}
	nodes, err := presentNodes(ctx)
	if err != nil {
		f.hidden = append(f.hidden, detailNoUSB)
	}
	tree := newWindowsTree(nodes)
	f.usb, f.displays = tree.devices(), tree.displays()
	return f, ctx.Err()
}

// Tree is Windows' device tree at one moment.
type Tree struct {
	tree    windowsTree
	devices []device
}

// ReadTree reads it, as the sense does.
func ReadTree(ctx context.Context) (Tree, error) {
	nodes, err := presentNodes(ctx)
	if err != nil {
		return Tree{}, fmt.Errorf("list devices: %w", err)
	}
	tree := newWindowsTree(nodes)
	return Tree{tree, tree.devices()}, nil
}

// USB is the USB device that something belongs to, such as a keyboard named by its
// instance (HID\VID_046D&PID_C52B&MI_00\7&2A1B&0&0000), as the sense reads it, so that
// another sense places it as this one does. Its serial number is classed and not
// hashed.
func (t Tree) USB(c *catalog.Catalog, instance string) (d *farmhoundv1.UsbDevice, ok bool) {
	of := t.tree.usbOf(instance, t.devices)
	if of == nil {
		return nil, false
	}
	known := config{catalog: c, keys: fleetkey.Ring{}}
	return known.usb(of), true
}

// Software says whether something, named by its instance, hangs on a driver alone,
// without a device of the machine's. The tree may not list it.
func (t Tree) Software(instance string) (software, listed bool) { return t.tree.software(instance) }

// Keys of device properties (devpkey.h).
var (
	keyParent = windows.DEVPROPKEY{
		FmtID: windows.DEVPROPGUID{Data1: 0x4340a6c5, Data2: 0x93fa, Data3: 0x4706, Data4: [8]byte{0x97, 0x2c, 0x7b, 0x64, 0x80, 0x08, 0xa5, 0xa7}}, PID: 8,
	}
	keyBusDescription = windows.DEVPROPKEY{
		FmtID: windows.DEVPROPGUID{Data1: 0x540b947e, Data2: 0x8b40, Data3: 0x45bc, Data4: [8]byte{0xa8, 0xa2, 0x6a, 0x0b, 0x89, 0x4c, 0xbd, 0xa2}}, PID: 4,
	}
)

// presentNodes lists every present device below the buses that are of interest.
func presentNodes(ctx context.Context) ([]node, error) {
	set, err := windows.SetupDiGetClassDevsEx(nil, "", 0, windows.DIGCF_PRESENT|windows.DIGCF_ALLCLASSES, 0, "")
	if err != nil {
		return nil, err
	}
	defer set.Close()
	var nodes []node
	for i := range maxNodes {
		info, err := set.EnumDeviceInfo(i)
		if err != nil || ctx.Err() != nil {
			break
		}
		instance, err := set.DeviceInstanceID(info)
		if err != nil {
			continue
		}
		nodes = append(nodes, readNode(set, info, instance))
	}
	return nodes, ctx.Err()
}

func readNode(set windows.DevInfo, info *windows.DevInfoData, instance string) node {
	n := node{instance: instance}
	bus, _, _ := strings.Cut(strings.ToUpper(instance), `\`)
	n.parent = property(set, info, &keyParent)
	switch bus {
	case "USB", "HID", "USBSTOR", "SCSI", "DISPLAY", "ROOT", "SWD":
	default:
		return n
	}
	n.hardware = texts(set, info, windows.SPDRP_HARDWAREID)
	n.container = strings.Join(texts(set, info, windows.SPDRP_BASE_CONTAINERID), "")
	switch bus {
	case "USB":
		n.compatible = texts(set, info, windows.SPDRP_COMPATIBLEIDS)
		n.description = property(set, info, &keyBusDescription)
		if paths := texts(set, info, windows.SPDRP_LOCATION_PATHS); len(paths) > 0 {
			n.location = paths[0]
		}
		const unique = 0x10 // CM_DEVCAP_UNIQUEID
		if value, err := set.DeviceRegistryProperty(info, windows.SPDRP_CAPABILITIES); err == nil {
			capabilities, _ := value.(uint32)
			n.unique = capabilities&unique != 0
		}
	case "DISPLAY":
		n.edid = description(set, info)
	case "HID":
		n.axes = axesOf(instance)
	}
	return n
}

func property(set windows.DevInfo, info *windows.DevInfoData, key *windows.DEVPROPKEY) string {
	value, err := windows.SetupDiGetDeviceProperty(set, info, key)
	if err != nil {
		return ""
	}
	text, _ := value.(string)
	return text
}

// texts is a registry property of one or several strings.
func texts(set windows.DevInfo, info *windows.DevInfoData, property windows.SPDRP) []string {
	value, err := set.DeviceRegistryProperty(info, property)
	if err != nil {
		return nil
	}
	switch value := value.(type) {
	case string:
		return []string{value}
	case []string:
		return value
	}
	return nil
}

// description is the EDID that Windows keeps of a monitor.
func description(set windows.DevInfo, info *windows.DevInfoData) []byte {
	handle, err := set.OpenDevRegKey(info, windows.DICS_FLAG_GLOBAL, 0, windows.DIREG_DEV, windows.KEY_READ)
	if err != nil {
		return nil
	}
	key := registry.Key(handle)
	defer key.Close()
	raw, _, err := key.GetBinaryValue("EDID")
	if err != nil || len(raw) > maxEDID {
		return nil
	}
	return raw
}

var (
	hidDLL            = windows.NewLazySystemDLL("hid.dll")
	getPreparsedData  = hidDLL.NewProc("HidD_GetPreparsedData")
	freePreparsedData = hidDLL.NewProc("HidD_FreePreparsedData")
	getValueCaps      = hidDLL.NewProc("HidP_GetValueCaps")
	getPowerStatus    = windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
)

// axesOf asks how a HID collection states X and Y. Opening it without any access
// reads no input, and is allowed for keyboards and mice too.
func axesOf(instance string) axes {
	hid := windows.GUID{Data1: 0x4d1e55b2, Data2: 0xf16f, Data3: 0x11cf, Data4: [8]byte{0x88, 0xcb, 0x00, 0x11, 0x11, 0x00, 0x00, 0x30}}
	paths, err := windows.CM_Get_Device_Interface_List(instance, &hid, windows.CM_GET_DEVICE_INTERFACE_LIST_PRESENT)
	if err != nil || len(paths) == 0 || paths[0] == "" || getValueCaps.Find() != nil || getPreparsedData.Find() != nil {
		return axes{}
	}
	path, err := windows.UTF16PtrFromString(paths[0])
	if err != nil {
		return axes{}
	}
	handle, err := windows.CreateFile(path, 0, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return axes{}
	}
	defer windows.CloseHandle(handle)
	var parsed uintptr
	if ok, _, _ := getPreparsedData.Call(uintptr(handle), uintptr(unsafe.Pointer(&parsed))); ok&0xff == 0 || parsed == 0 {
		return axes{}
	}
	defer func() { _, _, _ = freePreparsedData.Call(parsed) }()
	const (
		success   = 0x00110000 // HIDP_STATUS_SUCCESS
		input     = 0          // HidP_Input
		maxValues = 64
	)
	var values [maxValues * valueCapsSize]byte
	count := uint16(maxValues)
	status, _, _ := getValueCaps.Call(input, uintptr(unsafe.Pointer(&values[0])), uintptr(unsafe.Pointer(&count)), parsed)
	if uint32(status) != success {
		return axes{}
	}
	return parseValueCaps(values[:min(int(count), maxValues)*valueCapsSize])
}

// power asks for mains; Windows tells the lid only to those who wait for it.
func (s *system) power(bool) power {
	var status struct {
		ACLine, BatteryFlag, BatteryPercent, SystemFlag byte
		BatteryLife, BatteryFull                        uint32
	}
	if ok, _, _ := getPowerStatus.Call(uintptr(unsafe.Pointer(&status))); ok == 0 {
		return power{}
	}
	const noBattery = 128
	if status.BatteryFlag != 255 && status.BatteryFlag&noBattery != 0 {
		return power{} // no laptop, or one that does not tell
	}
	switch status.ACLine {
	case 0:
		return power{source: farmhoundv1.PowerSource_POWER_SOURCE_BATTERY}
	case 1:
		return power{source: farmhoundv1.PowerSource_POWER_SOURCE_AC}
	}
	return power{}
}
