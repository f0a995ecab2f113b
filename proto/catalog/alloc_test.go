package catalog_test

import (
	"runtime"
	"testing"

	"github.com/farmhound-security/farmhound/proto/catalog"
)

// mostKept is what a loaded catalogue may keep of the heap, with what agents ask of it,
// in bytes. Its encoded bytes come on top where they are not part of the program.
const mostKept = 100 << 10

// It weighs the whole heap, so it runs alone.
func TestKeptAllocations(t *testing.T) {
	encoded := catalog.BuiltInBytes()
	if _, err := catalog.Load(encoded); err != nil { // compiles the rules, which are kept
		t.Fatal(err)
	}
	before := heap()
	c, err := catalog.Load(encoded)
	if err != nil {
		t.Fatal(err)
	}
	c.Knows(linux, catalog.Fact{Kind: process, Value: "sshd"})
	c.Match(linux, []catalog.Fact{{Kind: process, Value: "anydesk"}, {Kind: process, Value: "sshd"}})
	c.ReportDescriptor(nil)
	kept := int(heap()-before) - len(encoded)
	t.Logf("%d entries keep %d bytes", c.Len(), kept)
	if kept > mostKept {
		t.Errorf("%d entries keep %d bytes; the budget is %d", c.Len(), kept, mostKept)
	}
	runtime.KeepAlive(encoded)
	runtime.KeepAlive(c)
}

// heap is what is in use once garbage is collected, twice for what the first leaves.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
