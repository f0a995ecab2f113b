package software

import (
	"errors"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Whoever answers at the end of a path may be no disk, and learns who asks, but may not
// act in the service's name.
const openFlags = windows.SECURITY_SQOS_PRESENT | windows.SECURITY_IDENTIFICATION | windows.FILE_FLAG_BACKUP_SEMANTICS

const shareAll = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE

var (
	errLink   = errors.New("a link is on the way")
	errNoFile = errors.New("no plain file")
)

// openLog opens a file that somebody else may have put there.
func openLog(name string) (*os.File, error) {
	handle, err := openAt(name, windows.FILE_GENERIC_READ)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return plainFile(name, handle)
}

// openBelow opens a file where somebody else may have put links.
func openBelow(name string, homes []string) (*os.File, error) {
	handle, err := handleBelow(name, homes, windows.FILE_GENERIC_READ)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return plainFile(name, handle)
}

// plainFile is the file of a handle, which it takes over.
func plainFile(name string, handle windows.Handle) (*os.File, error) {
	var about windows.ByHandleFileInformation
	kind, err := windows.GetFileType(handle)
	if err == nil {
		err = windows.GetFileInformationByHandle(handle, &about)
	}
	if err == nil && (kind != windows.FILE_TYPE_DISK || about.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0) {
		err = errNoFile
	}
	if err != nil {
		windows.CloseHandle(handle)
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(handle), name), nil
}

// handleBelow opens a file or folder part by part, each below the one before, so that no
// link is followed on the way from a folder that only administrators make.
func handleBelow(name string, homes []string, access uint32) (windows.Handle, error) {
	base, parts, ok := belowTrusted(name, homes)
	if !ok {
		return 0, fs.ErrInvalid
	}
	const folder = windows.FILE_TRAVERSE | windows.FILE_READ_ATTRIBUTES | windows.SYNCHRONIZE
	at, err := openAt(base, folder)
	for i, part := range parts {
		if err != nil {
			break
		}
		wanted, options := uint32(folder), uint32(windows.FILE_DIRECTORY_FILE)
		if i == len(parts)-1 {
			wanted, options = access|windows.FILE_READ_ATTRIBUTES|windows.SYNCHRONIZE, 0
		}
		above := at
		at, err = openPart(above, part, wanted, options)
		windows.CloseHandle(above)
	}
	if err != nil {
		return 0, err
	}
	return at, nil
}

// openAt opens by a whole path.
func openAt(name string, access uint32) (windows.Handle, error) {
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	return windows.CreateFile(text, access, shareAll, nil, windows.OPEN_EXISTING, openFlags, 0)
}

// openPart opens what lies in a folder, and is no link.
func openPart(folder windows.Handle, name string, access, options uint32) (windows.Handle, error) {
	text, err := windows.NewNTUnicodeString(name)
	if err != nil {
		return 0, err
	}
	quality := windows.SECURITY_QUALITY_OF_SERVICE{ImpersonationLevel: windows.SecurityIdentification}
	quality.Length = uint32(unsafe.Sizeof(quality))
	what := windows.OBJECT_ATTRIBUTES{RootDirectory: folder, ObjectName: text, Attributes: windows.OBJ_CASE_INSENSITIVE, SecurityQoS: &quality}
	what.Length = uint32(unsafe.Sizeof(what))
	options |= windows.FILE_OPEN_REPARSE_POINT | windows.FILE_SYNCHRONOUS_IO_NONALERT
	var handle windows.Handle
	err = windows.NtCreateFile(&handle, access, &what, &windows.IO_STATUS_BLOCK{}, nil, 0, shareAll, windows.FILE_OPEN, options, 0, 0)
	var status windows.NTStatus
	if errors.As(err, &status) {
		if status == windows.STATUS_NOT_A_DIRECTORY {
			return 0, fs.ErrNotExist // as nothing lies below
		}
		return 0, status.Errno()
	}
	if err != nil {
		return 0, err
	}
	var about windows.ByHandleFileInformation
	if err = windows.GetFileInformationByHandle(handle, &about); err == nil && about.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 {
		err = errLink
	}
	if err != nil {
		windows.CloseHandle(handle)
		return 0, err
	}
	return handle, nil
}
