//go:build linux || darwin

package session

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

const (
	localTime   = "/etc/localtime"
	zoneName    = "/etc/timezone"
	zoneFolder  = "zoneinfo/"
	zoneFiles   = "/usr/share/zoneinfo/"
	maxZoneFile = 1 << 20
	maxZoneName = 64
)

// zoneInterval is how often the files of the time zone are read again.
const zoneInterval = 30 * time.Second

// zoneMemory is the time zone as it was read last.
type zoneMemory struct {
	read     time.Time
	name     string
	location *time.Location
}

// zone returns the name of the host's time zone, empty where it has none, and its
// offset from UTC in minutes now, nil where that is unknown.
func (m *zoneMemory) zone(h host.Host) (string, *int32) {
	now := h.Time()
	if m.read.IsZero() || now.Sub(m.read).Abs() >= zoneInterval {
		m.read, m.name = now, zoneOf(h)
		m.location = load(h, m.name)
	}
	if m.location == nil {
		return m.name, nil
	}
	_, seconds := now.In(m.location).Zone()
	minutes := int32(seconds / 60)
	return m.name, &minutes
}

// zoneOf goes by the link that systemd and macOS keep, then by Debian's file.
func zoneOf(h host.Host) string {
	link, err := h.ReadLink(localTime)
	if err == nil {
		if _, name, found := strings.Cut(link, zoneFolder); found {
			name = strings.TrimPrefix(strings.TrimPrefix(name, "posix/"), "right/")
			if isZone(name) {
				return name
			}
		}
	}
	if name := h.ReadLine(zoneName); isZone(name) {
		return name
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "UTC" // what the C library and systemd take a missing file for
	}
	return ""
}

// isZone keeps out what is not shaped like a zone's name.
func isZone(name string) bool {
	if name == "" || len(name) > maxZoneName || path.Clean("/"+name) != "/"+name {
		return false
	}
	for _, c := range name {
		if !strings.ContainsRune("/_+-", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// load finds the rules of the zone in the host's own files.
func load(h host.Host, name string) *time.Location {
	for _, file := range []string{localTime, zoneFiles + name} {
		if data, err := h.ReadFile(file, maxZoneFile); err == nil {
			if location, err := time.LoadLocationFromTZData(name, data); err == nil {
				return location
			}
		}
	}
	if name == "" {
		return nil
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return location
}
