package persona

import (
	"slices"
	"testing"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Agents of the former and the reserved casting tell nothing that agents of their system cannot see.
func TestAgentsSeeWhatTheirSystemsShow(t *testing.T) {
	t.Parallel()
	unseeable, farmed := 0, 0
	for seed := range uint64(4) {
		casting := []string{Former, Reserved}[seed%2]
		for _, one := range live(newWorld(t, Options{Seed: seed, Days: 6, Size: 60, Casting: casting})) {
			os, hands := one.laptop.System.GetOs(), one.laptop.senses.hands
			for _, r := range one.reports {
				for _, w := range r.GetWindows() {
					in := w.GetInput()
					switch {
					case os == macos && (in.GetInjected()+in.GetSession() > 0 || w.GetRhythm() != nil || w.CallSeconds != nil):
						t.Fatalf("%s on macOS: %v", one.laptop.Persona, w)
					case !hands && (in != nil || w.ActiveSeconds != nil && os != macos && w.GetAsleepSeconds() == 0):
						t.Fatalf("%s without hands: %v", one.laptop.Persona, w)
					case os == windows && w.LidClosedSeconds != nil:
						t.Fatalf("%s: a lid on Windows", one.laptop.Persona)
					}
				}
				for _, d := range r.GetHardware().GetUsb() {
					for _, i := range d.GetInterfaces() {
						if os == windows && (i.GetReportDescriptorSha256() != nil || d.GetManufacturer() != "") {
							t.Fatalf("%s on Windows: %v", one.laptop.Persona, d)
						}
					}
				}
				for _, s := range r.GetRemoteSessions() {
					if s.GetPath() == farmhoundv1.SessionPath_SESSION_PATH_RELAY && !slices.Contains(logged, s.GetTool()) && !slices.Contains(during, s.GetTool()) {
						t.Fatalf("%s: a session through a relay that leaves no log: %v", one.laptop.Persona, s)
					}
				}
			}
			switch {
			case one.laptop.Persona == blindRelay:
				unseeable++
			case one.laptop.Kind == Farm:
				farmed++
			}
		}
	}
	if unseeable > farmed/4 {
		t.Errorf("%d farmed laptops, of %d more nothing can be seen", farmed, unseeable)
	}
}
