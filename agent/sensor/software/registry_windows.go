package software

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// What is read of the registry and the service manager at most.
const (
	maxKeys        = 10_000
	maxHomesListed = 64
	maxServiceList = 4 << 20
)

const (
	uninstallKey = `SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall`
	storeKey     = `SOFTWARE\Microsoft\Windows\CurrentVersion\Appx\AppxAllUserStore\Applications`
)

// Applications reads the Uninstall keys of the machine, in both views, and of every
// user whose hive is loaded.
func (m *thisMachine) Applications(found func(winApplication)) error {
	views := []uint32{registry.WOW64_64KEY, registry.WOW64_32KEY}
	var errs []error
	for _, view := range views {
		errs = append(errs, applicationsIn(registry.LOCAL_MACHINE, uninstallKey, view, false, found))
	}
	hives, err := registry.USERS.ReadSubKeyNames(maxHomesListed)
	if err != nil && len(hives) == 0 {
		hives = nil // only the machine's own are known then
	}
	for _, hive := range hives {
		if strings.HasSuffix(hive, "_Classes") {
			continue
		}
		for _, below := range []string{uninstallKey, strings.Replace(uninstallKey, `SOFTWARE\`, `SOFTWARE\WOW6432Node\`, 1)} {
			// Hives of others are closed to ordinary users, who have no right to know.
			_ = applicationsIn(registry.USERS, hive+`\`+below, 0, true, found)
		}
	}
	return errors.Join(errs...)
}

func applicationsIn(root registry.Key, path string, view uint32, user bool, found func(winApplication)) error {
	return eachKey(root, path, view, func(name string, key registry.Key) {
		a := winApplication{key: name, user: user}
		a.name, _, _ = key.GetStringValue("DisplayName")
		a.version, _, _ = key.GetStringValue("DisplayVersion")
		found(a)
	})
}

// eachKey visits the keys below a key. One that does not exist has none.
func eachKey(root registry.Key, path string, view uint32, visit func(name string, key registry.Key)) error {
	parent, err := registry.OpenKey(root, path, registry.ENUMERATE_SUB_KEYS|registry.QUERY_VALUE|view)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer parent.Close()
	names, err := parent.ReadSubKeyNames(maxKeys)
	if err != nil && len(names) == 0 {
		return nil // it has none
	}
	for _, name := range names {
		key, err := registry.OpenKey(parent, name, registry.QUERY_VALUE|view)
		if err != nil {
			continue
		}
		visit(name, key)
		key.Close()
	}
	return nil
}

// Packages lists the store's packages, whose names stand before their versions.
func (m *thisMachine) Packages() []string {
	var names []string
	_ = eachKey(registry.LOCAL_MACHINE, storeKey, registry.WOW64_64KEY, func(full string, _ registry.Key) {
		name, _, _ := strings.Cut(full, "_")
		names = append(names, name)
	})
	return names
}

// Services asks the service manager which there are and which run, and the registry
// for what they run, which spares a question for each.
func (m *thisMachine) Services() ([]winService, error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		return nil, fmt.Errorf("open service manager: %w", err)
	}
	defer func() { _ = windows.CloseServiceHandle(manager) }()
	buffer := make([]uint64, 32<<10)
	for {
		var need, count, resume uint32
		size := uint32(8 * len(buffer))
		err := windows.EnumServicesStatusEx(manager, windows.SC_ENUM_PROCESS_INFO, windows.SERVICE_WIN32, windows.SERVICE_STATE_ALL,
			(*byte)(unsafe.Pointer(&buffer[0])), size, &need, &count, &resume, nil)
		if err == nil {
			found := unsafe.Slice((*windows.ENUM_SERVICE_STATUS_PROCESS)(unsafe.Pointer(&buffer[0])), count)
			list := make([]winService, 0, count)
			for i := range found {
				list = append(list, describeService(&found[i]))
			}
			return list, nil
		}
		if !errors.Is(err, windows.ERROR_MORE_DATA) || size >= maxServiceList {
			return nil, fmt.Errorf("list services: %w", err)
		}
		buffer = make([]uint64, (size+need)/8+1024)
	}
}

func describeService(found *windows.ENUM_SERVICE_STATUS_PROCESS) winService {
	s := winService{name: windows.UTF16PtrToString(found.ServiceName), pid: found.ServiceStatusProcess.ProcessId}
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Services\`+s.name, registry.QUERY_VALUE)
	if err != nil {
		return s
	}
	defer key.Close()
	if start, _, err := key.GetIntegerValue("Start"); err == nil {
		s.auto = start <= windows.SERVICE_AUTO_START
	}
	if command, _, err := key.GetStringValue("ImagePath"); err == nil {
		if s.program, err = registry.ExpandString(command); err != nil {
			s.program = command
		}
	}
	return s
}
