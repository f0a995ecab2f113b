package hands

import (
	"bytes"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const detailMedia = "camera and microphone are not seen"

// media is when camera and microphone were last in use, as far as it was seen.
type media struct{ camera, microphone time.Time }

// seen notes what is in use now.
func (m *media) seen(now time.Time, camera, microphone bool) {
	// Told to the minute: every new value is a change to report.
	now = now.Truncate(time.Minute)
	if camera {
		m.camera = now
	}
	if microphone {
		m.microphone = now
	}
}

// presence is what a report carries of it.
func (m *media) presence() *farmhoundv1.Presence {
	p := &farmhoundv1.Presence{MediaKnown: true}
	if !m.camera.IsZero() {
		p.CameraLastUsed = timestamppb.New(m.camera)
	}
	if !m.microphone.IsZero() {
		p.MicrophoneLastUsed = timestamppb.New(m.microphone)
	}
	return p
}

// running reads the state of a sound stream out of its status file in /proc/asound.
// A server that keeps a stream open without anybody listening has it suspended, and
// then it does not run.
func running(status []byte) bool {
	for line := range bytes.Lines(status) {
		if state, ok := bytes.CutPrefix(line, []byte("state:")); ok {
			return string(bytes.TrimSpace(state)) == "RUNNING"
		}
	}
	return false
}
