package software

import (
	"bytes"
	"strings"
)

// maxMounts bounds the mounts that are read of one process.
const maxMounts = 4096

// mount is a line of /proc/PID/mountinfo: a file system, the folder or file in it that
// is shown, and where.
type mount struct{ device, root, point string }

// parseMounts reads mountinfo. Names keep the kernel's escapes.
func parseMounts(text []byte) (list []mount) {
	for line := range bytes.Lines(text) {
		// Id and parent come before, options after.
		fields := bytes.SplitN(line, []byte{' '}, 6)
		if len(fields) == 6 && len(list) < maxMounts {
			list = append(list, mount{string(fields[2]), string(fields[3]), string(fields[4])})
		}
	}
	return list
}

// rootOf is what is shown at "/"; where several are, the last one covers the others.
func rootOf(mounts []mount) (root mount) {
	for _, m := range mounts {
		if m.point == "/" {
			root = m
		}
	}
	return root
}

// consolePlaces are where programs reach the laptop's screen and input: sockets of X and
// Wayland servers, and devices.
var consolePlaces = [...]string{"/tmp/.X11-unix", "/run/user", "/dev/uinput", "/dev/input", "/dev/fb0"}

// reachesConsole reports whether one of the places is among what somebody with these
// mounts sees of the laptop.
func reachesConsole(laptop, inside []mount) bool {
	for _, m := range inside {
		for _, l := range laptop {
			below, ok := within(m.root, l.root)
			if !ok || m.device != l.device {
				continue
			}
			shown := strings.TrimSuffix(l.point, "/") + below
			for _, place := range consolePlaces {
				_, holds := within(place, shown)
				_, isPart := within(shown, place)
				if holds || isPart {
					return true
				}
			}
		}
	}
	return false
}

// within reports whether a name is a folder or lies in it, and what follows the
// folder's name.
func within(name, folder string) (below string, ok bool) {
	below, ok = strings.CutPrefix(name, strings.TrimSuffix(folder, "/"))
	if below == "/" {
		below = ""
	}
	return below, ok && (below == "" || below[0] == '/')
}
