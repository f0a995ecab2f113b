package persona

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// lastMoment has a change of clocks in Europe and America behind it.
var lastMoment = time.Date(2026, time.November, 9, 14, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, opts Options) *World {
	t.Helper()
	if opts.Days == 0 {
		opts.Days = 28
	}
	opts.End = lastMoment
	w, err := NewWorld(opts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// told is what one laptop told, in order.
type told struct {
	laptop  *Laptop
	reports []*farmhoundv1.Report
	at      []time.Time
}

func live(w *World) map[string]*told {
	all := map[string]*told{}
	for step := range w.Steps() {
		for _, d := range step.Deliveries {
			one := all[d.Laptop.DeviceID]
			if one == nil {
				one = &told{laptop: d.Laptop}
				all[d.Laptop.DeviceID] = one
			}
			for _, r := range d.Reports {
				one.reports, one.at = append(one.reports, r), append(one.at, step.At)
			}
		}
	}
	return all
}

func TestSameSeedSameWorld(t *testing.T) {
	t.Parallel()
	for _, opts := range []Options{{Seed: 11, Size: 30}, {Seed: 11, Size: 30, Days: 8, Casting: Reserved}} {
		t.Run(opts.Casting, func(t *testing.T) {
			t.Parallel()
			sameWorld(t, opts)
		})
	}
}

func sameWorld(t *testing.T, opts Options) {
	t.Helper()
	a, b := newWorld(t, opts), newWorld(t, opts)
	if diff := cmp.Diff(string(a.RosterCSV()), string(b.RosterCSV())); diff != "" {
		t.Errorf("roster (-first +second):\n%s", diff)
	}
	geoA, errA := a.GeoMMDB()
	geoB, errB := b.GeoMMDB()
	if errA != nil || errB != nil || !bytes.Equal(geoA, geoB) {
		t.Errorf("address data differ (%v, %v)", errA, errB)
	}
	first, second, again := textOf(t, a), textOf(t, b), textOf(t, a)
	if first != second {
		t.Error("two worlds of one seed differ")
	}
	if first != again {
		t.Error("a world's second life differs from its first")
	}
	if opts.Seed++; textOf(t, newWorld(t, opts)) == first {
		t.Error("another seed draws the same world")
	}
}

func textOf(t *testing.T, w *World) string {
	t.Helper()
	var out strings.Builder
	for step := range w.Steps() {
		for _, d := range step.Deliveries {
			for _, r := range d.Reports {
				b, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&out, "%s %s %s %x\n", step.At, d.Laptop.DeviceID, d.Peer, b)
			}
		}
	}
	return out.String()
}

func TestAskedPersonasLiveAsInTheWholeWorld(t *testing.T) {
	t.Parallel()
	whole := live(newWorld(t, Options{Seed: 5}))
	some := newWorld(t, Options{Seed: 5, Personas: []string{"rmm-farm", "couple"}})
	if len(some.Laptops()) == 0 {
		t.Fatal("nobody is left")
	}
	for id, one := range live(some) {
		if one.laptop.Persona != "rmm-farm" && one.laptop.Persona != "couple" {
			t.Errorf("%s was not asked for", one.laptop.Persona)
		}
		if whole[id] == nil || len(whole[id].reports) != len(one.reports) {
			t.Errorf("%s lives another life when others are left out", one.laptop.Persona)
		}
	}
}

func TestDefaultWorld(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		w := newWorld(t, Options{Seed: seed})
		kinds, personas := map[string]int{}, map[string]int{}
		for _, l := range w.Laptops() {
			kinds[l.Kind]++
			personas[l.Persona]++
		}
		if n := len(w.Laptops()); n < 50 || n > 75 || kinds[Farm] < 14 || kinds[Farm] > 28 {
			t.Errorf("seed %d: %d laptops, of them %d farmed; want about 60 and 20", seed, n, kinds[Farm])
		}
		for _, name := range Personas() {
			if personas[name] == 0 {
				t.Errorf("seed %d: no %s", seed, name)
			}
		}
	}
}

func TestLabelsDoNotLeak(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Seed: 3, Days: 7})
	words := append(Personas(), Farm, Honest, "persona", "operator", "host")
	for line := range strings.Lines(string(w.RosterCSV())) {
		if strings.HasPrefix(line, "serial,") {
			continue
		}
		for _, word := range words {
			if strings.Contains(strings.ToLower(line), word) {
				t.Errorf("the roster says %q: %s", word, line)
			}
		}
	}
	for _, one := range live(w) {
		for _, r := range one.reports {
			text := strings.ToLower(protojson.Format(r))
			for _, word := range append(Personas(), Honest, "persona") {
				if strings.Contains(text, `"`+word) || strings.Contains(text, word+`"`) && word != "docked" {
					t.Fatalf("a report says %q: %s", word, text)
				}
			}
		}
	}
	var order []string
	for _, l := range w.Laptops() {
		order = append(order, l.Kind)
	}
	if runs := len(strings.Split(strings.ReplaceAll(strings.Join(order, ""), Farm+Honest, Farm+" "+Honest), " ")); runs < 4 {
		t.Errorf("laptops are in the order of their kinds: %v", order)
	}
}

func TestRoster(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Seed: 8})
	rows, err := csv.NewReader(bytes.NewReader(w.RosterCSV())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(rows)-1, len(w.Laptops()); got != want {
		t.Fatalf("%d rows for %d laptops", got, want)
	}
	serials, people := map[string]bool{}, map[string]bool{}
	for _, row := range rows[1:] {
		if serials[row[0]] || people[row[1]] {
			t.Errorf("serial or person twice: %v", row)
		}
		serials[row[0]], people[row[1]] = true, true
	}
}

func TestPeersAreNobodysAddresses(t *testing.T) {
	t.Parallel()
	var ranges []netip.Prefix
	for _, p := range []string{"198.18.0.0/15", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "100.64.0.0/10", "192.168.0.0/16", "10.0.0.0/8"} {
		ranges = append(ranges, netip.MustParsePrefix(p))
	}
	reserved := func(a netip.Addr) bool {
		for _, p := range ranges {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	for step := range newWorld(t, Options{Seed: 2}).Steps() {
		for _, d := range step.Deliveries {
			if !reserved(d.Peer.Addr()) || d.Peer.Addr().IsPrivate() {
				t.Fatalf("%s delivers from %v", d.Laptop.Persona, d.Peer)
			}
			for _, r := range d.Reports {
				for _, s := range r.GetRemoteSessions() {
					if a, err := netip.ParseAddr(s.GetPeer()); s.GetPeer() != "" && (err != nil || !reserved(a)) {
						t.Fatalf("%s is controlled from %q", d.Laptop.Persona, s.GetPeer())
					}
				}
			}
		}
	}
}

func TestNewWorldRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts Options
		want string
	}{
		"no days":   {Options{End: lastMoment}, "from 1 to 90 days"},
		"too long":  {Options{Days: 91, End: lastMoment}, "from 1 to 90 days"},
		"too large": {Options{Days: 1, Size: 5001, End: lastMoment}, "from 1 to 5000 laptops"},
		"no end":    {Options{Days: 1}, "last moment"},
		"unknown":   {Options{Days: 1, End: lastMoment, Personas: []string{"pirate"}}, `no persona is called "pirate"; there are office-worker`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := NewWorld(tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestGoldenWorld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Seed: 1, Days: 2, Personas: []string{"single-host"}})
	var out bytes.Buffer
	out.Write(w.RosterCSV())
	for step := range w.Steps() {
		for _, d := range step.Deliveries[:min(len(step.Deliveries), 1)] {
			for _, r := range d.Reports {
				fmt.Fprintf(&out, "%s %s %s\n", step.At.Format(time.RFC3339), d.Laptop.DeviceID, d.Peer)
				b, err := protojson.MarshalOptions{}.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				out.WriteString(strings.ReplaceAll(strings.ReplaceAll(string(b), ", ", ","), `": `, `":`) + "\n")
			}
		}
	}
	golden := filepath.Join("testdata", "tiny.golden")
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("run with -update if the world was meant to change (-want +got):\n%s", diff)
	}
}

func BenchmarkDefaultWorld(b *testing.B) {
	for i := range b.N {
		w := newWorld(b, Options{Seed: uint64(i)})
		reports := 0
		for step := range w.Steps() {
			for _, d := range step.Deliveries {
				reports += len(d.Reports)
			}
		}
		b.ReportMetric(float64(reports), "reports/op")
	}
}
