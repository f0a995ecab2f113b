package fleetkey

import (
	"regexp"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// decoySerials are constants that remote consoles publish as their own or as
// those of devices they pose as, upper case. Keys are compared with spaces cut.
var decoySerials = map[string]bool{
	"CAFEBABE":            true, // PiKVM, GL.iNet Comet
	"6B65796D696D6570690": true, // TinyPilot, BliKVM
	"0123456789ABCDEF":    true, // NanoKVM
	"FEDCBA9876543210":    true, // example in the Linux gadget documentation
	"NANOKVM":             true, // NanoKVM's display
	"T8NEE0038522":        true, // published displays, each of one specimen
	"M1LMQS052157":        true,
	"3S5GQ23":             true,
	"UK02143047718":       true,
	"88888800":            true, // display serials as eight hexadecimal digits
	"0X88888800":          true,
	"01010101":            true,
	"0X01010101":          true,
	"1EE71EE7":            true, // Virtual Display Driver
	"0X1EE71EE7":          true,
}

// decoyNumbers are the same for displays that carry their serial as a number.
var decoyNumbers = map[uint32]bool{
	0x88888800: true,
	0x01010101: true,
	0x1ee71ee7: true,
}

// windowsGenerated is the form of the instance id that Windows makes up for a
// device without a serial, for example 6&2a1b3c4d&0&1. A device that sends it as
// its serial copied it.
var windowsGenerated = regexp.MustCompile(`^[0-9a-fA-F]{1,2}&[0-9a-fA-F]{5,8}&[0-9a-fA-F]{1,2}(&[0-9a-fA-F]{1,4})?$`)

// placeholders are what makers leave in the field when they set no serial.
var placeholders = map[string]bool{
	"": true, "0": true, "NONE": true, "N/A": true, "UNKNOWN": true, "SERIAL": true, "DEFAULT STRING": true,
	"TO BE FILLED BY O.E.M.": true, "NOT SPECIFIED": true,
}

// ClassOf judges a peripheral's serial number before it is hashed.
func ClassOf(serial string) farmhoundv1.SerialClass {
	plain := strings.ToUpper(strings.Trim(serial, " \t\r\n\x00"))
	switch {
	case placeholders[plain] || strings.Trim(plain, "0") == "":
		return farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT
	case decoySerials[plain]:
		return farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN
	case windowsGenerated.MatchString(plain):
		return farmhoundv1.SerialClass_SERIAL_CLASS_WINDOWS_GENERATED
	default:
		return farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY
	}
}

// DecoyNumber reports whether a display's 32-bit serial is a published constant.
func DecoyNumber(serial uint32) bool { return decoyNumbers[serial] }

// Serial classes and hashes a peripheral's serial number. Only ordinary and decoy
// serials are hashed, and only where there is a key; under older keys as well.
func (r Ring) Serial(kind Kind, serial string) *farmhoundv1.PeripheralSerial {
	result := &farmhoundv1.PeripheralSerial{Class: ClassOf(serial)}
	switch result.Class {
	case farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY, farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN:
		plain := strings.ToUpper(strings.Trim(serial, " \t\r\n\x00"))
		if sum, id, ok := r.Hash(kind, []byte(plain)); ok {
			result.Hash, result.KeyId, result.Earlier = sum, id, r.Earlier(kind, []byte(plain))
		}
	}
	return result
}
