package collector

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// suppose weighs a stored device by today's rules as it is now, and as a request
// supposes.
func (c *Collector) suppose(dev *store.Device, req *fleetv1.WhatIfRequest) (*fleetv1.WhatIfResponse, error) {
	return c.judge.suppose(dev, req, c.now())
}

func (j *judge) suppose(dev *store.Device, req *fleetv1.WhatIfRequest, now time.Time) (*fleetv1.WhatIfResponse, error) {
	f, detector := j.fleet.Load(), j.detector.Load()
	look := func(f *fleet.Fleet) detect.View {
		return func(at time.Time) *fleetv1.Device { return f.Device(dev.Picture, at) }
	}
	m, err := detector.Resume(dev.Judgement, latest(dev.Picture)).Judge(now, look(f))
	if err != nil {
		return nil, fmt.Errorf("assess device %s: %w", dev.Summary.GetId(), err)
	}
	q := detect.Supposition{Device: m.Device, Before: m.Before, Now: now, Set: req.GetSet(), Without: req.GetWithout()}
	var notes []string
	if tools := req.GetWithApproved(); len(tools) > 0 {
		if tools, notes, err = j.seen(m.Device, tools); err != nil {
			return nil, err
		}
		q.Supposed = look(f.WithApproved(tools...))(now)
	}
	answer, err := detector.WhatIf(q)
	if _, ok := errors.AsType[*detect.SuppositionError](err); ok {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err != nil {
		return nil, fmt.Errorf("weigh device %s: %w", dev.Summary.GetId(), err)
	}
	a := dev.Judgement.GetAssessment()
	answer.Stored = &fleetv1.Weighing{
		Verdict: a.GetVerdict(), Kind: a.GetKind(), Risk: a.GetRisk(), HostedRisk: a.GetHostedRisk(), DisplacedRisk: a.GetDisplacedRisk(),
	}
	answer.Notes = append(notes, answer.GetNotes()...)
	return answer, nil
}

// seen returns the ids of tools that are named by their ids, or by the names of those that
// are on the laptop. It refuses what the catalogue does not have, and notes what the
// laptop does not: approving that changes nothing.
func (j *judge) seen(dev *fleetv1.Device, tools []string) (ids, notes []string, err error) {
	known := j.fleet.Load().Catalog()
	var here []string
	for _, t := range dev.GetTools() {
		here = append(here, t.GetId())
	}
	for _, id := range tools {
		for _, t := range dev.GetTools() {
			if strings.EqualFold(t.GetName(), id) {
				id = t.GetId()
			}
		}
		if _, ok := known.Entry(id); !ok {
			hint := ""
			if len(here) > 0 {
				hint = "; on this laptop are " + strings.Join(here, ", ")
			}
			return nil, nil, status.Errorf(codes.InvalidArgument, "the catalogue has no tool %q%s", id, hint)
		}
		if !slices.Contains(here, id) {
			notes = append(notes, fmt.Sprintf("%q was not seen on this laptop of late, so that approving it changes nothing.", id))
		}
		ids = append(ids, id)
	}
	return ids, notes, nil
}
