package notice

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever goes on, nobody is told more often than once in ten seconds, and nobody has to
// wait for more than that.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		began := time.Now()
		var told []time.Duration
		go pace(ctx, changed, func() { told = append(told, time.Since(began)) })
		for range 300 {
			select {
			case changed <- struct{}{}:
			default:
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []time.Duration{time.Second, 11 * time.Second, 21 * time.Second, 31 * time.Second}
		if len(told) != len(want) {
			t.Fatalf("told at %v, want %v", told, want)
		}
		for i := range want {
			if told[i] != want[i] {
				t.Errorf("told at %v, want %v", told, want)
			}
		}
		cancel()
		synctest.Wait()
	})
}

func TestConcerns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		message string
		want    bool
	}{
		"a console plugged in": {"add@/devices/pci0000:00/0000:00:14.0/usb1/1-2\x00ACTION=add\x00DEVPATH=/devices/pci0000:00/0000:00:14.0/usb1/1-2\x00SUBSYSTEM=usb\x00DEVTYPE=usb_device\x00", true},
		"a display":            {"change@/devices/pci0000:00/0000:00:02.0/drm/card0\x00ACTION=change\x00SUBSYSTEM=drm\x00HOTPLUG=1\x00", true},
		"a network interface":  {"add@/devices/virtual/net/veth0\x00ACTION=add\x00SUBSYSTEM=net\x00", false},
		"of udev":              {"libudev\x00\xfe\xed\xca\xfeSUBSYSTEM=usb\x00", false},
		"named alike":          {"add@/devices/x\x00NOT_SUBSYSTEM=usb\x00SUBSYSTEM=usbmisc\x00", false},
		"cut":                  {"add@/devices/x\x00SUBSYSTEM=us", false},
		"no end":               {"add@/devices/x", false},
		"nothing":              {"", false},
	} {
		if got := concerns([]byte(tt.message), subsystems); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzConcerns(f *testing.F) {
	f.Add([]byte("add@/devices/usb1/1-2\x00ACTION=add\x00SUBSYSTEM=usb\x00"))
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe"))
	f.Add([]byte("@\x00\x00="))
	f.Fuzz(func(t *testing.T, message []byte) {
		if concerns(message, nil) {
			t.Error("nothing is wanted")
		}
	})
}
