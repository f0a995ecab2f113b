package hands

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"google.golang.org/protobuf/proto"
)

// Fixed details of what cannot be seen.
const (
	detailService = "input is counted by the installed service only"
	detailHelper  = "the helper of a session does not run"
)

const (
	// restartAfter keeps a helper that fails from being started all the time.
	restartAfter = time.Minute
	mostSessions = 32
	// programsAge is how long what runs, and what it uses, stays believed: looking
	// costs a walk through the programs and the registry.
	programsAge = time.Minute
)

// system is what the sense keeps on Windows.
type system struct {
	sensor  *Sensor
	service bool
	helpers map[uint32]*watched
	started map[uint32]time.Time

	looked    time.Time
	assistive *bool
	consents  consents
}

func newSystem(s *Sensor) system {
	y := system{sensor: s, helpers: map[uint32]*watched{}, started: map[uint32]time.Time{}}
	var own uint32
	// Services have a session of their own, without a screen.
	y.service = windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &own) == nil && own == 0
	return y
}

func (y *system) look(ctx context.Context) state {
	var st state
	if now := y.sensor.host.Time(); y.looked.IsZero() || now.Sub(y.looked).Abs() >= programsAge {
		y.assistive, y.consents, y.looked = runsAssistive(), readConsents(), now
	}
	st.assistive = y.assistive
	if y.service {
		if y.lookAtSessions(ctx) {
			st.input = whole
		} else {
			st.details = append(st.details, detailHelper)
		}
	} else {
		st.details = append(st.details, detailService)
	}
	y.consents.tell(&st)
	return st
}

// lookAtSessions has a helper in every session of a person, and reports whether each
// has one.
func (y *system) lookAtSessions(ctx context.Context) (all bool) {
	sessions, err := activeSessions()
	if err != nil {
		return false
	}
	all = true
	present := map[uint32]bool{}
	for _, id := range sessions {
		present[id] = true
		if h := y.helpers[id]; h != nil && !h.gone() {
			continue
		}
		all = y.help(ctx, id) == nil && all
	}
	for id, h := range y.helpers {
		if !present[id] || h.gone() {
			h.close()
			delete(y.helpers, id)
		}
	}
	return all
}

var errSoon = errors.New("the helper was started just now")

func (y *system) help(ctx context.Context, id uint32) error {
	if old := y.helpers[id]; old != nil {
		old.close()
		delete(y.helpers, id)
	}
	now := time.Now()
	if now.Sub(y.started[id]) < restartAfter {
		return errSoon
	}
	y.started[id] = now
	var token windows.Token
	if err := windows.WTSQueryUserToken(id, &token); err != nil {
		if errors.Is(err, windows.ERROR_NO_TOKEN) {
			return nil // nobody is logged on there
		}
		return err
	}
	defer token.Close()
	h, err := watch(ctx, y.sensor, id, token)
	if err != nil {
		return err
	}
	y.helpers[id] = h
	return nil
}

// activeSessions lists the sessions with a screen that somebody is at.
func activeSessions() (ids []uint32, err error) {
	var list *windows.WTS_SESSION_INFO
	var count uint32
	if err := windows.WTSEnumerateSessions(0, 0, 1, &list, &count); err != nil {
		return nil, err
	}
	defer windows.WTSFreeMemory(uintptr(unsafe.Pointer(list)))
	for _, s := range unsafe.Slice(list, min(count, mostSessions)) {
		if s.SessionID != 0 && s.State == windows.WTSActive {
			ids = append(ids, s.SessionID)
		}
	}
	return ids, nil
}

// runsAssistive reports whether assistive technology runs, nil where that cannot be
// known.
func runsAssistive() *bool {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(snapshot)
	var entry windows.ProcessEntry32
	entry.Size = uint32(unsafe.Sizeof(entry))
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		name := path.Base(strings.ReplaceAll(windows.UTF16ToString(entry.ExeFile[:]), `\`, "/"))
		if assistive[strings.ToLower(name)] {
			return proto.Bool(true)
		}
	}
	return proto.Bool(false)
}

func (y *system) close() error {
	for id, h := range y.helpers {
		h.close()
		delete(y.helpers, id)
	}
	return nil
}
