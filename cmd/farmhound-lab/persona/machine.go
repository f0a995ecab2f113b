package persona

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"strconv"

	"github.com/farmhound-security/farmhound/agent/identity"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	linux   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	windows = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS
	macos   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS
)

// maker is a maker's models with the form of its serial numbers.
type maker struct {
	manufacturer string
	models       []string
	prefix       []string
	letters      int
	os           []farmhoundv1.OperatingSystem
}

var makes = []maker{
	{"Dell Inc.", []string{"Latitude 5450", "Latitude 7440", "Precision 5570"}, []string{""}, 7, []farmhoundv1.OperatingSystem{windows, windows, linux}},
	{"LENOVO", []string{"21HMCTO1WW", "21CBCTO1WW", "20XW0026US"}, []string{"PF", "PW"}, 6, []farmhoundv1.OperatingSystem{windows, windows, linux}},
	{"HP", []string{"HP EliteBook 840 14 inch G10 Notebook PC", "HP EliteBook 650 15.6 inch G9 Notebook PC"}, []string{"5CG", "5CD"}, 7, []farmhoundv1.OperatingSystem{windows}},
	{"Apple Inc.", []string{"MacBookPro18,3", "Mac14,2", "Mac15,6"}, []string{""}, 10, []farmhoundv1.OperatingSystem{macos}},
}

var versions = map[farmhoundv1.OperatingSystem][]string{
	windows: {"Windows 11 Enterprise 23H2", "Windows 11 Enterprise 24H2", "Windows 10 Enterprise 22H2"},
	linux:   {"Ubuntu 24.04.1 LTS", "Ubuntu 22.04.5 LTS", "Fedora Linux 41 (Workstation Edition)"},
	macos:   {"macOS 14.7.1", "macOS 15.1"},
}

// machine draws a laptop; with systems, one that runs one of them.
func (w *World) machine(d draw, systems ...farmhoundv1.OperatingSystem) *farmhoundv1.System {
	for {
		m := w.stock.makes[d.weighted(w.made...)]
		os := pick(d, m.os...)
		if len(systems) > 0 && !contains(systems, os) {
			continue
		}
		serial := pick(d, m.prefix...) + d.text(serialLetters, m.letters)
		if w.serials[serial] {
			continue
		}
		w.serials[serial] = true
		return &farmhoundv1.System{
			Serial: serial, Manufacturer: m.manufacturer, Model: pick(d, m.models...), Os: os,
			OsVersion: pick(d, w.stock.versions[os]...), Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP,
			Hostname: fmt.Sprintf(w.hostnames, serial[max(len(serial)-6, 0):]),
		}
	}
}

func contains[T comparable](all []T, one T) bool {
	for _, x := range all {
		if x == one {
			return true
		}
	}
	return false
}

// newKey derives a device's key from the seed, so that every run of the world
// names its devices alike. Such keys are for the laboratory only.
func newKey(seed uint64, serial string) (*ecdsa.PrivateKey, string, error) {
	for attempt := range 8 {
		scalar := digest(seed, "device key", serial, strconv.Itoa(attempt))
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
		if err != nil {
			continue // beyond the curve's order, once in four billion
		}
		id, err := identity.DeviceID(key.Public())
		return key, id, err
	}
	return nil, "", fmt.Errorf("derive device key of %s: no scalar fits", serial)
}
