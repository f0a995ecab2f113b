package sensor

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var getProcessMemoryInfo = windows.NewLazySystemDLL("kernel32.dll").NewProc("K32GetProcessMemoryInfo")

// memoryCounters is PROCESS_MEMORY_COUNTERS.
type memoryCounters struct {
	size, pageFaults                       uint32
	peakWorkingSet, workingSet             uintptr
	peakPaged, paged, peakUnpaged, unpaged uintptr
	pagefile, peakPagefile                 uintptr
}

// ownCost is what this process has used of the processors since it started, and its
// resident memory.
func ownCost() (time.Duration, uint64) {
	var created, exited, kernel, user windows.Filetime
	var cpu time.Duration
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err == nil {
		cpu = ticks(kernel) + ticks(user)
	}
	return cpu, residentMemory()
}

// residentMemory is the working set, or what the runtime holds where that is not told.
func residentMemory() uint64 {
	var counters memoryCounters
	counters.size = uint32(unsafe.Sizeof(counters))
	if getProcessMemoryInfo.Find() != nil {
		return heldMemory()
	}
	if ok, _, _ := getProcessMemoryInfo.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&counters)), uintptr(counters.size)); ok == 0 {
		return heldMemory()
	}
	return uint64(counters.workingSet)
}

// ticks turns a span in units of 100 ns, which Windows keeps in a Filetime, into a duration.
func ticks(t windows.Filetime) time.Duration {
	return time.Duration(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) * 100
}
