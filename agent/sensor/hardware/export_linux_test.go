package hardware

import "testing"

// Tree is a written tree with one device, for tests of what others make of it.
type Tree struct{ Name, Root, Interface string }

// SampleTrees writes every device of the fixture files as the kernel shows it.
func SampleTrees(t *testing.T) (trees []Tree) {
	t.Helper()
	for _, s := range readSamples(t, "ordinary.txt", "consoles.txt") {
		home := "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2"
		trees = append(trees, Tree{s.name, lay(t, linked, s), home + "/1-4.2:1.0"})
	}
	return trees
}
