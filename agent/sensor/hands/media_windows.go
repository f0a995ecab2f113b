package hands

import (
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	consentStore = `\Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\`
	mostUsers    = 64
	mostPrograms = 512
)

// consents is what was read of camera and microphone, and when.
type consents struct {
	camera, microphone           use
	cameraKnown, microphoneKnown bool
	at                           time.Time
}

// readConsents reads when programs of each user last used camera and microphone, as
// Windows itself notes it for its privacy settings. Which programs is not looked at.
func readConsents() consents {
	now := time.Now()
	m := consents{at: now.Truncate(time.Minute)}
	users, err := registry.USERS.ReadSubKeyNames(mostUsers)
	if err != nil && len(users) == 0 {
		return m
	}
	boot := fileTimeOf(now.Add(-windows.DurationSinceBoot()))
	for _, user := range users {
		m.cameraKnown = m.camera.read(user+consentStore+"webcam", boot, true) || m.cameraKnown
		m.microphoneKnown = m.microphone.read(user+consentStore+"microphone", boot, true) || m.microphoneKnown
	}
	return m
}

// tell fills in what was read.
func (m *consents) tell(st *state) {
	if !m.cameraKnown || !m.microphoneKnown {
		st.details = append(st.details, detailMedia)
		return
	}
	st.presence = &farmhoundv1.Presence{MediaKnown: true, CameraLastUsed: m.camera.stamp(m.at), MicrophoneLastUsed: m.microphone.stamp(m.at)}
	st.call = &m.microphone.now
}

// read takes in the programs under a key; those that are no packages are one level
// further down, and no more. It reports whether there is such a key.
func (u *use) read(name string, boot fileTime, deeper bool) bool {
	key, err := registry.OpenKey(registry.USERS, name, registry.READ)
	if err != nil {
		return false
	}
	defer key.Close()
	programs, _ := key.ReadSubKeyNames(mostPrograms)
	for _, program := range programs {
		u.program(name+`\`+program, boot)
		if program == "NonPackaged" && deeper {
			u.read(name+`\`+program, boot, false)
		}
	}
	return true
}

func (u *use) program(name string, boot fileTime) {
	key, err := registry.OpenKey(registry.USERS, name, registry.QUERY_VALUE)
	if err != nil {
		return
	}
	defer key.Close()
	start, _, err := key.GetIntegerValue("LastUsedTimeStart")
	if err != nil {
		return
	}
	stop, _, err := key.GetIntegerValue("LastUsedTimeStop")
	if err != nil {
		stop = start // whether it ended is not noted
	}
	u.note(fileTime(start), fileTime(stop), boot)
}
