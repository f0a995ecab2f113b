package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// reasonsShown is how many pieces of evidence are shown for a flag, heaviest first.
const reasonsShown = 4

// Result is what a demo came to.
type Result struct {
	Seed    uint64 `json:"seed"`
	Devices int    `json:"devices"`
	// Personas are counted by name.
	Personas map[string]*Persona `json:"personas"`
	// Flagged are the devices whose verdict is likely or above.
	Flagged []Device `json:"flagged"`
	// Missed are the farms' devices that are not flagged.
	Missed       []Device     `json:"missed"`
	ThisComputer ThisComputer `json:"this_computer"`
}

// Persona counts one persona's devices.
type Persona struct {
	Kind    string `json:"kind"` // farm or honest
	Devices int    `json:"devices"`
	Flagged int    `json:"flagged"`
}

// Device is one simulated device with its verdict.
type Device struct {
	Device  string   `json:"device"`
	Persona string   `json:"persona"`
	Kind    string   `json:"kind"` // hosted or displaced
	Verdict string   `json:"verdict"`
	Risk    float64  `json:"risk"` // posterior, 0..1
	Reasons []string `json:"reasons"`
}

// ThisComputer is the computer that the demo runs on, as its real agent reported it.
type ThisComputer struct {
	Device   string `json:"device"`
	Enrolled bool   `json:"enrolled"`
	Verdict  string `json:"verdict"`
	Reports  uint64 `json:"reports"`
}

// result asks the collector and joins its answers with the labels.
func (d *demo) result(ctx context.Context, thisComputer string) (*Result, error) {
	summaries, err := d.analyst.devices(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*fleetv1.DeviceSummary, len(summaries))
	for _, s := range summaries {
		byID[s.GetId()] = s
	}
	r := &Result{Seed: d.Seed, Devices: len(d.world.Laptops()), Personas: make(map[string]*Persona), Flagged: []Device{}, Missed: []Device{}}
	if s := byID[thisComputer]; s != nil {
		r.ThisComputer = ThisComputer{Device: s.GetId(), Enrolled: s.GetEnrolledAt() != nil, Verdict: s.GetVerdict(), Reports: s.GetReports()}
	}
	for _, l := range d.world.Laptops() {
		p := r.Personas[l.Persona]
		if p == nil {
			p = &Persona{Kind: l.Kind}
			r.Personas[l.Persona] = p
		}
		p.Devices++
		flagged := isFlag(byID[l.DeviceID].GetVerdict())
		if !flagged && l.Kind != persona.Farm {
			continue
		}
		device, err := d.judged(ctx, l)
		if err != nil {
			return nil, err
		}
		if flagged {
			p.Flagged++
			r.Flagged = append(r.Flagged, device)
		} else {
			r.Missed = append(r.Missed, device)
		}
	}
	heaviestFirst := func(a, b Device) int { return cmp.Or(cmp.Compare(b.Risk, a.Risk), cmp.Compare(a.Device, b.Device)) }
	slices.SortFunc(r.Flagged, heaviestFirst)
	slices.SortFunc(r.Missed, heaviestFirst)
	return r, nil
}

func (d *demo) judged(ctx context.Context, l *persona.Laptop) (Device, error) {
	got, err := d.analyst.device(ctx, l.DeviceID)
	if err != nil {
		return Device{}, err
	}
	a := got.GetAssessment()
	return Device{
		Device: l.DeviceID, Persona: l.Persona, Kind: a.GetKind(), Verdict: a.GetVerdict(), Risk: a.GetRisk(), Reasons: reasons(a),
	}, nil
}

func isFlag(verdict string) bool { return verdict == "likely" || verdict == "near_certain" }

// reasons are the sentences of the evidence that speaks for the verdict.
func reasons(a *fleetv1.Assessment) []string {
	all := []string{}
	for _, e := range a.GetEvidence() {
		if e.GetDb() > 0 && len(all) < reasonsShown {
			all = append(all, e.GetBecause())
		}
	}
	return all
}

// showFlags prints the flags that rose since it was last called.
func (d *demo) showFlags(ctx context.Context) error {
	alerts, err := d.analyst.alerts(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(alerts, func(a, b *fleetv1.Alert) int {
		return cmp.Or(a.GetUpdatedAt().AsTime().Compare(b.GetUpdatedAt().AsTime()), cmp.Compare(a.GetId(), b.GetId()))
	})
	for _, a := range alerts {
		if d.shown[a.GetId()] == a.GetVerdict() {
			continue
		}
		d.shown[a.GetId()] = a.GetVerdict()
		fmt.Fprintf(d.Progress, "  %s  %s: %s (%s), %s: %.0f %%\n", a.GetUpdatedAt().AsTime().Format("2 Jan 15:04"), a.GetSerial(),
			a.GetTitle(), a.GetVerdict(), a.GetKind(), 100*a.GetAssessment().GetRisk())
		for _, reason := range reasons(a.GetAssessment()) {
			fmt.Fprintf(d.Progress, "                - %s\n", reason)
		}
	}
	return nil
}

// Print writes the result as text for people.
func (r *Result) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "\nPERSONA\tKIND\tLAPTOPS\tFLAGGED\n")
	for _, name := range r.names() {
		p := r.Personas[name]
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\n", name, p.Kind, p.Devices, p.Flagged)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the summary: %w", err)
	}
	honest := 0
	for _, p := range r.Personas {
		if p.Kind == persona.Honest {
			honest += p.Flagged
		}
	}
	_, err := fmt.Fprintf(w, "\n%d laptops flagged, %d of them honest people's; %d of the farms' missed.\nThis computer: %s, %d reports, device %.12s….\n",
		len(r.Flagged), honest, len(r.Missed), r.ThisComputer.Verdict, r.ThisComputer.Reports, r.ThisComputer.Device)
	if err != nil {
		return fmt.Errorf("print the summary: %w", err)
	}
	return nil
}

// names are the personas, farms first.
func (r *Result) names() []string {
	names := make([]string, 0, len(r.Personas))
	for name := range r.Personas {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Personas[a].Kind, r.Personas[b].Kind), cmp.Compare(a, b))
	})
	return names
}

// progress prints a line for every few days lived.
type progress struct {
	out   io.Writer
	days  int
	start time.Time
	told  int
}

func newProgress(out io.Writer, days int) *progress { return &progress{out: out, days: days} }

func (p *progress) hour(at time.Time, reports int) {
	if p.start.IsZero() {
		p.start = at
	}
	day := int(at.Sub(p.start)/(24*time.Hour)) + 1
	if day < p.told+4 {
		return
	}
	p.told = day
	fmt.Fprintf(p.out, "  day %d of %d, %d reports\n", day, p.days, reports)
}
