package permission

import (
	"fmt"

	"golang.org/x/sys/windows"
)

const system = "windows"

// RightsOf returns the rights of a running process.
func RightsOf(pid int) (Rights, error) {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return Rights{}, fmt.Errorf("open process %d: %w", pid, err)
	}
	defer windows.CloseHandle(process)
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return Rights{}, fmt.Errorf("read rights of process %d: %w", pid, err)
	}
	defer token.Close()
	user, err := token.GetTokenUser()
	if err != nil {
		return Rights{}, fmt.Errorf("read rights of process %d: %w", pid, err)
	}
	return Rights{Known: true, Administrator: user.User.Sid.IsWellKnown(windows.WinLocalSystemSid)}, nil
}
