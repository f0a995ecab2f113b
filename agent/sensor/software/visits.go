package software

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// What is read of one log in one look, and of one line.
const (
	maxAppended  = 64 << 10
	maxVisitLine = 1024
	maxVisits    = 64
)

// visit is a session that TeamViewer wrote down when it had ended.
type visit struct {
	account    string // TeamViewer's number for whoever came
	start, end time.Time
}

// logFollower reads what is appended to logs. What was in a file before it first looked is
// left alone: it was told by an earlier start of the agent, or was before the agent. What
// is in the next file of that name is new.
type logFollower struct{ at map[string]logPosition }

// logPosition is how far a log has been read.
type logPosition struct {
	offset int64
	file   fs.FileInfo // tells it from another in its place; nil where there was none
}

// appended returns the whole lines that were appended since the last call. The rest of a
// burst that is too long for one look waits for the next.
func (l *logFollower) appended(name string, file fs.FileInfo, log io.ReadSeeker) []byte {
	size, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	position, followed := l.at[name]
	at := position.offset
	switch {
	case !followed:
		l.at[name] = logPosition{size, file}
		return nil
	case size < at, position.file != nil && !os.SameFile(position.file, file): // begun anew
		at = 0
	}
	if _, err := log.Seek(at, io.SeekStart); err != nil {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(log, maxAppended))
	if err != nil {
		return nil
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	if end < len(data) && data[end] == 0 {
		end++ // the other half of the character, in UTF-16
	}
	if end == 0 && len(data) == maxAppended {
		end = len(data) // a line without end
	}
	l.at[name] = logPosition{at + int64(end), file}
	return data[:end]
}

// parseVisits reads lines of TeamViewer's Connections_incoming.txt: number, name, start,
// end, local user, kind and a GUID between tabs, times in UTC. Only sessions of control
// are returned; of the names nothing is kept.
func parseVisits(data []byte) []visit {
	const layout = "02-01-2006 15:04:05"
	const fields = 6
	var list []visit
	for line := range strings.Lines(plainText(data)) {
		field := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(line) > maxVisitLine || len(field) < fields || strings.TrimSpace(field[5]) != "RemoteControl" {
			continue
		}
		account := strings.ReplaceAll(strings.TrimSpace(field[0]), " ", "")
		if account == "" || len(account) > 16 || strings.Trim(account, "0123456789") != "" {
			continue
		}
		start, err := time.Parse(layout, strings.TrimSpace(field[2]))
		if err != nil {
			continue
		}
		end, err := time.Parse(layout, strings.TrimSpace(field[3]))
		if err != nil || end.Before(start) || len(list) == maxVisits {
			continue
		}
		list = append(list, visit{account, start, end})
	}
	return list
}

// visited tells of a session that a log has, by the name that the log has for it. One
// that was seen while it lasted, by whatever it showed, only learns whose it was; that is
// a keyed hash, or nothing without keys.
func (t *tracker) visited(tool string, kind farmhoundv1.SessionKind, name string, v visit, keys fleetkey.Ring) *session {
	s := t.ofCaller(tool, name, v)
	if s == nil {
		s = t.during(tool, v)
	}
	if s == nil {
		s = &session{report: &farmhoundv1.RemoteSession{
			Id: t.id("visit "+tool+" "+name, v.start), Tool: tool, Kind: kind,
			StartedAt: timestamppb.New(v.start), EndedAt: timestamppb.New(v.end),
			Path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN, EstablishedBy: farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG,
		}}
		t.ended = append(t.ended, s)
	}
	s.caller = name
	hashAccount(tool, v.account, keys).note(s.report)
	return s
}

// keyedAccount is whose a session is, as far as reports tell.
type keyedAccount struct {
	hash    []byte // nil without keys or account
	key     uint32
	earlier []*farmhoundv1.EarlierHash
}

// hashAccount hashes what a tool calls whoever came.
func hashAccount(tool, account string, keys fleetkey.Ring) (a keyedAccount) {
	if account == "" {
		return a
	}
	value := []byte(tool + " " + account)
	a.hash, a.key, _ = keys.Hash(fleetkey.RemoteAccount, value)
	a.earlier = keys.Earlier(fleetkey.RemoteAccount, value)
	return a
}

func (a keyedAccount) note(r *farmhoundv1.RemoteSession) {
	if a.hash != nil {
		r.AccountHash, r.KeyId, r.EarlierAccounts = a.hash, a.key, a.earlier
	}
}

// ofCaller finds the session that a log told of by the name when it began, or another log
// of the same tool has told of whole.
func (t *tracker) ofCaller(tool, name string, v visit) *session {
	same := func(s *session) bool {
		r := s.report
		return s.caller == name && r.GetTool() == tool && r.GetStartedAt().AsTime().Before(v.end.Add(time.Second)) &&
			(r.EndedAt == nil || v.start.Before(r.GetEndedAt().AsTime()))
	}
	for _, s := range t.open {
		if same(s) {
			return s
		}
	}
	if at := slices.IndexFunc(t.ended, same); at >= 0 {
		return t.ended[at]
	}
	return nil
}

// during finds the session through a tool that was open while a log says that one was,
// and is not known to be another of the log's. Tools and scans are not exact to the second.
func (t *tracker) during(tool string, v visit) *session {
	const slack = 30 * time.Second
	same := func(s *session) bool {
		r := s.report
		return s.caller == "" && r.GetTool() == tool && r.GetStartedAt().AsTime().Before(v.end.Add(slack)) &&
			(r.EndedAt == nil || v.start.Before(r.GetEndedAt().AsTime().Add(slack)))
	}
	for _, s := range t.open {
		if same(s) {
			return s
		}
	}
	if at := slices.IndexFunc(t.ended, same); at >= 0 {
		return t.ended[at]
	}
	return nil
}

// plainText decodes UTF-16 of the usual order, which Windows programs write logs in as
// well; every other byte of it is zero.
func plainText(data []byte) string {
	data = bytes.TrimPrefix(data, []byte("\xff\xfe"))
	if len(data) < 2 || data[1] != 0 {
		return string(data)
	}
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, binary.LittleEndian.Uint16(data))
	}
	return string(utf16.Decode(units))
}
