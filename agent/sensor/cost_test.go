package sensor

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// A peak of memory is over when its memory is given back: else senses would rest for good.
func TestMemoryFallsAfterAPeak(t *testing.T) { // alone: others allocate, too
	const peak, noise = 256 << 20, 64 << 20
	debug.FreeOSMemory()
	held := heldMemory()
	_, told := ownCost()
	block := make([]byte, peak)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	if now := heldMemory(); now < held+peak-noise {
		t.Errorf("held are %d bytes, %d before a block of %d", now, held, peak)
	}
	if _, now := ownCost(); now < told+peak-noise {
		t.Errorf("used are %d bytes, %d before a block of %d", now, told, peak)
	}
	runtime.KeepAlive(block)
	block = nil
	debug.FreeOSMemory()
	if now := heldMemory(); now > held+noise {
		t.Errorf("held are %d bytes after it was given back, %d before", now, held)
	}
	if _, now := ownCost(); now > told+noise {
		t.Errorf("used are %d bytes after it was given back, %d before", now, told)
	}
}
