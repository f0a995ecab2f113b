package hands

// standing is what Windows' device tree has of a device.
type standing uint8

const (
	// unlisted devices are not in the tree, or it could not be read.
	unlisted standing = iota
	// hung devices hang on a bus of the machine, consoles on what looks like a remote
	// console, and driven ones on a driver alone, without a device.
	hung
	hungOnConsole
	driven
)

const (
	// freshTree, in milliseconds, is how old the tree may be that a new device is looked
	// up in. Where it lacks one it is read again at once, as rarely as that.
	freshTree = 3_000
	// settled, in milliseconds, is how long after a device appeared all that it consists
	// of is in the tree: a console's drive can come after its keyboard.
	settled = 10_000
)

// treeReader looks devices up in the device tree, which it reads for those that are new.
// It is for one goroutine.
type treeReader struct {
	// read reads the tree; without an error it says of a device, by its instance, how it
	// stands.
	read  func() (func(instance string) standing, error)
	clock func() int64

	tree          func(instance string) standing // nil until it was read
	readAt, again int64                          // when it was, and when for a device that it lacked
}

// standing looks a device up.
func (r *treeReader) standing(instance string) standing {
	now := r.clock()
	if r.tree == nil || now-r.readAt >= freshTree {
		r.refresh(now)
	}
	s := r.tree(instance)
	if s == unlisted && now != r.readAt && (r.again == 0 || now-r.again >= freshTree) {
		r.again = now
		r.refresh(now)
		s = r.tree(instance)
	}
	return s
}

func (r *treeReader) refresh(now int64) {
	tree, err := r.read()
	if err != nil {
		tree = func(string) standing { return unlisted }
	}
	r.tree, r.readAt = tree, now
}
