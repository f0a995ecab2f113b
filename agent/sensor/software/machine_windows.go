package software

import (
	"fmt"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/pefile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
)

// thisMachine is the Windows that the agent runs on. It is for one goroutine.
type thisMachine struct {
	tables    *sockets.Tables
	processes []uint64 // memory for the list of processes, aligned as Windows wants it
	homes     []string // as they were last listed
}

func newMachine() *thisMachine { return &thisMachine{tables: sockets.NewTables()} }

// AppendSockets asks for the tables with owners.
func (m *thisMachine) AppendSockets(dst []sockets.Owned) ([]sockets.Owned, error) {
	return m.tables.Append(dst)
}

// Measure asks for a connection's statistics.
func (m *thisMachine) Measure(row *sockets.Owned) error { return m.tables.Measure(row) }

// AppendProcesses asks the kernel for all of them at once, without opening any.
func (m *thisMachine) AppendProcesses(dst []winProcess) ([]winProcess, error) {
	const largest = 64 << 20
	if m.processes == nil {
		m.processes = make([]uint64, 32<<10)
	}
	size := uint32(8 * len(m.processes))
	for {
		var need uint32
		err := windows.NtQuerySystemInformation(windows.SystemProcessInformation, unsafe.Pointer(&m.processes[0]), size, &need)
		if err == nil {
			break
		}
		if err != windows.STATUS_INFO_LENGTH_MISMATCH || size >= largest { //nolint:errorlint // never wrapped
			return dst, fmt.Errorf("NtQuerySystemInformation: %w", err)
		}
		size = max(need+64<<10, 2*size)
		m.processes = make([]uint64, size/8)
		size = uint32(8 * len(m.processes))
	}
	for at := uint32(0); ; {
		p := (*windows.SYSTEM_PROCESS_INFORMATION)(unsafe.Add(unsafe.Pointer(&m.processes[0]), at))
		dst = append(dst, winProcess{
			pid: uint32(p.UniqueProcessID), parent: uint32(p.InheritedFromUniqueProcessID),
			created: timeOf(p.CreateTime), image: p.ImageName.String(),
		})
		if p.NextEntryOffset == 0 {
			return dst, nil
		}
		at += p.NextEntryOffset
	}
}

// timeOf reads a time in units of 100 ns since 1601.
func timeOf(ticks int64) time.Time {
	const to1970 = 116_444_736_000_000_000
	return time.Unix(0, (ticks-to1970)*100).UTC()
}

// ProgramPath opens the process with the least right that tells.
func (m *thisMachine) ProgramPath(pid uint32) string {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(process)
	path := make([]uint16, 1024)
	size := uint32(len(path))
	if windows.QueryFullProcessImageName(process, 0, &path[0], &size) != nil {
		return ""
	}
	return windows.UTF16ToString(path[:size])
}

// Program reads the program's file.
func (m *thisMachine) Program(path string) (pefile.Program, error) {
	f, err := openLog(path)
	if err != nil {
		return pefile.Program{}, err
	}
	defer f.Close()
	return pefile.Read(f)
}

// Trusted asks Windows to verify the signature in the file, without asking anything of
// the network.
func (m *thisMachine) Trusted(path string) *bool {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil
	}
	data := windows.WinTrustData{
		Size: uint32(unsafe.Sizeof(windows.WinTrustData{})), UIChoice: windows.WTD_UI_NONE,
		RevocationChecks: windows.WTD_REVOKE_NONE, UnionChoice: windows.WTD_CHOICE_FILE, StateAction: windows.WTD_STATEACTION_VERIFY,
		ProvFlags: windows.WTD_CACHE_ONLY_URL_RETRIEVAL,
		FileOrCatalogOrBlobOrSgnrOrCert: unsafe.Pointer(&windows.WinTrustFileInfo{
			Size: uint32(unsafe.Sizeof(windows.WinTrustFileInfo{})), FilePath: name,
		}),
	}
	err = windows.WinVerifyTrustEx(windows.InvalidHWND, &windows.WINTRUST_ACTION_GENERIC_VERIFY_V2, &data)
	data.StateAction = windows.WTD_STATEACTION_CLOSE
	_ = windows.WinVerifyTrustEx(windows.InvalidHWND, &windows.WINTRUST_ACTION_GENERIC_VERIFY_V2, &data)
	switch {
	case err == nil:
		return new(true)
	case err == windows.Errno(windows.TRUST_E_BAD_DIGEST): //nolint:errorlint // never wrapped
		return new(false) // not what was signed
	}
	// A root that is not here, a time that has passed, a Windows that cannot tell.
	return nil
}

// Interfaces lists the names that network connections show.
func (m *thisMachine) Interfaces() []string {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(interfaces))
	for _, i := range interfaces {
		names = append(names, i.Name)
	}
	return names
}

// Homes goes by the list of profiles, since homes may lie anywhere.
func (m *thisMachine) Homes() []string {
	const profiles = `SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList`
	var homes []string
	// Without the list there are none to look into.
	_ = eachKey(registry.LOCAL_MACHINE, profiles, 0, func(_ string, key registry.Key) {
		if path, _, err := key.GetStringValue("ProfileImagePath"); err == nil && len(homes) < maxHomesListed {
			if expanded, err := registry.ExpandString(path); err == nil {
				homes = append(homes, expanded)
			}
		}
	})
	m.homes = homes
	return homes
}

// IsFolder looks a name up, by no link that somebody may have put there.
func (m *thisMachine) IsFolder(path string) (folder, exists bool) {
	handle, err := handleBelow(path, m.homes, windows.FILE_READ_ATTRIBUTES)
	if err != nil {
		return false, false
	}
	defer windows.CloseHandle(handle)
	var about windows.ByHandleFileInformation
	if windows.GetFileInformationByHandle(handle, &about) != nil {
		return false, false
	}
	return about.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0, true
}

// OpenLog opens the file, which the tool can go on writing, by no link.
func (m *thisMachine) OpenLog(path string) (*os.File, error) { return openBelow(path, m.homes) }

// Terminals asks the terminal services.
func (m *thisMachine) Terminals() ([]terminals.Session, uint16, error) {
	const usual = 3389
	port := uint64(usual)
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations\RDP-Tcp`, registry.QUERY_VALUE)
	if err == nil {
		if value, _, err := key.GetIntegerValue("PortNumber"); err == nil {
			port = value
		}
		key.Close()
	}
	sessions, err := terminals.List()
	return sessions, uint16(port), err
}
