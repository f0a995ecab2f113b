package hands

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/ioreg"
	"github.com/farmhound-security/farmhound/agent/systemtool"
)

// detailCamera says which cameras macOS tells of.
const detailCamera = "whether a camera is in use is seen of one that Apple silicon has built in, and only while no other is attached"

const (
	// mediaEvery is how often macOS is asked who keeps the laptop awake.
	mediaEvery = 50 * time.Second
	// camerasEvery is how often it is asked for cameras while nothing says that one is in
	// use: to look through its whole registry costs more.
	camerasEvery = 5 * time.Minute
)

// listensAlways is the program that waits for a word by which it is called, and holds the
// microphone for it day and night.
const listensAlways = "corespeechd"

// macMedia asks macOS whether camera and microphone are in use, where the system itself
// notes it.
type macMedia struct {
	ask    func(context.Context, systemtool.Tool) ([]byte, error)
	now    func() time.Time
	asked  time.Time // when who keeps the laptop awake was asked for
	looked time.Time // when cameras were
	media  media

	microphone, camera *bool // whether in use; nil where that is not known
	noted              bool  // whether a capture was noted at the last look
	others             bool  // whether there are cameras beside the built-in one
	othersKnown        bool
}

// look fills in what is known of camera and microphone. named tells a process by its id,
// and is nil where processes are not known.
func (m *macMedia) look(ctx context.Context, named func(pid int) string, st *state) {
	if now := m.now(); now.Sub(m.asked).Abs() >= mediaEvery {
		m.asked = now
		m.listen(ctx, named, now)
	}
	st.call = m.microphone
	switch {
	case m.microphone == nil:
		st.details = append(st.details, detailMedia)
	case m.camera == nil:
		st.details = append(st.details, detailCamera)
	default:
		st.presence = m.media.presence()
	}
}

// listen asks who keeps the laptop awake, and for cameras where one may be in use.
func (m *macMedia) listen(ctx context.Context, named func(pid int) string, now time.Time) {
	text, err := m.ask(ctx, systemtool.Assertions)
	found, ok := parseAssertions(string(text))
	m.microphone = nil
	if err == nil && ok && named != nil {
		m.microphone = found.records(named)
	}
	records, filmed, noted := isOn(m.microphone), isOn(m.camera), m.noted
	m.noted = found.films
	if rare := now.Sub(m.looked).Abs() >= camerasEvery; rare || records || filmed || noted || found.films {
		if rare {
			m.looked = now
			m.findOthers(ctx)
		}
		m.camera = m.filming(ctx, found.films)
	}
	m.media.seen(now, isOn(m.camera), records)
}

func isOn(on *bool) bool { return on != nil && *on }

// filming says whether a camera is in use: by the driver of the one that is built in. What
// macOS notes of a capture besides may be of another camera, or of a program that forgot
// to end it, and is then not known.
func (m *macMedia) filming(ctx context.Context, noted bool) *bool {
	text, err := m.ask(ctx, systemtool.Camera)
	if err != nil {
		return nil
	}
	on := streaming(ioreg.Parse(string(text), streamingProperty))
	if on != nil && !*on && (noted || m.others || !m.othersKnown) {
		return nil
	}
	return on
}

// findOthers looks for cameras at USB, of which the kernel does not note whether they are
// in use.
func (m *macMedia) findOthers(ctx context.Context) {
	text, err := m.ask(ctx, systemtool.Interfaces)
	m.othersKnown = err == nil
	m.others = slices.ContainsFunc(ioreg.Parse(string(text), classProperty), func(o ioreg.Object) bool {
		const video = 14
		return o.Number(classProperty) == video
	})
}

const (
	streamingProperty = "FrontCameraStreaming"
	classProperty     = "bInterfaceClass"
)

// streaming is whether the built-in camera sends pictures, nil where no driver says so.
// The driver is called after the generation of the chip; the property is the same.
func streaming(objects []ioreg.Object) (on *bool) {
	for _, o := range objects {
		if yes := o.Yes(streamingProperty); yes != nil && (on == nil || *yes) {
			on = yes
		}
	}
	return on
}

// awake is what is kept of a list of those who keep the laptop awake.
type awake struct {
	recorders []int // ids of the processes that sound is recorded for, 0 for one that is not told
	films     bool  // whether a camera is given to a program
	untold    bool  // whether somebody may be recorded for who is not told of
}

// records says whether somebody records sound, nil where that is not known.
func (a *awake) records(named func(pid int) string) *bool {
	on := slices.ContainsFunc(a.recorders, func(pid int) bool { return pid == 0 || named(pid) != listensAlways })
	if !on && a.untold {
		return nil
	}
	return &on
}

// parseAssertions reads what pmset prints of assertions, by which programs keep the laptop
// awake. The sound server makes one for every device that is in use, as
//
//	   pid 409(coreaudiod): [0x0001] 00:20:34 PreventUserIdleSystemSleep named: "com.apple.audio.BuiltInMicrophoneDevice.context.preventuseridlesleep"
//		Created for PID: 1379.
//		Resources: audio-in BuiltInMicrophoneDevice
//
// and the camera's for a capture. It is not ok where that is no such list.
func parseAssertions(text string) (found awake, ok bool) {
	const header = "Assertion status system-wide:"
	var sound, told bool // of the assertion at hand: the sound server's, and with resources
	var pid int
	end := func() { found.untold = found.untold || sound && !told }
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		ok = ok || line == header
		if owner, rest, is := cutAssertion(line); is {
			end()
			sound, told, pid = isSound(owner, rest), false, 0
			found.films = found.films || strings.Contains(rest, `named: "cameracaptured-`)
			continue
		}
		if !sound {
			continue
		}
		if value, is := strings.CutPrefix(line, "Created for PID: "); is {
			pid, _ = strconv.Atoi(strings.TrimSuffix(value, "."))
		}
		if value, is := strings.CutPrefix(line, "Resources:"); is {
			told = true
			if slices.Contains(strings.Fields(value), "audio-in") && len(found.recorders) < mostRecorders {
				found.recorders = append(found.recorders, max(pid, 0))
			}
		}
	}
	end()
	return found, ok
}

// mostRecorders bounds who is looked at.
const mostRecorders = 64

// cutAssertion splits the first line of an assertion into the name of its owner and what
// follows it.
func cutAssertion(line string) (owner, rest string, ok bool) {
	line, ok = strings.CutPrefix(line, "pid ")
	if !ok {
		return "", "", false
	}
	_, line, ok = strings.Cut(line, "(")
	if !ok {
		return "", "", false
	}
	return strings.Cut(line, "): [")
}

// isSound reports whether an assertion is the sound server's for a device. What a program
// plays can be recorded, too, through a device made for it (AudioTap), which is no
// microphone. Those that keep only the screen on double others.
func isSound(owner, rest string) bool {
	_, name, named := strings.Cut(rest, " PreventUserIdleSystemSleep named: \"com.apple.audio.")
	return owner == "coreaudiod" && named && !strings.HasPrefix(name, "AudioTap-")
}
