package roster_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// rows draws a roster as people write them: any spelling, order and separator.
func rows(t *rapid.T) string {
	comma := rapid.SampledFrom([]string{",", ";", "\t"}).Draw(t, "comma")
	names := rapid.Permutation(roster.Columns()).Draw(t, "columns")
	ending := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "ending")
	word := rapid.StringMatching(`[A-Za-z0-9"',;. äß漢]{0,12}`)
	days := rapid.SampledFrom([]string{"mon", "Tuesday", "wed", "FRI", "sat-mon", "mon-fri"})
	zone := rapid.SampledFrom([]string{"", "America/New_York", "Europe/Berlin", "Asia/Beirut", "Pacific/Apia", "America/Sao_Paulo"})
	country := rapid.SampledFrom([]string{"US", "de", "Jp", "BR"})
	date := rapid.Custom(func(t *rapid.T) string {
		return time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 6000).Draw(t, "day")).Format(time.DateOnly)
	})
	journey := rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "always") {
			return country.Draw(t, "country")
		}
		first := date.Draw(t, "first")
		return country.Draw(t, "country") + ": " + first + " .. " + max(first, date.Draw(t, "last"))
	})
	joined := func(g *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Map(rapid.SliceOfN(g, 0, 4), func(all []string) string { return strings.Join(all, "; ") })
	}
	clock := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"))
	})
	of := map[string]*rapid.Generator[string]{
		"serial": rapid.StringMatching(`[A-Za-z0-9]{1,8}`), "country": country, "time_zone": zone,
		"ship_to":   rapid.Map(country, func(c string) string { return c + "-xy" }),
		"work_days": joined(days), "work_start": clock, "work_end": clock,
		"approved_tools": joined(rapid.SampledFrom([]string{"anydesk", "Zoho-Assist", "screenconnect"})), "approved_travel": joined(journey),
		"exempt_until": rapid.OneOf(date, rapid.Map(date, func(d string) string { return d + "T21:00:05+09:30" })),
	}
	quoted := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
	var out strings.Builder
	out.WriteString(strings.Join(names, comma) + ending)
	for range rapid.IntRange(0, 8).Draw(t, "rows") {
		cells := make([]string, len(names))
		for i, name := range names {
			g := of[name]
			if g == nil {
				g = word
			}
			cells[i] = quoted(g.Draw(t, name))
		}
		out.WriteString(strings.Join(cells, comma) + ending)
	}
	return out.String()
}

// Whatever is imported, its export says the same at every moment, and importing that
// changes nothing.
func TestExportSaysWhatWasImported(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rows(t)
		f, problems, err := roster.Read("drawn", strings.NewReader(text), known, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if !p.Counts && !strings.Contains(p.Reason, "already on line") && !strings.Contains(p.Reason, "formula") {
				t.Fatalf("a drawn row is refused: %v\n%s", p, text)
			}
		}
		var written bytes.Buffer
		if err := roster.WriteCSV(&written, f.Laptops.Rows()); err != nil {
			t.Fatal(err)
		}
		again, problems, err := roster.Read("written", bytes.NewReader(written.Bytes()), known, false)
		if err != nil || len(problems) > 0 {
			t.Fatalf("%v %v\n%s", problems, err, written.String())
		}
		if changes := roster.Diff(f.Records(), again, false); len(changes) > 0 || f.Laptops.Version() != again.Laptops.Version() {
			t.Fatalf("importing the export changes %v", changes)
		}
		at := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 6000*24).Draw(t, "hour")) * time.Hour)
		for _, row := range f.Laptops.Rows() {
			one, _ := f.Laptops.Person(row.Serial, at)
			two, _ := again.Laptops.Person(row.Serial, at)
			if one.String() != two.String() {
				t.Fatalf("at %s: %v, exported %v", at, one, two)
			}
		}
	})
}

// A diff that is applied leads from any roster to any other, and a merge to both.
func TestDiffLeadsFromOneToTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var files [2]*roster.File
		for i := range files {
			var err error
			if files[i], _, err = roster.Read("drawn", strings.NewReader(rows(t)), known, false); err != nil {
				t.Fatal(err)
			}
		}
		merge := rapid.Bool().Draw(t, "merge")
		before := files[0].Records()
		bodies := make(map[string]string)
		for _, r := range before {
			bodies[r.Key] = r.Body
		}
		for _, c := range roster.Diff(before, files[1], merge) {
			if bodies[c.Key] != c.Before || c.Before == c.After || c.Words() == "" {
				t.Fatalf("change %+v from %q", c, bodies[c.Key])
			}
			if bodies[c.Key] = c.After; c.After == "" {
				delete(bodies, c.Key)
			}
		}
		want := make(map[string]string)
		if merge {
			for _, r := range before {
				want[r.Key] = r.Body
			}
		}
		for _, r := range before {
			if files[1].Spoilt(r.Key) {
				want[r.Key] = r.Body
			}
		}
		for _, r := range files[1].Records() {
			want[r.Key] = r.Body
		}
		if diff := cmp.Diff(want, bodies); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
