package hardware

import (
	"hash/maphash"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// mark tells cheaply whether devices have changed: by the kernel's own lists of
// them. sysfs gives every device that appears an entry of a new number, so that one
// that was unplugged and plugged in again is seen although its name is the same.
type mark struct {
	live  bool
	seed  maphash.Seed
	last  uint64
	known bool
	// buffer is reused for lists and for descriptions of displays.
	buffer []byte
	edids  []string
}

func newMark(h host.Host) *mark { return &mark{live: h.Live(), seed: maphash.MakeSeed()} }

// lists are what is compared. The list of displays never changes, so that their
// state is read as well.
var lists = [...]string{usbFolder, hidFolder, scsiFolder, drmFolder, powerFolder}

// changed reports whether anything differs from the last call. A tree of files that
// is not the running machine has no such lists and is always read anew.
func (m *mark) changed() bool {
	if !m.live {
		return true
	}
	const bufferSize = 32 << 10
	if m.buffer == nil {
		m.buffer = make([]byte, bufferSize)
	}
	var sum maphash.Hash
	sum.SetSeed(m.seed)
	for _, list := range lists {
		m.addList(&sum, list)
	}
	if !m.known {
		m.edids = connectorFiles()
	}
	for _, name := range m.edids {
		m.addFile(&sum, name)
	}
	now := sum.Sum64()
	changed := !m.known || now != m.last
	if changed {
		m.edids = connectorFiles()
	}
	m.last, m.known = now, true
	return changed
}

// addList adds the names and numbers of a folder's entries as the kernel gives them.
func (m *mark) addList(sum *maphash.Hash, folder string) {
	fd, err := unix.Open(folder, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	const most = 64 // times the buffer
	for range most {
		n, err := unix.ReadDirent(fd, m.buffer)
		if err != nil || n <= 0 {
			return
		}
		_, _ = sum.Write(m.buffer[:n])
	}
}

func (m *mark) addFile(sum *maphash.Hash, name string) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if n, err := unix.Read(fd, m.buffer); err == nil && n > 0 {
		_, _ = sum.Write(m.buffer[:n])
	}
}

// connectorFiles are the files that tell the state of every display connector.
func connectorFiles() []string {
	var files []string
	names, _ := host.Host{}.ReadNames(drmFolder, maxNames)
	slices.Sort(names)
	for _, name := range names {
		if strings.Contains(name, "-") {
			files = append(files, path.Join(drmFolder, name, "status"), path.Join(drmFolder, name, "edid"))
		}
	}
	return files
}
