package collector

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// mostSurveyed is how many laptops are looked at for lines that many contradict. A line
// that is wrong for a company shows on any of them.
const mostSurveyed = 20_000

var errSurveyed = errors.New("enough laptops are looked at")

// survey looks for lines of what the company says that many laptops contradict together:
// a wrong place of the collector, or a wrong country for everybody, would make all of them
// look displaced. Nobody's verdict is changed by it.
func survey(ctx context.Context, kept store.Fleet, f *fleet.Fleet, company Company, now time.Time) (*fleetv1.CheckRosterResponse, error) {
	s := roster.Survey{Home: countryCodes(company.HomeCountries)}
	if p := company.Place; p != nil {
		s.Place = fmt.Sprintf("%g, %g", *p.Latitude, *p.Longitude)
	}
	err := kept.EachDevice(ctx, func(d *store.Device) error {
		if d.Picture == nil {
			return nil
		}
		s.Count(f.Device(d.Picture, now))
		if s.Laptops() == mostSurveyed {
			return errSurveyed
		}
		return nil
	})
	if err != nil && !errors.Is(err, errSurveyed) {
		return nil, fmt.Errorf("look for what laptops contradict together: %w", err)
	}
	found := &fleetv1.CheckRosterResponse{LookedAt: timestamppb.New(now), Laptops: uint32(s.Laptops())}
	for _, d := range s.Doubts() {
		found.Doubts = append(found.Doubts, &fleetv1.RosterDoubt{
			Line: d.Line, Laptops: uint32(d.Laptops), Otherwise: uint32(d.Otherwise), Sentence: d.Sentence,
		})
	}
	return found, nil
}

// doubts are what the last survey found.
type doubts struct {
	last atomic.Pointer[fleetv1.CheckRosterResponse]
}

// found is what the last survey found; empty before the first.
func (d *doubts) found() *fleetv1.CheckRosterResponse {
	if last := d.last.Load(); last != nil {
		return last
	}
	return &fleetv1.CheckRosterResponse{}
}

// lookForDoubts surveys by what is said now, and logs lines that were not doubtful before.
func (c *Collector) lookForDoubts(ctx context.Context) {
	found, err := survey(ctx, c.store, c.judge.fleet.Load(), c.options.Config.Company, c.now())
	if err != nil {
		if ctx.Err() == nil {
			c.log.ErrorContext(ctx, "it is not known whether laptops contradict what the company says", "error", err)
		}
		return
	}
	before := make(map[string]bool)
	for _, d := range c.doubts.found().GetDoubts() {
		before[d.GetLine()] = true
	}
	c.doubts.last.Store(found)
	for _, d := range found.GetDoubts() {
		if !before[d.GetLine()] {
			c.log.WarnContext(ctx, "many laptops contradict one line of what the company says; farmhound roster check says more",
				"line", d.GetLine(), "laptops", d.GetLaptops(), "otherwise", d.GetOtherwise(), "doubt", d.GetSentence())
		}
	}
}

// doubtsOf surveys by what another book would say.
func (c *Collector) doubtsOf(ctx context.Context, book *roster.Book) ([]*fleetv1.RosterDoubt, error) {
	return doubtsIf(ctx, c.store, c.judge.fleet.Load(), c.options.Config.Company, book, c.now())
}

// doubtsIf returns which lines many laptops contradict, if a book came into force.
func doubtsIf(ctx context.Context, kept store.Store, f *fleet.Fleet, company Company, book *roster.Book, now time.Time) ([]*fleetv1.RosterDoubt, error) {
	keys, err := everyKey(ctx, kept)
	if err != nil {
		return nil, fmt.Errorf("go by what the company would say: %w", err)
	}
	f = f.WithRoster(book).WithCompany(declare(company.fleet(), book, f.Catalog(), keys))
	found, err := survey(ctx, kept, f, company, now)
	return found.GetDoubts(), err
}
