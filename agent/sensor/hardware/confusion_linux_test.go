package hardware

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

func scan(t *testing.T, root string) *farmhoundv1.Hardware {
	t.Helper()
	report := new(farmhoundv1.Report)
	s := New(host.Host{Root: root}, catalog.BuiltIn(), fleetkey.Ring{})
	if err := s.Observe(t.Context(), report); err != nil {
		if partial := (host.Partial{}); !errors.As(err, &partial) {
			t.Fatal(err)
		}
	}
	return report.GetHardware()
}

// taken is what the one device of a tree was taken for: "id sign", or nothing.
func taken(t *testing.T, root string) string {
	t.Helper()
	devices := scan(t, root).GetUsb()
	if len(devices) != 1 {
		t.Fatalf("%d devices", len(devices))
	}
	sign := strings.ToLower(strings.TrimPrefix(devices[0].GetRecognisedBy().String(), "RECOGNISED_BY_"))
	if sign == "unspecified" {
		return ""
	}
	return devices[0].GetCatalogId() + " " + sign
}

// Every console is found by the sign that its owner left, and nothing ordinary is.
func TestConfusion(t *testing.T) {
	t.Parallel()
	type cell struct{ found, all int }
	table := map[string]map[layout]*cell{}
	row := func(name string, l layout) *cell {
		if table[name] == nil {
			table[name] = map[layout]*cell{}
		}
		if table[name][l] == nil {
			table[name][l] = new(cell)
		}
		return table[name][l]
	}
	consoles, ordinary := 0, 0
	for _, s := range readSamples(t, "ordinary.txt", "consoles.txt") {
		name := "ordinary"
		if s.sign != "" {
			name = s.sign
			consoles++
		} else {
			ordinary++
		}
		for _, l := range layouts {
			got, want := taken(t, lay(t, l, s)), ""
			if s.sign != "" {
				want = s.id + " " + s.sign
			}
			c := row(name, l)
			c.all++
			if got != "" {
				c.found++
			}
			if (l.complete() || s.sign == "" || s.sign == "identity" && !s.lostWith(l)) && got != want {
				t.Errorf("%s, %s: taken for %q, want %q", s.name, l, got, want)
			}
			// What a tree lacks may move a console to another sign, but Linux's own
			// signs are still there.
			if !l.complete() && s.sign != "" && s.played() && got == "" {
				t.Errorf("%s, %s: not found", s.name, l)
			}
		}
	}
	if consoles < 25 || ordinary < 40 {
		t.Errorf("%d consoles, %d ordinary devices", consoles, ordinary)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%-20s", "taken for consoles")
	for _, l := range layouts {
		fmt.Fprintf(&out, "%12s", l)
	}
	for _, name := range []string{"identity", "report_descriptor", "impossible_identity", "shape_with_storage", "shape", "ordinary"} {
		fmt.Fprintf(&out, "\n%-20s", name)
		for _, l := range layouts {
			c := row(name, l)
			fmt.Fprintf(&out, "%12s", fmt.Sprintf("%d of %d", c.found, c.all))
		}
	}
	t.Log("\n" + out.String())
}

// lostWith reports whether the words that identify a sample are not in a layout:
// names of storage are below interfaces.
func (s sample) lostWith(l layout) bool {
	return l == binaryish && (strings.Contains(s.name, "drive") || strings.HasPrefix(s.name, "JetKVM as"))
}

func (s sample) played() bool {
	for _, p := range s.parts {
		if p.name == "HID Interface" {
			return true
		}
	}
	return false
}
