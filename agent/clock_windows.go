package agent

import (
	"time"
	"unsafe"

	sys "golang.org/x/sys/windows"
)

// Clocks of the kernel in units of 100 ns since the start of the machine: the first goes
// on while the laptop sleeps and the second does not. Neither moves when the time is set.
var (
	interruptTime         = sys.NewLazySystemDLL("kernelbase.dll").NewProc("QueryInterruptTime")
	unbiasedInterruptTime = sys.NewLazySystemDLL("kernelbase.dll").NewProc("QueryUnbiasedInterruptTime")
)

// readClock reads all clocks at one moment.
func readClock() moment {
	now := moment{wall: time.Now().UTC(), elapsed: time.Since(started)}
	if interruptTime.Find() != nil || unbiasedInterruptTime.Find() != nil {
		return now
	}
	var all, awake uint64
	if ok, _, _ := unbiasedInterruptTime.Call(uintptr(unsafe.Pointer(&awake))); ok == 0 {
		return now
	}
	_, _, _ = interruptTime.Call(uintptr(unsafe.Pointer(&all))) // returns nothing
	if all < awake {
		return now
	}
	now.elapsed = time.Duration(all) * 100
	now.asleep = time.Duration(all-awake) * 100
	now.sleepKnown = true
	return now
}
