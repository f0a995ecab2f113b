package sensor

import (
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// A peak of memory is over when its memory is given back: else senses would rest for good.
func TestMemoryFallsAfterAPeak(t *testing.T) { //nolint:paralleltest // others allocate, too
	const peak, noise = 256 << 20, 64 << 20
	debug.FreeOSMemory()
	held := heldMemory()
	_, told := ownCost()
	block := touched(peak)
	if now := heldMemory(); now < held+peak-noise {
		t.Errorf("held are %d bytes, %d before a block of %d", now, held, peak)
	}
	if _, now := ownCost(); now < told+peak-noise {
		t.Errorf("used are %d bytes, %d before a block of %d", now, told, peak)
	}
	runtime.KeepAlive(block) // and no longer
	debug.FreeOSMemory()
	if now := heldMemory(); now > held+noise {
		t.Errorf("held are %d bytes after it was given back, %d before", now, held)
	}
	// The race detector keeps its notes of every page that was in use.
	if _, now := ownCost(); now > told+noise && !raceDetected() {
		t.Errorf("used are %d bytes after it was given back, %d before", now, told)
	}
}

// touched is a block whose pages are in use.
func touched(size int) []byte {
	block := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		block[i] = 1
	}
	return block
}

// raceDetected reports whether the race detector is built in.
func raceDetected() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
