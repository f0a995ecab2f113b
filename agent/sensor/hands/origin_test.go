package hands

import "testing"

func TestPlaces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		device inputDevice
		want   origin
	}{
		{"PS/2 keyboard", inputDevice{path: "/sys/devices/platform/i8042/serio0/input/input3", name: "AT Translated Set 2 keyboard", bus: busI8042}, builtIn},
		{"I2C touchpad", inputDevice{path: "/sys/devices/pci0000:00/0000:00:15.0/i2c_designware.0/i2c-1/i2c-SYNA8004:00/0018:06CB:CD8B.0001/input/input12", name: "SYNA8004:00 06CB:CD8B Touchpad", bus: busI2C}, builtIn},
		{"RMI touchpad", inputDevice{path: "/sys/devices/pci0000:00/0000:00:1f.4/i2c-7/7-002c/rmi4-00/input/input19", name: "Synaptics TM3471-020", bus: busRMI}, builtIn},
		{"MacBook over SPI", inputDevice{path: "/sys/devices/pci0000:00/0000:00:1e.3/pxa2xx-spi.3/spi_master/spi2/spi-APP000D:00/input/input5", name: "Apple SPI Keyboard", bus: busSPI}, builtIn},
		{"MacBook over USB", inputDevice{path: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-5/1-5:1.0/0003:05AC:0259.0001/input/input6", name: "Apple Inc. Apple Internal Keyboard / Trackpad", bus: busUSB, vendor: 0x05ac}, builtIn},
		{"fixed USB port", inputDevice{path: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-9/1-9:1.0/input/input9", name: "ELAN Touchscreen", bus: busUSB, fixed: true}, builtIn},
		{"USB keyboard", inputDevice{path: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/input/input7", name: "Dell KB216 Wired Keyboard", bus: busUSB}, attached},
		{"remote console on a fixed port", inputDevice{path: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/input/input8", name: "Logitech USB Receiver", bus: busUSB, fixed: true, console: true}, kvmLike},
		{"Bluetooth", inputDevice{path: "/sys/devices/virtual/misc/uhid/0005:046D:B369.0007/input/input30", name: "MX Keys Mini Keyboard", bus: busBluetooth}, attached},
		{"pretended USB keyboard", inputDevice{path: "/sys/devices/virtual/misc/uhid/0003:046D:C31C.0009/input/input31", name: "Logitech USB Keyboard", bus: busUSB}, injected},
		{"made by software", inputDevice{path: "/sys/devices/virtual/input/input40", name: "RustDesk UInput Keyboard", bus: busUSB}, injected},
		{"ydotool", inputDevice{path: "/sys/devices/virtual/input/input41", name: "ydotoold virtual device", bus: 6}, injected},
		{"remapper", inputDevice{path: "/sys/devices/virtual/input/input42", name: "keyd virtual keyboard", bus: busUSB}, unplaced},
		{"name of a remapper on a cable", inputDevice{path: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/input/input43", name: "keyd virtual keyboard", bus: busUSB}, attached},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.device.places(); got != tt.want {
				t.Errorf("places = %d, want %d", got, tt.want)
			}
		})
	}
}

// The bitmaps are those that Linux writes for such devices.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, rel, abs string
		keyboard, pointer   bool
	}{
		{"AT keyboard", "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe", "0", "0", true, false},
		{"mouse", "ff0000 0 0 0 0", "1943", "0", false, true},
		{"touchpad", "e520 10000 0 0 0 0", "0", "2e0800000000003", false, true},
		{"touchscreen", "400 0 0 0 0 0", "0", "260800000000003", false, true},
		{"absolute pointer of a console", "70000 0 0 0 0", "100", "3", false, true},
		{"number pad", "10000 e080ffdf01cfffff fffffffffffffffe", "0", "0", true, false},
		{"power button", "8000 10000000000000 0", "0", "0", false, false},
		{"lid", "0", "0", "0", false, false},
		{"gamepad", "7cdb000000000000 0 0 0 0", "0", "3003f", false, false},
		{"hostile", "zz 10", "fffffffffffffffff", "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d inputDevice
			d.capabilities(tt.key, tt.rel, tt.abs)
			if d.keyboard != tt.keyboard || d.pointer != tt.pointer {
				t.Errorf("keyboard %v, pointer %v; want %v, %v", d.keyboard, d.pointer, tt.keyboard, tt.pointer)
			}
		})
	}
}

func FuzzBitmap(f *testing.F) {
	f.Add("402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe")
	f.Add("0")
	f.Fuzz(func(t *testing.T, text string) {
		for i := range parseBitmap(text) {
			_ = parseBitmap(text).has(64*i + 63)
		}
		if parseBitmap(text).has(1 << 20) {
			t.Error("a bit beyond what there is")
		}
	})
}

func TestRunning(t *testing.T) {
	t.Parallel()
	const open = "state: RUNNING\nowner_pid   : 1873\ntrigger_time: 4230.141\n"
	for status, want := range map[string]bool{
		open: true, "closed\n": false, "state: SUSPENDED\nowner_pid   : 1873\n": false, "state: SETUP\n": false, "": false,
	} {
		if got := running([]byte(status)); got != want {
			t.Errorf("%q runs: %v", status, got)
		}
	}
}
