package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/history"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// A verdict comes out the same, or what differs or is missing is said, and the command
// fails for it.
func TestVerdictReproduce(t *testing.T) {
	t.Parallel()
	rules, err := collector.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	kept := func() ([]byte, error) { return history.Pack(rules.Bundle()) }
	by := func(rules string, body func() ([]byte, error), collector string) *store.Basis {
		return &store.Basis{Rules: store.Content{Digest: rules, Body: body}, Catalog: store.Content{Digest: "c", Body: kept}, Collector: collector}
	}
	for name, tt := range map[string]struct {
		basis  *store.Basis
		change func(*store.Verdict)
		fails  bool
		says   []string
	}{
		"equal": {by(rules.Digest(), kept, version), nil, false, []string{"comes out", "equal"}},
		"another version that says the same": {
			by(rules.Digest(), kept, "0.1"), nil, false, []string{"equal"},
		},
		"differs": {by(rules.Digest(), kept, "0.1"), func(v *store.Verdict) {
			v.Past.Verdict, v.Past.HostedRisk, v.Past.Fingerprint = "likely", 0.7, []byte{1}
		}, true,
			[]string{"differs", "The verdict was likely (hosted) and comes out as clear (hosted).", "The probability of hosted was 0.7 and comes out as", "It was judged by collector 0.1; this is " + version}},
		"words differ": {by(rules.Digest(), kept, version), func(v *store.Verdict) { v.Past.Fingerprint = []byte{1} }, true,
			[]string{"differs", "Verdict and probabilities come out the same; words or evidence do not."}},
		"no rules":         {by("gone", nil, version), nil, true, []string{"unavailable", "The signals gone, by which it was judged, are no longer kept."}},
		"other rules":      {by("forged", kept, version), nil, true, []string{"unavailable", "what is kept has the digest"}},
		"broken rules":     {by("broken", func() ([]byte, error) { return history.Pack([]byte("{}")) }, version), nil, true, []string{"unavailable", "cannot be used by this collector"}},
		"broken inputs":    {by(rules.Digest(), kept, version), func(v *store.Verdict) { v.Inputs = []byte{0, 255} }, true, []string{"unavailable", "cannot be read"}},
		"a later packing":  {by(rules.Digest(), kept, version), func(v *store.Verdict) { v.Inputs[0] = 200 }, true, []string{"unavailable", "dictionary 200, which this collector does not have"}},
		"a roster of then": {func() *store.Basis { b := by(rules.Digest(), kept, version); b.Roster = "r1"; return b }(), nil, false, []string{"equal", "The roster r1 of then is not kept"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, out := newKeys(t, time.Hour, map[string]uint32{"d1": 1}, "")
			remember(t, s, rules, tt.basis, tt.change)
			for _, format := range []string{"table", "json"} {
				out.Reset()
				code := run(t.Context(), []string{"--config", s.config, "verdict", "reproduce", "d1", "-o", format}, nil, out, out)
				if code == 0 == tt.fails {
					t.Errorf("exit %d", code)
				}
				for _, words := range tt.says {
					if format == "json" && words == "comes out" {
						continue
					}
					if !strings.Contains(strings.ToLower(out.String()), strings.ToLower(words)) {
						t.Errorf("%s does not say %q:\n%s", format, words, out)
					}
				}
				if line, _, _ := strings.Cut(out.String(), "\n"); format == "json" && !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
			if n := audited(t, s.config, "verdicts.reproduce", "d1"); n != 2 {
				t.Errorf("%d of 2 looks are in the audit log", n)
			}
		})
	}
}

func TestVerdictReproduceOfNone(t *testing.T) {
	t.Parallel()
	s, _ := newKeys(t, time.Hour, map[string]uint32{"d1": 1}, "")
	for want, args := range map[string][]string{
		"no verdict on this device is kept from then": {"d1", "--at", "2026-03-01"},
		`there is no device "d2"`:                     {"d2"},
		"is no day or time":                           {"d1", "--at", "yesterday"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"--config", s.config, "verdict", "reproduce"}, args...), nil, &out, &out); code == 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%v: exit %d, %s", args, code, &out)
		}
	}
}

// remember stores what a day of a silent laptop came to.
func remember(t *testing.T, s *surroundings, rules *detect.Rules, by *store.Basis, change func(*store.Verdict)) {
	t.Helper()
	at := time.Date(2026, 3, 3, 23, 59, 59, 0, time.UTC)
	dev := &fleetv1.Device{Id: "d1", LastReportAt: timestamppb.New(at.Add(-time.Hour))}
	a, err := detect.New(rules, detect.Options{}).Again(dev, nil, at)
	if err != nil {
		t.Fatal(err)
	}
	v := store.Verdict{Device: "d1", Basis: by}
	if v.Past, err = history.Past(history.DayEnd, a, timestamppb.New(at), timestamppb.New(at)); err != nil {
		t.Fatal(err)
	}
	if v.Inputs, err = history.PackInputs(&fleetv1.VerdictInputs{Device: dev}); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&v)
	}
	err = withStore(s, func(ctx context.Context, kept store.Store) error {
		d, err := kept.Device(ctx, "d1")
		if err != nil {
			return err
		}
		return kept.Commit(ctx, []store.Change{{Device: d, Verdicts: []store.Verdict{v}}})
	})
	if err != nil {
		t.Fatal(err)
	}
}
