package fleet

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// hostedLife is four weeks of a laptop that works for a fortnight at its home in
// Ohio, one day a week at the office, and from then on is driven through AnyDesk
// from Shenyang while it stands, awake, where a colleague's laptop stands too.
func hostedLife(l *laptop) []Observation {
	l.rtt = 30
	var all []Observation
	for d := range 14 {
		l.peer = ohio
		l.at("home of " + l.id)
		if d%7 == 2 {
			l.peer = office
			l.at("office")
		}
		all = append(all, l.workdays(monday.AddDate(0, 0, d), 1)...)
	}
	l.at("the spare room")
	l.peer = ohioFriend
	l.restart()
	l.seen.Software = &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "anydesk", Installed: true, Running: true, Unattended: true}}}
	for d := 14; d < 28; d++ {
		midnight := monday.AddDate(0, 0, d)
		for h := range 24 {
			from := midnight.Add(time.Duration(h) * time.Hour)
			if h >= 20 || h < 4 { // day in Shenyang
				l.hours = append(l.hours, hour(from, 40, driven("anydesk")))
				started := midnight.Add(20 * time.Hour)
				if h < 4 {
					started = started.AddDate(0, 0, -1)
				}
				s := control("session"+started.String(), "anydesk", shenyang, started)
				s.RttMinMs = proto.Float64(210)
				if h == 3 {
					until(from.Add(time.Hour))(s)
				}
				all = append(all, l.report(from.Add(time.Hour), s))
				continue
			}
			l.hours = append(l.hours, hour(from, 0))
			all = append(all, l.report(from.Add(time.Hour)))
		}
	}
	return all
}

// TestGolden holds the Device of a scripted life against what was read and found
// right.
func TestGolden(t *testing.T) {
	t.Parallel()
	l, colleague := newLaptop("d1"), newLaptop("d2")
	f := newFleet(people{l.serial: ohioan("p1"), colleague.serial: ohioan("p2")})
	colleague.at("the spare room")
	colleague.peer = ohioFriend
	lived(t, f, colleague.workdays(monday.AddDate(0, 0, 14), 14))
	all := hostedLife(l)
	pic := lived(t, f, all)
	text, err := protojson.Marshal(f.Device(pic, after(all)))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	path := filepath.Join("testdata", "hosted_life.golden.json")
	if *updateGolden {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("device (-want +got):\n%s", diff)
	}
	if size := proto.Size(pic); size > 16<<10 {
		t.Errorf("picture of four weeks takes %d bytes", size)
	}
}
