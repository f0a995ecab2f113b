package evaluate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// A world that is judged in process and the same world written down, read again and
// replayed come to the same assessments, word for word.
func TestReplayAgrees(t *testing.T) {
	t.Parallel()
	for _, casting := range persona.Castings() {
		t.Run(casting, func(t *testing.T) {
			t.Parallel()
			c := Command{Months: 1, Size: 8, Casting: casting, Seeds: Seeds{3, 3}}
			world, err := persona.NewWorld(persona.Options{Seed: 3, Days: 8, Size: 12, End: lastMoment, Casting: casting})
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, &c)
			lives, err := b.live(t.Context(), world)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]*fleetv1.Assessment{}
			for _, a := range replayed(t, b, world) {
				want[a.GetDevice()] = a
			}
			if len(lives) < 4 || len(want) != len(lives) {
				t.Fatalf("%d laptops, %d in the replay", len(lives), len(want))
			}
			for _, d := range lives {
				got := d.judgement.GetAssessment()
				if diff := cmp.Diff(want[d.laptop.DeviceID], got, protocmp.Transform(), protocmp.IgnoreFields(got, "assessed_at")); diff != "" {
					t.Errorf("%s (-replay +in process):\n%s", d.laptop.Persona, diff)
				}
			}
		})
	}
}

func newBench(t testing.TB, c *Command) *bench {
	t.Helper()
	rules, err := collector.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	places, err := c.places(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { places.Close() })
	return &bench{rules: rules, places: places, roster: true}
}

// replayed writes a world as lines and replays them as farmhound-collector does.
func replayed(t *testing.T, b *bench, world *persona.World) []*fleetv1.Assessment {
	t.Helper()
	var lines bytes.Buffer
	e := json.NewEncoder(&lines)
	for step := range world.Steps() {
		for _, d := range step.Deliveries {
			for _, report := range d.Reports {
				text, err := protojson.Marshal(report)
				if err != nil {
					t.Fatal(err)
				}
				line := map[string]any{
					"observed_at": step.At, "device": d.Laptop.DeviceID, "serial": d.Laptop.Serial, "peer": d.Peer.String(),
					"peer_rtt_ms": d.RTTMillis, "report": json.RawMessage(text),
				}
				if report.GetNetwork() != nil {
					line["paths"] = pathsOf(d.Ways)
				}
				if err := e.Encode(line); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	rows := filepath.Join(t.TempDir(), "roster.csv")
	if err := os.WriteFile(rows, world.RosterCSV(), 0o600); err != nil {
		t.Fatal(err)
	}
	people, problems, err := collector.ReadRoster(rows, collector.Knows(nil))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	rooms := collector.Rooms{Rules: b.rules, Places: b.places, Roster: people}
	for _, p := range world.Offices() {
		rooms.Company.Offices = append(rooms.Company.Offices, collector.Network{Prefix: p})
	}
	for _, p := range world.Networks() {
		rooms.Company.Networks = append(rooms.Company.Networks, collector.Network{Prefix: p})
	}
	if latitude, longitude := world.Collector(); latitude != 0 {
		rooms.Company.Place = &collector.Place{Latitude: &latitude, Longitude: &longitude}
	}
	replay := collector.Replay{Rooms: rooms, Until: world.End()}
	all, bad, err := replay.Run(t.Context(), "world", &lines)
	if err != nil {
		t.Fatal(err)
	}
	if len(bad) > 0 {
		t.Fatalf("%d lines cannot be used: %v", len(bad), bad[0])
	}
	return all
}

func pathsOf(ways []persona.Way) []map[string]any {
	list := []map[string]any{}
	for _, w := range ways {
		kind := strings.ToLower(strings.TrimPrefix(w.Kind.String(), "INTERFACE_KIND_"))
		list = append(list, map[string]any{"address": w.Address, "kind": kind, "tool": w.Tool, "default_route": w.Default})
	}
	return list
}
