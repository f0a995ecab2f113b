package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/history"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What can come of judging a past verdict again.
const (
	ReproducedEqual = "equal"
	ReproducedOther = "differs"
	NotReproducible = "unavailable"
)

// Reproducer judges past verdicts again from what a store keeps. It may be used
// concurrently.
type Reproducer struct {
	Store interface {
		store.History
		store.Rosters
	}
	// Version is that of this collector.
	Version string

	mu sync.Mutex
	// known are by the rules that were asked for last, the latest first.
	known []*compiling
}

// mostKnown is how many rules are remembered: their compiled form is large, and a
// device's history was judged by few.
const mostKnown = 4

// compiling is a detector that somebody makes, and others wait for.
type compiling struct {
	digest   string
	done     chan struct{}
	detector *detect.Detector // once done
	err      error
}

// Reproduce judges a verdict again, by the signals of then on what was known then, and
// says whether what was concluded comes out. The assessment is nil where something that
// it takes is no longer kept. The error is the store's.
func (r *Reproducer) Reproduce(ctx context.Context, v *store.Verdict) (*fleetv1.Assessment, *fleetv1.Reproduction, error) {
	said := &fleetv1.Reproduction{Outcome: NotReproducible}
	note := func(format string, args ...any) { said.Notes = append(said.Notes, fmt.Sprintf(format, args...)) }
	inputs, err := history.UnpackInputs(v.Inputs)
	if err != nil {
		note("What the verdict was judged on cannot be read: %v.", err)
		return nil, said, nil
	}
	detector, err := r.by(ctx, v.Basis.Rules.Digest)
	var unusable *unusableError
	switch {
	case errors.Is(err, store.ErrNotFound):
		note("The signals %s, by which it was judged, are no longer kept.", short(v.Basis.Rules.Digest))
		return nil, said, nil
	case errors.As(err, &unusable):
		note("The signals %s, by which it was judged, cannot be used by this collector: %v.", short(v.Basis.Rules.Digest), unusable.reason)
		return nil, said, nil
	case err != nil:
		return nil, nil, err
	}
	again, err := detector.Again(inputs.GetDevice(), inputs.GetBefore(), v.Past.GetAt().AsTime())
	if err != nil {
		note("It cannot be judged again: %v.", err)
		return nil, said, nil
	}
	fingerprint, err := history.Fingerprint(again)
	if err != nil {
		return nil, nil, err
	}
	said.Outcome = ReproducedEqual
	if !bytes.Equal(fingerprint, v.Past.GetFingerprint()) {
		said.Outcome = ReproducedOther
		said.Notes = append(said.Notes, differences(v.Past, again)...)
		if v.Basis.Collector != r.Version {
			note("It was judged by collector %s; this is %s.", v.Basis.Collector, r.Version)
		}
	}
	return again, said, r.beside(ctx, v.Basis, said)
}

// Each reproduces the verdicts on a device that are kept, oldest first; with a time,
// only the one of then. It calls fn for each until fn errs.
func (r *Reproducer) Each(ctx context.Context, device string, at time.Time, fn func(*fleetv1.GetVerdictResponse) error) error {
	rows := []*fleetv1.PastVerdict{{At: timestamppb.New(at)}}
	if at.IsZero() {
		var err error
		if rows, err = r.Store.Verdicts(ctx, store.VerdictFilter{Device: device, Limit: mostVerdicts}); err != nil {
			return err
		}
	}
	for _, row := range rows {
		v, err := r.Store.Verdict(ctx, device, row.GetAt().AsTime(), row.GetOccasion())
		if errors.Is(err, store.ErrNotFound) {
			continue // forgotten meanwhile
		}
		if err != nil {
			return err
		}
		assessment, reproduction, err := r.Reproduce(ctx, &v)
		if err != nil {
			return err
		}
		if err := fn(&fleetv1.GetVerdictResponse{Verdict: v.Past, Assessment: assessment, Reproduction: reproduction}); err != nil {
			return err
		}
	}
	return nil
}

// mostVerdicts is how many rows of one device are reproduced at once: a day has nine
// at most.
const mostVerdicts = 10000

// differences says what came out otherwise.
func differences(was *fleetv1.PastVerdict, is *fleetv1.Assessment) (notes []string) {
	if was.GetVerdict() != is.GetVerdict() || was.GetKind() != is.GetKind() {
		notes = append(notes, fmt.Sprintf("The verdict was %s (%s) and comes out as %s (%s).", was.GetVerdict(), was.GetKind(), is.GetVerdict(), is.GetKind()))
	}
	for _, x := range []struct {
		what    string
		was, is float64
	}{{"hosted", was.GetHostedRisk(), is.GetHostedRisk()}, {"displaced", was.GetDisplacedRisk(), is.GetDisplacedRisk()}} {
		if x.was != x.is {
			notes = append(notes, fmt.Sprintf("The probability of %s was %g and comes out as %g.", x.what, x.was, x.is))
		}
	}
	if len(notes) == 0 {
		notes = append(notes, "Verdict and probabilities come out the same; words or evidence do not.")
	}
	return notes
}

// beside says what else the verdict rested on and is no longer kept. It was judged on
// what came of it, which is.
func (r *Reproducer) beside(ctx context.Context, b *store.Basis, said *fleetv1.Reproduction) error {
	_, err := r.Store.Content(ctx, b.Catalog.Digest)
	switch {
	case errors.Is(err, store.ErrNotFound):
		said.Notes = append(said.Notes, fmt.Sprintf("The catalogue %s of then is no longer kept; what it recognised is.", short(b.Catalog.Digest)))
	case err != nil:
		return err
	}
	if b.Roster == "" {
		return nil
	}
	_, err = r.Store.RosterVersionOf(ctx, b.Roster)
	switch {
	case errors.Is(err, store.ErrNotFound):
		said.Notes = append(said.Notes, fmt.Sprintf("The roster %s of then is not kept; what it said of this laptop is.", short(b.Roster)))
	case err != nil:
		return err
	}
	return nil
}

// unusableError is of rules that are kept and cannot be used.
type unusableError struct{ reason error }

func (e *unusableError) Error() string { return e.reason.Error() }

// by returns a detector by the rules of a digest. Rules are compiled once, by whoever asks
// first; who asks for others does not wait for it, and nobody waits past their own time.
func (r *Reproducer) by(ctx context.Context, digest string) (*detect.Detector, error) {
	for {
		c, mine := r.claim(digest)
		if mine {
			return r.make(ctx, c)
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		// Who compiled may have run out of time, or of luck with the store, that others have.
		var unusable *unusableError
		if c.err == nil || errors.As(c.err, &unusable) || errors.Is(c.err, store.ErrNotFound) {
			return c.detector, c.err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// claim returns what is known of a digest, and whether it is the caller's to make.
func (r *Reproducer) claim(digest string) (c *compiling, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.known, func(c *compiling) bool { return c.digest == digest })
	if mine = i < 0; mine {
		c = &compiling{digest: digest, done: make(chan struct{})}
	} else {
		c = r.known[i]
		r.known = slices.Delete(r.known, i, i+1)
	}
	r.known = slices.Insert(r.known, 0, c)
	r.known = slices.Delete(r.known, min(len(r.known), mostKnown), len(r.known))
	return c, mine
}

// make compiles what the caller claimed; what failed is not remembered.
func (r *Reproducer) make(ctx context.Context, c *compiling) (*detect.Detector, error) {
	c.err = errors.New("the signals were not compiled")
	defer func() {
		if c.err != nil {
			r.mu.Lock()
			r.known = slices.DeleteFunc(r.known, func(other *compiling) bool { return other == c })
			r.mu.Unlock()
		}
		close(c.done)
	}()
	c.detector, c.err = r.compile(ctx, c.digest)
	return c.detector, c.err
}

func (r *Reproducer) compile(ctx context.Context, digest string) (*detect.Detector, error) {
	packed, err := r.Store.Content(ctx, digest)
	if err != nil {
		return nil, err
	}
	bundle, err := history.Unpack(packed)
	if err != nil {
		return nil, &unusableError{err}
	}
	if ctx.Err() != nil { // whoever asked has gone
		return nil, context.Cause(ctx)
	}
	rules, err := detect.LoadBundle(bundle)
	if err == nil && rules.Digest() != digest {
		err = fmt.Errorf("what is kept has the digest %s", short(rules.Digest()))
	}
	if err != nil {
		return nil, &unusableError{err}
	}
	return detect.New(rules, detect.Options{}), nil
}

// short is enough of a digest to tell it from others.
func short(digest string) string { return digest[:min(len(digest), 12)] }
