package collector

import (
	"strings"
	"testing"
	"time"
)

func rooms(t testing.TB) Rooms {
	t.Helper()
	rules, err := LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	return Rooms{Rules: rules}
}

const line = `{"observed_at":"2026-03-02T15:00:00Z","device":"a","serial":"A1","report":{"system":{"serial":"A1"}}}` + "\n"

// A report that comes again changes nothing, whatever it says the second time.
func TestReplayTakesAReportOnce(t *testing.T) {
	t.Parallel()
	one := `{"observed_at":"2026-03-02T15:00:00Z","device":"a","report":{"boot_id":"00112233445566778899aabbccddeeff","sequence":1,"place":{"time_zone":"America/New_York"}}}` + "\n"
	again := strings.ReplaceAll(one, "America/New_York", "Asia/Tokyo")
	r := Replay{Rooms: rooms(t)}
	once, _, err := r.Run(t.Context(), "f", strings.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	twice, problems, err := r.Run(t.Context(), "f", strings.NewReader(one+again))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	a, _ := AssessmentJSON(once[0])
	b, _ := AssessmentJSON(twice[0])
	if string(a) != string(b) {
		t.Errorf("once:\n%s\ntwice:\n%s", a, b)
	}
}

func TestReplayUntil(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 9, 15, 0, 0, 0, time.UTC)
	later := strings.ReplaceAll(line, "2026-03-02", "2026-03-10")
	r := Replay{Rooms: rooms(t), Until: until}
	got, problems, err := r.Run(t.Context(), "f", strings.NewReader(later+line))
	if err != nil || len(problems) > 0 || len(got) != 1 {
		t.Fatalf("%v, %v, %v", got, problems, err)
	}
	if at := got[0].GetAssessedAt().AsTime(); !at.Equal(until) {
		t.Errorf("assessed at %s, want %s", at, until)
	}
}

// A mistyped year is a bad line: it neither stops the rest from being judged nor
// makes the replay live through the years between.
func TestReplayLeavesStraysOut(t *testing.T) {
	t.Parallel()
	shared := rooms(t)
	for _, year := range []string{"0001-", "1926-", "2126-", "9999-"} {
		stray := strings.ReplaceAll(strings.ReplaceAll(line, "2026-", year), `"device":"a"`, `"device":"b"`)
		r := Replay{Rooms: shared}
		got, problems, err := r.Run(t.Context(), "f", strings.NewReader(line+stray+line))
		if err != nil || len(got) != 1 || got[0].GetDevice() != "a" {
			t.Fatalf("%s: %v, error %v", year, got, err)
		}
		if len(problems) != 1 || problems[0].Line != 2 || !strings.Contains(problems[0].Error(), "observed_at") {
			t.Errorf("%s: problems %v, want one with the date of line 2", year, problems)
		}
	}
	r := Replay{Rooms: shared, Until: time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC)}
	if _, _, err := r.Run(t.Context(), "f", strings.NewReader(line)); err == nil || !strings.Contains(err.Error(), "more than 5 years after") {
		t.Errorf("error %v for silence of a century", err)
	}
}

func TestReplayProblemsAreSaidPlainly(t *testing.T) {
	t.Parallel()
	report := func(text string) string {
		return `{"observed_at":"2026-03-02T15:00:00Z","device":"a","report":` + text + `}`
	}
	const boot = `"boot_id":"00112233445566778899aabbccddeeff"`
	tests := []struct{ name, line, says string }{
		{"no object", `[]`, "f:1: not a line of a replay: array where an object is expected"},
		{"a number as device", `{"device":5}`, "f:1: not a line of a replay: device: number is not what the field takes"},
		{"a way out without an address", strings.Replace(line, `"report"`, `"paths":[{"kind":"wifi"}],"report"`, 1), "f:1: paths[0].address is missing"},
		{"a way out of no kind", strings.Replace(line, `"report"`, `"paths":[{"address":"192.0.2.1","kind":"road"}],"report"`, 1), `f:1: paths[0].kind: "road" is none of ethernet, wifi, cellular, tunnel and virtual`},
		{"a negative segment", `{"peer_mss":-5}`, "f:1: not a line of a replay: peer_mss: number -5 is not what the field takes"},
		{"no time", strings.ReplaceAll(line, "2026-03-02T15:00:00Z", "yesterday"), `f:1: not a line of a replay: observed_at: "yesterday" is no RFC 3339 time`},
		{"a number as time", `{"observed_at":12}`, "f:1: not a line of a replay: observed_at: not text"},
		{"not UTF-8", strings.ReplaceAll(line, `"a"`, "\"caf\xe9\""), "f:1: not a line of a replay: it is not UTF-8 text"},
		{"a device that steers terminals", strings.ReplaceAll(line, `"device":"a"`, `"device":"a\u001b[31m"`), `f:1: device holds characters that do not print: "a\x1b[31m"`},
		{"a serial without end", strings.ReplaceAll(line, `"serial":"A1","report"`, `"serial":"`+strings.Repeat("x", 65)+`","report"`), "f:1: serial is longer than 64 bytes"},
		{"unknown in the report", report(`{"bogus":1}`), `f:1: report: (column 2 of the report): unknown field "bogus"`},
		{"a boot without sequence", report(`{` + boot + `}`), "f:1: report: sequence is missing"},
		{"a sequence without boot", report(`{"sequence":3}`), "f:1: report: boot_id is missing"},
	}
	shared := rooms(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := Replay{Rooms: shared}
			got, problems, err := r.Run(t.Context(), "f", strings.NewReader(tt.line))
			if err != nil || len(got) != 0 || len(problems) != 1 {
				t.Fatalf("%v, %v, error %v", got, problems, err)
			}
			if text := problems[0].Error(); !strings.HasPrefix(text, tt.says) {
				t.Errorf("says %q, want %q", text, tt.says)
			}
		})
	}
}

func TestReplayTakesAByteOrderMark(t *testing.T) {
	t.Parallel()
	r := Replay{Rooms: rooms(t)}
	got, problems, err := r.Run(t.Context(), "f", strings.NewReader("\ufeff"+line))
	if err != nil || len(problems) > 0 || len(got) != 1 {
		t.Errorf("%v, %v, %v", got, problems, err)
	}
}

func TestReplaySkipsLinesWithoutEnd(t *testing.T) {
	t.Parallel()
	r := Replay{Rooms: rooms(t)}
	got, problems, err := r.Run(t.Context(), "f", strings.NewReader(strings.Repeat("x", maxReplayLine+10)+"\n"+line))
	if err != nil || len(got) != 1 || len(problems) != 1 || problems[0].Line != 1 {
		t.Errorf("%v, %v, %v", got, problems, err)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add(line)
	f.Add(strings.Replace(line, `"report"`, `"paths":[{"address":"2001:db8::1","kind":"wifi","default_route":true}],"report"`, 1))
	f.Add(line + "\n\n{}\n" + strings.ReplaceAll(line, `"serial":"A1"`, `"peer":"[::1]:1"`))
	f.Add(`{"observed_at":"2026-03-02T15:00:00Z","device":"a","peer_rtt_ms":1e300,"report":{"windows":[{"started_at":"2026-03-02T15:00:00Z","seconds":300,"active_seconds":300}],"remoteSessions":[{"id":"00112233","tool":"anydesk","started_at":"2026-03-02T15:00:00Z"}]}}`)
	shared := rooms(f)
	f.Fuzz(func(t *testing.T, text string) {
		r := Replay{Rooms: shared}
		got, problems, err := r.Run(t.Context(), "f", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, p := range problems {
			if p.Line < 1 || p.Err == nil {
				t.Errorf("problem without a place: %v", p)
			}
		}
		for _, a := range got {
			if _, err := AssessmentJSON(a); err != nil {
				t.Error(err)
			}
		}
	})
}
