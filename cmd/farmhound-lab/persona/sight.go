package persona

import (
	"slices"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// sight is what an agent can see on one laptop's system, as agent/README.md says it. In
// the everyday casting every agent sees everything.
type sight struct {
	// origins is whether input by programs and remote sessions can be told from that of
	// devices; without, a window with any of it says nothing of where input came from.
	origins bool
	// active is whether seconds of use are counted without the hands sense.
	active bool
	// plain is whether devices show no more than ids, words and what they declare.
	plain bool
	lid   bool
}

func (w *World) sightOf(l *Laptop) sight {
	all := sight{origins: true, active: true, lid: true}
	if !w.seesConnections() {
		return all
	}
	switch l.System.GetOs() {
	case macos:
		all.origins = false
	case windows:
		all.active, all.plain, all.lid = false, true, false
	default:
		all.active = false
	}
	return all
}

// logged are tools whose own logs tell of sessions through their relays, and in which of
// them a program runs during sessions only; of ToDesk it does on Windows.
var (
	logged  = []string{"anydesk", "rustdesk", "teamviewer", "chrome-remote-desktop"}
	during  = []string{"quick-assist", "zoho-assist", "zoom", "gotomypc", "ninjaone"}
	blindTo = farmhoundv1.SessionPath_SESSION_PATH_RELAY
)

// shows is whether an agent notices sessions by this link.
func (k *link) shows(os farmhoundv1.OperatingSystem) bool {
	return k.path != blindTo || slices.Contains(logged, k.tool) || slices.Contains(during, k.tool) || k.tool == "todesk" && os == windows
}

// overlook drops what the laptop's agent cannot see. A farmed laptop of which nothing is
// left, neither a session nor input that differs from a person's, is one that no endpoint
// can see, and counts as such.
func (w *World) overlook(l *Laptop) {
	if !w.seesConnections() {
		return
	}
	if l.System.GetOs() == macos {
		l.senses.media = false
	}
	l.sight.describe(l.life)
	before := len(l.life.control)
	l.life.control = slices.DeleteFunc(l.life.control, func(c control) bool { return !c.shows(l.System.GetOs()) })
	injected := l.senses.hands && l.sight.origins
	if l.Kind == Farm && before > 0 && len(l.life.control) == 0 && !injected {
		l.Persona, l.Kind = blindRelay, Unseeable
	}
}

// blindRelay are the laptops of any farm that are driven through a relay that leaves no
// log, on a system, or by an agent, that cannot tell injected input.
const blindRelay = "blind-relay"

// seen is a window as the agent can count it.
func (a *agent) seen(w *farmhoundv1.Window, u use) *farmhoundv1.Window {
	s := a.laptop.sight
	if !a.laptop.senses.hands {
		w.AssistiveSeconds = nil
		if !s.active {
			w.ActiveSeconds = nil
		}
	}
	if !s.lid {
		w.LidClosedSeconds = nil
	}
	if s.origins || !a.laptop.senses.hands {
		return w
	}
	w.AssistiveSeconds, w.Rhythm = nil, nil
	if u.input[3]+u.input[4] >= 1 {
		w.Input = nil // no device explains it
	}
	return w
}

// describe leaves of what a laptop is plugged into what its system says of it.
func (s sight) describe(l *life) {
	if !s.plain {
		return
	}
	described := map[*desk]*desk{}
	for i := range l.stays {
		k := l.stays[i].desk
		if described[k] == nil {
			plain := &desk{displays: k.displays}
			for _, device := range k.usb {
				plain.usb = append(plain.usb, plainly(device))
			}
			described[k] = plain
		}
		l.stays[i].desk = described[k]
	}
}

func plainly(device *farmhoundv1.UsbDevice) *farmhoundv1.UsbDevice {
	d := proto.CloneOf(device)
	d.Manufacturer, d.SpeedMbps = "", 0
	for _, i := range d.Interfaces {
		i.ReportDescriptorSha256 = nil
	}
	return d
}
