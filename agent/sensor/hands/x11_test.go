package hands

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseServer(t *testing.T) {
	t.Parallel()
	type call struct {
		program   string
		arguments []string
	}
	tests := []struct {
		name string
		call call
		want xServer
		ok   bool
	}{
		{"gdm", call{"Xorg", []string{"/usr/lib/xorg/Xorg", "vt2", "-displayfd", "3", "-auth", "/run/user/1000/gdm/Xauthority", "-nolisten", "tcp"}}, xServer{auth: "/run/user/1000/gdm/Xauthority"}, true},
		{"lightdm", call{"Xorg", []string{"/usr/lib/xorg/Xorg", "-core", ":0", "-seat", "seat0", "-auth", "/var/run/lightdm/root/:0", "vt7"}}, xServer{display: "0", auth: "/var/run/lightdm/root/:0"}, true},
		{"TigerVNC", call{"Xtigervnc", []string{"/usr/bin/Xtigervnc", ":1", "-localhost=1", "-auth", "/home/u/.Xauthority"}}, xServer{display: "1", auth: "/home/u/.Xauthority", remote: true}, true},
		{"xrdp", call{"Xorg", []string{"/usr/lib/xorg/Xorg", ":10", "-auth", ".Xauthority", "-config", "xrdp/xorg.conf", "-noreset"}}, xServer{display: "10", auth: ".Xauthority", remote: true}, true},
		{"Wayland", call{"Xwayland", []string{"Xwayland", ":0", "-rootless", "-auth", "/run/user/1000/.mutter-Xwaylandauth.ABC"}}, xServer{display: "0", auth: "/run/user/1000/.mutter-Xwaylandauth.ABC", guest: true}, true},
		{"screen after the display", call{"Xvfb", []string{"Xvfb", ":99.0", "-screen", "0"}}, xServer{display: "99"}, true},
		{"no number", call{"Xvfb", []string{"Xvfb", ":../../etc", "-screen"}}, xServer{}, true},
		{"another program", call{"bash", []string{"bash", ":0"}}, xServer{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseServer(tt.call.program, tt.call.arguments)
			if ok != tt.ok || got != tt.want {
				t.Errorf("got %+v %v, want %+v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func xauth(fields ...string) []byte {
	b := []byte{0xff, 0xff} // FamilyWild: of whatever machine
	for _, f := range fields {
		b = binary.BigEndian.AppendUint16(b, uint16(len(f)))
		b = append(b, f...)
	}
	return b
}

func TestParseCookie(t *testing.T) {
	t.Parallel()
	const cookie = "0123456789abcdef"
	file := append(xauth("laptop", "1", cookieName, "another's"), xauth("laptop", "0", "XDM-AUTHORIZATION-1", "x")...)
	file = append(file, xauth("laptop", "0", cookieName, cookie)...)
	if diff := cmp.Diff(cookie, string(parseCookie(file, "0"))); diff != "" {
		t.Error(diff)
	}
	if got := parseCookie(xauth("laptop", "", cookieName, cookie), "7"); string(got) != cookie {
		t.Errorf("an entry for every display: %q", got)
	}
	wild := xauth("laptop", "", cookieName, "for every display")
	if got := parseCookie(append(wild, file...), "0"); string(got) != cookie {
		t.Errorf("an entry for every display before the display's own: %q", got)
	}
	if got := parseCookie(append(wild, 1), "0"); string(got) != "for every display" {
		t.Errorf("an entry for every display before one cut short: %q", got)
	}
	elsewhere := xauth("\x0a\x00\x00\x01", "", cookieName, cookie)
	elsewhere[0], elsewhere[1] = 0, 0 // FamilyInternet
	if got := parseCookie(elsewhere, "0"); got != nil {
		t.Errorf("of a machine elsewhere: %q", got)
	}
	if got := parseCookie(file[:len(file)-3], "0"); got != nil {
		t.Errorf("cut short: %q", got)
	}
}

func FuzzParseCookie(f *testing.F) {
	f.Add(xauth("laptop", "0", cookieName, "0123456789abcdef"), "0")
	f.Fuzz(func(t *testing.T, file []byte, display string) {
		if got := parseCookie(file, display); len(got) > len(file) {
			t.Errorf("%d bytes out of %d", len(got), len(file))
		}
	})
}

// answer is the head and rest of an answer with two devices.
func answer() (head, rest []byte) {
	head = make([]byte, headSize)
	head[0] = replyAnswer
	binary.LittleEndian.PutUint16(head[8:], 2)
	for i, name := range []string{"Virtual core XTEST keyboard", "Logitech MX"} {
		rest = append(rest, byte(5+i), 0, 4, 0, 3, 0, 1, 0, byte(len(name)), 0, 1, 0)
		rest = append(rest, name...)
		rest = append(rest, make([]byte, pad4(len(name))-len(name))...)
		rest = append(rest, 0, 0, 2, 0, 0, 0, 0, 0) // a class of two words
	}
	return head, rest
}

func TestParseDevices(t *testing.T) {
	t.Parallel()
	head, rest := answer()
	got, err := parseDevices(head, rest)
	if err != nil {
		t.Fatal(err)
	}
	want := []xDevice{{5, "Virtual core XTEST keyboard", true}, {6, "Logitech MX", true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(xDevice{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, want := range []origin{injected, unplaced} {
		if o, _ := got[i].places(false); o != want {
			t.Errorf("%s comes from %d", got[i].name, o)
		}
	}
	if o, counts := got[1].places(true); o != session || !counts {
		t.Error("what drives a screen made for elsewhere is not counted as that session")
	}
	if _, err := parseDevices(head, rest[:len(rest)-1]); err == nil {
		t.Error("no error for an answer cut short")
	}
}

func FuzzX11(f *testing.F) {
	head, rest := answer()
	f.Add(head, rest)
	event := make([]byte, headSize)
	event[0], event[8] = replyGeneric, xiRawKeyPress
	f.Add(event, []byte{})
	f.Fuzz(func(t *testing.T, head, rest []byte) {
		_, _ = parseSetup(rest)
		if len(head) < headSize {
			return
		}
		if n, err := follows(head); err == nil && (n < 0 || n > mostFollows) {
			t.Errorf("%d bytes follow", n)
		}
		if list, err := parseDevices(head, rest); err == nil && len(list) > len(rest) {
			t.Errorf("%d devices in %d bytes", len(list), len(rest))
		}
		_, _, _ = rawInput(head)
	})
}
