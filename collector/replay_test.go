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

func TestReplayRefusesToLiveThroughAges(t *testing.T) {
	t.Parallel()
	old := strings.ReplaceAll(line, "2026-", "1926-")
	r := Replay{Rooms: rooms(t)}
	if _, _, err := r.Run(t.Context(), "f", strings.NewReader(line+old)); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v, want one that names line 2", err)
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
