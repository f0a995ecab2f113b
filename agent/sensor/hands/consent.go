package hands

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// fileTime is a time as Windows keeps it: hundreds of nanoseconds since 1601.
type fileTime uint64

// toUnix is 1970 as a fileTime.
const toUnix = 116_444_736_000_000_000

func fileTimeOf(t time.Time) fileTime { return fileTime(t.UnixNano()/100 + toUnix) }

// use is the use of one device by any program, out of what Windows notes of each.
type use struct {
	now  bool
	last fileTime
}

// note takes in one program's last use; stop is 0 where it began and was not seen to
// end. One that began before the system did was cut off with it and is no longer under
// way.
func (u *use) note(start, stop, boot fileTime) {
	if start == 0 {
		return
	}
	u.now = u.now || stop == 0 && start >= boot
	u.last = max(u.last, start, stop)
}

// stamp is when it was last used, to the minute; nil for never.
func (u *use) stamp(now time.Time) *timestamppb.Timestamp {
	if u.now {
		return timestamppb.New(now)
	}
	if u.last <= toUnix || u.last > 1<<62 {
		return nil
	}
	return timestamppb.New(time.Unix(0, int64(u.last-toUnix)*100).UTC().Truncate(time.Minute))
}
