package software

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/journal"
)

// Bounds on the files of the system's journal that are followed.
const (
	maxJournals     = 32
	maxJournalNames = 4096
)

// journals are the files that journald writes now: the system's, and those of users. The
// ones that it has done with have an @ in their names.
func (y *logs) journals(folder string) (list []string) {
	machines, err := y.disk.ReadNames(folder, maxJournals)
	if err != nil {
		return nil
	}
	for _, machine := range machines {
		names, err := y.disk.ReadNames(folder+"/"+machine, maxJournalNames)
		if err != nil {
			continue
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".journal") && !strings.Contains(name, "@") && len(list) < maxJournals {
				list = append(list, folder+"/"+machine+"/"+name)
			}
		}
	}
	return list
}

// journalLines writes what Chrome Remote Desktop's host put into a journal since the last
// look as the system's log would have it.
func journalLines(f *journal.Follower, file io.ReaderAt) []byte {
	var lines []byte
	_ = f.Appended(file, func(at time.Time, message []byte) { // of one that is torn what there is
		if !bytes.Contains(message, []byte("/chromoting_")) || bytes.IndexByte(message, '\n') >= 0 || len(lines) > maxAppended {
			return
		}
		lines = at.AppendFormat(lines, time.RFC3339Nano)
		lines = append(append(append(lines, " localhost chromoting[0]: "...), message...), '\n')
	})
	return lines
}
