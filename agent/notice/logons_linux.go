package notice

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	utmpFile       = "/run/utmp"
	sessionsFolder = "/run/systemd/sessions"
)

// logons follows the files in which logons are noted: utmp, and one file for each
// session of logind, which is written again with every small change of it.
type logons struct {
	file     *os.File // of inotify
	utmp     int32
	sessions int32
	known    map[string]bool
}

// followLogons follows the files below a root.
func followLogons(root string) (*logons, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("follow logons: %w", err)
	}
	l := &logons{file: os.NewFile(uintptr(fd), "inotify"), utmp: -1, sessions: -1, known: map[string]bool{}}
	add := func(name string, events uint32) int32 {
		watch, failed := unix.InotifyAddWatch(fd, root+name, events)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("follow %s: %w", name, failed))
			return -1
		}
		return int32(watch)
	}
	l.utmp = add(utmpFile, unix.IN_MODIFY)
	l.sessions = add(sessionsFolder, unix.IN_MOVED_TO|unix.IN_CREATE|unix.IN_DELETE|unix.IN_ONLYDIR)
	if l.utmp < 0 && l.sessions < 0 {
		return nil, errors.Join(err, l.file.Close())
	}
	if entries, failed := os.ReadDir(root + sessionsFolder); failed == nil {
		for _, entry := range entries {
			l.known[entry.Name()] = true
		}
	}
	return l, nil
}

// changed reports whether events tell of somebody who came or went.
func (l *logons) changed(events []byte) bool {
	changed := false
	for len(events) >= unix.SizeofInotifyEvent {
		watch := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if end > len(events) {
			return true
		}
		name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:end]), "\x00")
		events = events[end:]
		changed = l.one(watch, mask, name) || changed
	}
	return changed
}

// mostKnown bounds the names that are remembered; a laptop has a handful of sessions.
const mostKnown = 1024

func (l *logons) one(watch int32, mask uint32, name string) bool {
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0 || watch == l.utmp:
		return true
	case watch != l.sessions || strings.HasPrefix(name, "."): // not there under its name yet
		return false
	case mask&unix.IN_DELETE != 0:
		delete(l.known, name)
		return true
	case l.known[name] || len(l.known) >= mostKnown:
		return false
	}
	l.known[name] = true
	return true
}
