package evaluate

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
)

// What a whole company is wrongly said to be is doubted, and what it is said to be with
// farms and travellers in it is not.
func TestAMistakeAboutEverybodyIsDoubted(t *testing.T) {
	t.Parallel()
	inFrance := func(rows []byte) []byte {
		all, err := csv.NewReader(bytes.NewReader(rows)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range all[0] {
			if name == "country" {
				for _, row := range all[1:] {
					row[i] = "FR"
				}
			}
		}
		var out bytes.Buffer
		if err := csv.NewWriter(&out).WriteAll(all); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	elsewhere := func(c *fleet.Company) {
		if c.Latitude, c.Longitude = -c.Latitude, c.Longitude+150; c.Longitude > 180 {
			c.Longitude -= 360
		}
	}
	for name, tt := range map[string]struct {
		rows    func([]byte) []byte
		company func(*fleet.Company)
		want    string
	}{
		"as it is":      {},
		"wrong country": {rows: inFrance, want: "country FR"},
		"wrong place":   {company: elsewhere, want: "place here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, &Command{Months: 1, Casting: persona.Former})
			b.grid = true
			world, err := persona.NewWorld(persona.Options{Seed: 51001, Days: 8, Size: 30, End: lastMoment, Casting: persona.Former})
			if err != nil {
				t.Fatal(err)
			}
			rows := world.RosterCSV()
			if tt.rows != nil {
				rows = tt.rows(rows)
			}
			l, err := b.open(world, rows)
			if err != nil {
				t.Fatal(err)
			}
			if tt.company != nil {
				company := companyOf(world)
				tt.company(&company)
				l.fleet = l.fleet.WithCompany(company)
			}
			all, err := l.live(t.Context(), world.Steps(), world.End())
			if err != nil {
				t.Fatal(err)
			}
			s := roster.Survey{Place: "here"}
			for _, d := range all {
				s.Count(l.fleet.Device(d.picture, world.End()))
			}
			var lines []string
			for _, d := range s.Doubts() {
				lines = append(lines, d.Line)
			}
			if got := strings.Join(lines, ", "); got != tt.want {
				t.Errorf("doubtful of %d laptops: %q, want %q", s.Laptops(), got, tt.want)
			}
		})
	}
}
