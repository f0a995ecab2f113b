package collector

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is written first in a file changes nothing, also where a day's reports, of two
// runs of an agent and several laptops, arrived at one moment.
func TestReplayTakesLinesInAnyOrder(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var lines []string
	for n := range 10 {
		for _, device := range []string{"a", "b"} {
			for i := range 20 {
				at := day.AddDate(0, 0, n).Add(8*time.Hour + time.Duration(i)*20*time.Minute)
				arrived := at
				if n%3 == 1 {
					arrived = day.AddDate(0, 0, n).Add(20 * time.Hour)
				}
				boot, sequence, zone := 2*n, i+1, "America/New_York"
				if i >= 13 {
					boot, sequence, zone = 2*n+1, i-12, "Asia/Tokyo"
				}
				place := ""
				if sequence == 1 {
					place = fmt.Sprintf(`"system":{"serial":"%s1"},"place":{"time_zone":%q},`, device, zone)
				}
				lines = append(lines, fmt.Sprintf(`{"observed_at":%q,"device":%q,"peer":"203.0.113.%d:50000","report":{"boot_id":"%032x",%s"sequence":"%d","observedAt":%q,`+
					`"windows":[{"started_at":%q,"seconds":1200,"active_seconds":%d,"input":{"built_in":%d,"injected":%d}}]}}`,
					arrived.Format(time.RFC3339), device, n%2+1, boot+1, place, sequence, at.Format(time.RFC3339), at.Add(-20*time.Minute).Format(time.RFC3339), 40*i, 30*i, 5*i))
			}
		}
	}
	judged := func(order []string) string {
		r := Replay{Rooms: rooms(t)}
		got, problems, err := r.Run(t.Context(), "f", strings.NewReader(strings.Join(order, "\n")))
		if err != nil || len(problems) > 0 || len(got) != 2 {
			t.Fatal(got, problems, err)
		}
		var out bytes.Buffer
		for _, a := range got {
			text, err := AssessmentJSON(a)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(text)
			out.WriteByte('\n')
		}
		return out.String()
	}
	want := judged(lines)
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		if diff := cmp.Diff(want, judged(lines)); diff != "" {
			t.Fatalf("shuffled (-in order +shuffled):\n%s", diff)
		}
	}
}

// A report that another of its run overtook is not one that was seen before.
func TestReplayTakesWhatWasOvertaken(t *testing.T) {
	t.Parallel()
	const (
		at   = `{"observed_at":"2026-03-02T15:00:%02dZ","device":"a","report":{"boot_id":"00112233445566778899aabbccddeeff","sequence":%d%s}}` + "\n"
		tool = `,"software":{"tools":[{"id":"anydesk","installed":true,"running":true,"unattended":true}]}`
	)
	judged := func(lines string) string {
		r := Replay{Rooms: rooms(t)}
		got, problems, err := r.Run(t.Context(), "f", strings.NewReader(lines))
		if err != nil || len(problems) > 0 || len(got) != 1 {
			t.Fatal(got, problems, err)
		}
		text, err := AssessmentJSON(got[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	overtaken := judged(fmt.Sprintf(at, 0, 2, "") + fmt.Sprintf(at, 3, 1, tool))
	if !strings.Contains(overtaken, "AnyDesk") {
		t.Errorf("the overtaken report was dropped: %s", overtaken)
	}
}
