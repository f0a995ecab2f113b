package session

import (
	"context"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// detailNoTerminals says that the sessions could not be asked for.
const detailNoTerminals = "logon sessions are unknown: the terminal services did not answer"

// system is what the sense keeps between observations: nothing.
type system struct{}

func newSystem(host.Host) system { return system{} }

// Observe fills Logons and Place.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	into.Place = place(zone())
	sessions, err := terminals.List()
	if err != nil {
		return host.Hidden(detailNoTerminals)
	}
	into.Logons = logonsOf(sessions)
	return ctx.Err()
}

// zone returns the time zone's name, empty where Windows' own has no other, and the
// offset from UTC now. The runtime has read both once and for all; a laptop travels.
func zone() (string, *int32) {
	var info windows.Timezoneinformation
	id, err := windows.GetTimeZoneInformation(&info)
	if err != nil {
		return windowsZone(), nil
	}
	bias := info.Bias
	switch id {
	case windows.TIME_ZONE_ID_STANDARD:
		bias += info.StandardBias
	case windows.TIME_ZONE_ID_DAYLIGHT:
		bias += info.DaylightBias
	}
	minutes := -bias
	return windowsZone(), &minutes
}

// windowsZone is the zone that is set.
func windowsZone() string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\TimeZoneInformation`, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer key.Close()
	name, _, err := key.GetStringValue("TimeZoneKeyName")
	if err != nil {
		return ""
	}
	return zoneNames[name]
}
