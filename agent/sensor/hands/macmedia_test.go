package hands

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/systemtool"
)

// What pmset and ioreg print follows published captures of macOS 14 to 26; names, ids and
// times are made up.
func mediaText(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const (
	assertionsHeader = "Assertion status system-wide:\n   UserIsActive 1\nListed by owning process:\n"
	soundAssertion   = `   pid 402(coreaudiod): [0x1] 00:00:42 PreventUserIdleSystemSleep named: "com.apple.audio.BuiltInMicrophoneDevice.context.preventuseridlesleep"` + "\n"
	filmAssertion    = `   pid 15049(Messenger): [0x2] 04:06:29 PreventUserIdleSystemSleep named: "cameracaptured-idleSleepPreventionForBWFigCaptureDevice"` + "\n"
)

func TestParseAssertions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text          string
		recorders     []int
		films, untold bool
		ok            bool
	}{
		"a call":                 {text: mediaText(t, "pmset_call.txt"), recorders: []int{821}, films: true, ok: true},
		"music":                  {text: mediaText(t, "pmset_music.txt"), recorders: []int{455}, ok: true},
		"nobody":                 {text: "Assertion status system-wide:\n   UserIsActive 0\n", ok: true},
		"nobody is told":         {text: assertionsHeader + soundAssertion + "\tResources: audio-in BuiltInMicrophoneDevice\n", recorders: []int{0}, ok: true},
		"a device of any name":   {text: assertionsHeader + soundAssertion + "\tCreated for PID: 7.\n\tResources: audio-out audio-input\n", ok: true},
		"no resources":           {text: assertionsHeader + soundAssertion + "\tCreated for PID: 7.\n", untold: true, ok: true},
		"no resources, the last": {text: assertionsHeader + strings.TrimSuffix(soundAssertion, "\n"), untold: true, ok: true},
		"somebody else's words":  {text: assertionsHeader + strings.Replace(soundAssertion, "coreaudiod", "talker", 1) + "\tResources: audio-in\n", ok: true},
		"resources of another":   {text: assertionsHeader + soundAssertion + "\tResources: audio-out\n" + filmAssertion + "\tResources: audio-in\n", films: true, ok: true},
		"an absurd id":           {text: assertionsHeader + soundAssertion + "\tCreated for PID: -9.\n\tResources: audio-in\n", recorders: []int{0}, ok: true},
		"another program's text": {text: "pmset: no such thing\n"},
		"nothing":                {},
	} {
		got, ok := parseAssertions(tt.text)
		if !slices.Equal(got.recorders, tt.recorders) || got.films != tt.films || got.untold != tt.untold || ok != tt.ok {
			t.Errorf("%s: %+v, %v; want %+v", name, got, ok, tt)
		}
	}
}

func FuzzParseAssertions(f *testing.F) {
	f.Add(mediaText(f, "pmset_call.txt"))
	f.Add(mediaText(f, "pmset_music.txt"))
	f.Add(assertionsHeader + soundAssertion)
	f.Fuzz(func(t *testing.T, text string) {
		found, ok := parseAssertions(text)
		if len(found.recorders) > mostRecorders || slices.ContainsFunc(found.recorders, func(pid int) bool { return pid < 0 }) {
			t.Errorf("recorders %v", found.recorders)
		}
		if ok && !strings.Contains(text, "Assertion status") {
			t.Error("a list out of nothing")
		}
		named := func(int) string { return listensAlways }
		if on := found.records(named); on != nil && *on && !slices.Contains(found.recorders, 0) {
			t.Error("what always listens counts")
		}
	})
}

// macDesk is a Mac that is asked for its camera and microphone.
type macDesk struct {
	t          *testing.T
	now        time.Time
	assertions string
	streaming  string // Yes, No, or "" where no driver tells
	attached   string // class of a USB interface
	broken     []systemtool.Tool
	asked      map[systemtool.Tool]int
}

func (d *macDesk) ask(_ context.Context, tool systemtool.Tool) ([]byte, error) {
	d.asked[tool]++
	if slices.Contains(d.broken, tool) {
		return nil, errors.New("ended early")
	}
	switch tool {
	case systemtool.Assertions:
		return []byte(d.assertions), nil
	case systemtool.Camera:
		if d.streaming == "" {
			return nil, nil
		}
		return []byte(strings.ReplaceAll(mediaText(d.t, "ioreg_camera.txt"), "@streaming@", d.streaming)), nil
	case systemtool.Interfaces:
		// A device gives its own name, whatever is in it.
		return []byte(strings.NewReplacer("@class@", d.attached, "@name@", "\"bInterfaceClass\" = 14").Replace(mediaText(d.t, "ioreg_interfaces.txt"))), nil
	default:
		d.t.Errorf("asked for %d", tool)
		return nil, nil
	}
}

func macNames(pid int) string {
	return map[int]string{455: "corespeechd", 821: "avconferenced"}[pid]
}

func TestMacMedia(t *testing.T) {
	t.Parallel()
	call, music := mediaText(t, "pmset_call.txt"), mediaText(t, "pmset_music.txt")
	yes, no := new(true), new(false)
	for name, tt := range map[string]struct {
		desk               macDesk
		unnamed            bool
		call               *bool
		known              bool
		camera, microphone bool // whether used
	}{
		"a call":                          {desk: macDesk{assertions: call, streaming: "Yes"}, call: yes, known: true, camera: true, microphone: true},
		"without the camera":              {desk: macDesk{assertions: assertionsHeader + soundAssertion + "\tResources: audio-in\n", streaming: "No"}, call: yes, known: true, microphone: true},
		"music, and Siri listens":         {desk: macDesk{assertions: music, streaming: "No"}, call: no, known: true},
		"the camera alone":                {desk: macDesk{assertions: music, streaming: "Yes"}, call: no, known: true, camera: true},
		"a capture that was not ended":    {desk: macDesk{assertions: assertionsHeader + filmAssertion, streaming: "No"}, call: no},
		"a camera at USB":                 {desk: macDesk{assertions: music, streaming: "No", attached: "14"}, call: no},
		"and the built-in one is used":    {desk: macDesk{assertions: call, streaming: "Yes", attached: "14"}, call: yes, known: true, camera: true, microphone: true},
		"a processor of Intel":            {desk: macDesk{assertions: call}, call: yes},
		"programs are hidden":             {desk: macDesk{assertions: music, streaming: "No"}, unnamed: true},
		"pmset fails":                     {desk: macDesk{broken: []systemtool.Tool{systemtool.Assertions}, streaming: "No"}},
		"pmset says nothing":              {desk: macDesk{streaming: "No"}},
		"ioreg fails":                     {desk: macDesk{assertions: music, broken: []systemtool.Tool{systemtool.Camera}}, call: no},
		"ioreg fails for other cameras":   {desk: macDesk{assertions: music, streaming: "No", broken: []systemtool.Tool{systemtool.Interfaces}}, call: no},
		"what is recorded is not told of": {desk: macDesk{assertions: assertionsHeader + soundAssertion, streaming: "No"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := tt.desk
			d.t, d.now, d.asked = t, time.Date(2026, 11, 26, 9, 14, 30, 0, time.UTC), map[systemtool.Tool]int{}
			if d.attached == "" {
				d.attached = "255"
			}
			m := macMedia{ask: d.ask, now: func() time.Time { return d.now }}
			named := macNames
			if tt.unnamed {
				named = nil
			}
			var st state
			m.look(t.Context(), named, &st)
			if (st.call == nil) != (tt.call == nil) || isOn(st.call) != isOn(tt.call) {
				t.Errorf("call: %v, want %v", st.call, tt.call)
			}
			p := st.presence
			if p.GetMediaKnown() != tt.known || (p.GetCameraLastUsed() != nil) != tt.camera || (p.GetMicrophoneLastUsed() != nil) != tt.microphone {
				t.Errorf("presence: %v", p)
			}
			if tt.known == (len(st.details) > 0) {
				t.Errorf("details: %q", st.details)
			}
			if at := p.GetCameraLastUsed(); at != nil && !at.AsTime().Equal(d.now.Truncate(time.Minute)) {
				t.Errorf("camera at %v", at.AsTime())
			}
		})
	}
}

// Macs are asked seldom while nobody records, and until what began has ended.
func TestMacMediaOverTime(t *testing.T) {
	t.Parallel()
	music := mediaText(t, "pmset_music.txt")
	d := &macDesk{t: t, now: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), attached: "3", assertions: music, streaming: "No", asked: map[systemtool.Tool]int{}}
	m := macMedia{ask: d.ask, now: func() time.Time { return d.now }}
	pass := func(minutes int) (st state) {
		for range 60 * minutes / 25 {
			d.now = d.now.Add(25 * time.Second)
			st = state{}
			m.look(t.Context(), macNames, &st)
		}
		return st
	}
	pass(20)
	if a, c := d.asked[systemtool.Assertions], d.asked[systemtool.Camera]; a > 24 || c > 5 {
		t.Errorf("in twenty quiet minutes asked %d and %d times", a, c)
	}
	d.assertions, d.streaming = mediaText(t, "pmset_call.txt"), "Yes"
	if st := pass(10); !isOn(st.call) || d.now.Sub(st.presence.GetCameraLastUsed().AsTime()) > 2*time.Minute {
		t.Errorf("in the call: %v, %v", st.call, st.presence)
	}
	ended := d.now
	d.assertions, d.streaming = music, "No"
	st := pass(20)
	for _, at := range []time.Time{st.presence.GetCameraLastUsed().AsTime(), st.presence.GetMicrophoneLastUsed().AsTime()} {
		if ended.Sub(at).Abs() > 2*time.Minute {
			t.Errorf("last used at %v, ended at %v", at, ended)
		}
	}
	if isOn(st.call) || !st.presence.GetMediaKnown() {
		t.Errorf("after the call: %v, %v", st.call, st.presence)
	}
}
