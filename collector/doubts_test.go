package collector

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

type german struct{}

func (german) Place(netip.Addr) (fleet.Place, bool) { return fleet.Place{Country: "DE"}, true }

// stored is a store's fleet of a few devices.
type stored struct {
	store.Fleet

	all []*store.Device
}

func (s stored) EachDevice(_ context.Context, fn func(*store.Device) error) error {
	for _, d := range s.all {
		if err := fn(d); err != nil {
			return err
		}
	}
	return nil
}

// wholeStore is a store of which only the devices are asked for.
type wholeStore struct {
	store.Store

	all stored
}

func (s wholeStore) EachDevice(ctx context.Context, fn func(*store.Device) error) error {
	return s.all.EachDevice(ctx, fn)
}

// A roster that declares everybody in a wrong country is told, before and after it comes
// into force; what is concluded of each laptop stays as it is.
func TestAWrongLineIsDoubted(t *testing.T) {
	t.Parallel()
	book := func(country string) *roster.Book {
		var rows strings.Builder
		rows.WriteString("serial,country\n")
		for n := range 4 {
			fmt.Fprintf(&rows, "S%d,%s\n", n, country)
		}
		f, problems, err := roster.Read("hr.csv", strings.NewReader(rows.String()), func(string) bool { return true }, false)
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		return roster.NewBook(f)
	}
	given := rooms(t)
	given.Places, given.Roster = german{}, book("DE")
	j, err := given.judge()
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var kept stored
	for n := range 4 {
		serial := fmt.Sprintf("S%d", n)
		change, err := j.Report(nil, nil, []fleet.Observation{{
			Device: "d" + serial, Serial: serial, ReceivedAt: noon, Peer: netip.MustParseAddrPort("203.0.113.7:5000"),
			Report: &farmhoundv1.Report{
				BootId: "00112233445566778899aabbccddeeff", Sequence: 1, ObservedAt: timestamppb.New(noon),
				System: &farmhoundv1.System{Serial: serial},
				Windows: []*farmhoundv1.Window{{
					StartedAt: timestamppb.New(noon.Add(-3 * time.Hour)), Seconds: 3 * 3600, ActiveSeconds: proto.Uint32(2 * 3600),
				}},
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		kept.all = append(kept.all, change.Device)
	}
	kept.all = append(kept.all, &store.Device{Summary: &fleetv1.DeviceSummary{Id: "enrolled only"}})
	ask := func(f *fleet.Fleet) *fleetv1.CheckRosterResponse {
		t.Helper()
		found, err := survey(t.Context(), kept, f, Company{}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if found.GetLaptops() != 4 {
			t.Errorf("%d laptops were looked at", found.GetLaptops())
		}
		return found
	}
	if found := ask(j.fleet.Load()); len(found.GetDoubts()) > 0 {
		t.Errorf("a line that holds is doubted: %v", found)
	}
	wrong := j.fleet.Load().WithRoster(book("US"))
	found := ask(wrong)
	if len(found.GetDoubts()) != 1 || found.GetDoubts()[0].GetLine() != "country US" || found.GetDoubts()[0].GetOtherwise() != 4 {
		t.Fatalf("doubts: %v", found)
	}

	// It is logged once, for as long as it lasts.
	var log bytes.Buffer
	j.fleet.Store(wrong)
	c := &Collector{judge: j, log: slog.New(slog.NewTextHandler(&log, nil)), options: Options{Now: func() time.Time { return noon }}}
	c.store = wholeStore{all: kept}
	c.lookForDoubts(t.Context())
	c.lookForDoubts(t.Context())
	if n := strings.Count(log.String(), "country US"); n != 2 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("logged:\n%s", log.String())
	}
	if len(c.doubts.found().GetDoubts()) != 1 {
		t.Errorf("kept: %v", c.doubts.found())
	}
	for _, d := range kept.all[:4] {
		change, err := j.Reassess(d, nil, noon)
		if err != nil {
			t.Fatal(err)
		}
		evidence := change.Device.Judgement.GetAssessment().GetEvidence()
		if !slices.ContainsFunc(evidence, func(e *fleetv1.Evidence) bool { return e.GetSignal() == "egress_country" && e.GetDb() > 0 }) {
			t.Errorf("the evidence is gone: %v", evidence)
		}
	}
}
