package hands

import (
	"context"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
)

const (
	soundFolder = "/proc/asound"
	videoFolder = "/sys/class/video4linux"
	mostStreams = 64
)

// streams returns the status files of the streams that record, looked for anew with
// what is plugged in.
func streams(h host.Host) (files []string, known bool) {
	cards, err := h.ReadNames(soundFolder, maxNames)
	if err != nil {
		return nil, false
	}
	for _, card := range cards {
		number, isCard := strings.CutPrefix(card, "card")
		if !isCard || strings.Trim(number, "0123456789") != "" {
			continue
		}
		streams, _ := h.ReadNames(soundFolder+"/"+card, maxNames)
		for _, stream := range streams {
			if !strings.HasPrefix(stream, "pcm") || !strings.HasSuffix(stream, "c") {
				continue
			}
			subs, _ := h.ReadNames(soundFolder+"/"+card+"/"+stream, maxNames)
			for _, sub := range subs {
				if strings.HasPrefix(sub, "sub") && len(files) < mostStreams {
					files = append(files, soundFolder+"/"+card+"/"+stream+"/"+sub+"/status")
				}
			}
		}
	}
	return files, true
}

// recording reports whether any of the streams runs.
func recording(h host.Host, files []string) bool {
	for _, name := range files {
		if data, err := h.ReadFile(name, 512); err == nil && running(data) {
			return true
		}
	}
	return false
}

// cameraAwake reports whether a camera may be in use: none is that the kernel has put
// to sleep, as it does with one that nobody has open. Of a camera that does not say,
// this is not known.
func cameraAwake(h host.Host) bool {
	names, err := h.ReadNames(videoFolder, maxNames)
	if err != nil {
		return false
	}
	for _, name := range names {
		if h.ReadLine(videoFolder+"/"+name+"/device/power/runtime_status") != "suspended" {
			return true
		}
	}
	return false
}

// filming reports whether a process holds a camera open, and whether it could be
// seen of all of them. Sound and camera servers hold one only while it is in use.
func filming(ctx context.Context, h host.Host, processes []*procfs.Process) (on, complete bool) {
	complete = true
	for _, p := range processes {
		if ctx.Err() != nil {
			return false, false
		}
		folder := "/proc/" + strconv.Itoa(p.PID) + "/fd"
		names, err := h.ReadNames(folder, maxNames)
		if err != nil {
			_, gone := h.Stat(folder)
			complete = complete && gone != nil
			continue
		}
		for _, name := range names {
			if link, err := h.ReadLink(folder + "/" + name); err == nil && strings.HasPrefix(link, "/dev/video") {
				return true, complete
			}
		}
	}
	return false, complete
}
