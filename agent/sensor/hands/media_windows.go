package hands

import (
	"time"

	"golang.org/x/sys/windows/registry"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	consentStore = `\Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\`
	mostUsers    = 64
	mostPrograms = 512
)

// lookAtMedia reads when programs of each user last used camera and microphone, as
// Windows itself notes it for its privacy settings. Which programs is not looked at.
func lookAtMedia(st *state) {
	users, err := registry.USERS.ReadSubKeyNames(mostUsers)
	if err != nil && len(users) == 0 {
		st.details = append(st.details, detailMedia)
		return
	}
	var camera, microphone use
	for _, user := range users {
		camera.read(user + consentStore + "webcam")
		microphone.read(user + consentStore + "microphone")
	}
	if !camera.known || !microphone.known {
		st.details = append(st.details, detailMedia)
		return
	}
	now := time.Now().Truncate(time.Minute)
	st.presence = &farmhoundv1.Presence{MediaKnown: true, CameraLastUsed: camera.stamp(now), MicrophoneLastUsed: microphone.stamp(now)}
	st.call = &microphone.now
}

// use is the use of one device by any program.
type use struct {
	known, now bool
	last       uint64 // hundreds of nanoseconds since 1601
}

// read takes in the programs under a key; those that are no packages are one level
// further down.
func (u *use) read(name string) {
	key, err := registry.OpenKey(registry.USERS, name, registry.READ)
	if err != nil {
		return
	}
	defer key.Close()
	u.known = true
	programs, _ := key.ReadSubKeyNames(mostPrograms)
	for _, program := range programs {
		u.program(name + `\` + program)
		if program == "NonPackaged" {
			u.read(name + `\` + program)
		}
	}
}

func (u *use) program(name string) {
	key, err := registry.OpenKey(registry.USERS, name, registry.QUERY_VALUE)
	if err != nil {
		return
	}
	defer key.Close()
	start, _, err := key.GetIntegerValue("LastUsedTimeStart")
	if err != nil || start == 0 {
		return
	}
	stop, _, err := key.GetIntegerValue("LastUsedTimeStop")
	if err == nil && stop == 0 {
		u.now = true // began and did not end
	}
	u.last = max(u.last, start, stop)
}

// stamp is when it was last used, to the minute; nil for never.
func (u *use) stamp(now time.Time) *timestamppb.Timestamp {
	if u.now {
		return timestamppb.New(now)
	}
	const toUnix = 116_444_736_000_000_000
	if u.last <= toUnix || u.last > 1<<62 {
		return nil
	}
	return timestamppb.New(time.Unix(0, int64(u.last-toUnix)*100).UTC().Truncate(time.Minute))
}
