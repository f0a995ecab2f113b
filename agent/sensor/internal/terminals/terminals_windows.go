package terminals

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Kinds of information on a session: WTS_INFO_CLASS.
const (
	infoClientAddress  = 14
	infoClientProtocol = 16
	infoSession        = 25
)

// List returns the sessions of people. The session of services is not one.
func List() ([]Session, error) {
	var first *windows.WTS_SESSION_INFO
	var count uint32
	if err := windows.WTSEnumerateSessions(0, 0, 1, &first, &count); err != nil {
		return nil, fmt.Errorf("WTSEnumerateSessions: %w", err)
	}
	if first == nil {
		return nil, nil
	}
	defer windows.WTSFreeMemory(uintptr(unsafe.Pointer(first)))
	var list []Session
	for _, found := range unsafe.Slice(first, min(count, MaxSessions)) {
		s := Session{ID: found.SessionID, State: State(found.State)}
		if s.ID == 0 || s.State != Active && s.State != Connected && s.State != Shadow && s.State != Disconnected {
			continue // services, listeners
		}
		query(s.ID, infoClientProtocol, func(data []byte) {
			if len(data) >= 2 {
				s.Protocol = Protocol(binary.LittleEndian.Uint16(data))
			}
		})
		query(s.ID, infoClientAddress, func(data []byte) { s.Client = clientAddress(data) })
		query(s.ID, infoSession, s.setInfo)
		list = append(list, s)
	}
	return list, nil
}

var querySession = windows.NewLazySystemDLL("wtsapi32.dll").NewProc("WTSQuerySessionInformationW")

// query lends what Windows knows of a session to use, which is not called where it
// knows nothing.
func query(session uint32, kind uintptr, use func([]byte)) {
	var data *byte
	var size uint32
	if querySession.Find() != nil {
		return
	}
	ok, _, _ := querySession.Call(0, uintptr(session), kind, uintptr(unsafe.Pointer(&data)), uintptr(unsafe.Pointer(&size)))
	if ok == 0 || data == nil {
		return
	}
	use(unsafe.Slice(data, min(size, 64<<10)))
	windows.WTSFreeMemory(uintptr(unsafe.Pointer(data)))
}
