package load

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// Result is one measurement.
type Result struct {
	Agents   int `json:"agents"`
	Parallel int `json:"parallel"`
	// Elsewhere is the collector's address where it ran already.
	Elsewhere string `json:"collector_address,omitempty"`
	// Enrolment is how many seconds it took to enrol all agents.
	Enrolment float64 `json:"enrolment_seconds"`
	Collector *Side   `json:"collector"`
	// Echo is the bare gRPC server, which sends back what comes.
	Echo *Side `json:"echo"`
	// Interrupted is whether somebody did not wait for the end.
	Interrupted bool `json:"interrupted,omitempty"`
	// Ratio is the collector's figures over the echo's; absent where one was not measured.
	Ratio *Ratio `json:"ratio,omitempty"`
}

// Side is one of the servers.
type Side struct {
	Seconds    float64 `json:"seconds"`
	Reports    int     `json:"reports"`
	Deliveries int     `json:"deliveries"`
	// PerSecond is reports answered in a second.
	PerSecond float64 `json:"reports_per_second"`
	// P50 and P99 are milliseconds from sending a delivery to its answer; a refused one
	// goes on until it was taken.
	P50 float64 `json:"latency_p50_ms"`
	P99 float64 `json:"latency_p99_ms"`
	// Refused are calls that the server put off for being too many.
	Refused int `json:"refused"`
	// Payload is bytes of a report before compression, Wire those on the connection both
	// ways, with TLS and its handshakes.
	Payload float64 `json:"payload_bytes_per_report"`
	Wire    float64 `json:"wire_bytes_per_report"`
	// Processor is the server's processor time in microseconds a report, Resident its
	// memory at the end in bytes; nil where it runs elsewhere.
	Processor *float64 `json:"processor_us_per_report,omitempty"`
	Resident  *uint64  `json:"resident_bytes,omitempty"`
}

// Ratio compares the collector with the echo.
type Ratio struct {
	PerSecond float64  `json:"reports_per_second"`
	P50       float64  `json:"latency_p50"`
	P99       float64  `json:"latency_p99"`
	Wire      float64  `json:"wire_bytes_per_report"`
	Processor *float64 `json:"processor_per_report,omitempty"`
}

func (r *run) side(took time.Duration, carried int64) *Side {
	s := &Side{Seconds: round(took.Seconds()), Reports: r.reports, Deliveries: len(r.took), Refused: r.refused}
	if r.reports == 0 {
		return s
	}
	slices.Sort(r.took)
	at := func(q float64) float64 {
		return round(float64(r.took[max(int(math.Ceil(q*float64(len(r.took))))-1, 0)]) / float64(time.Millisecond))
	}
	s.P50, s.P99 = at(0.5), at(0.99)
	s.PerSecond = round(float64(r.reports) / took.Seconds())
	s.Payload, s.Wire = round(float64(r.payload)/float64(r.reports)), round(float64(carried)/float64(r.reports))
	return s
}

// take notes what the server used.
func (s *Side) take(before, after cost) {
	s.Resident = &after.resident
	if s.Reports > 0 {
		each := round((after.processor - before.processor) * 1e6 / float64(s.Reports))
		s.Processor = &each
	}
}

func (r *Result) compare() {
	c, e := r.Collector, r.Echo
	if c.Reports == 0 || e.Reports == 0 {
		return
	}
	r.Ratio = &Ratio{PerSecond: round(c.PerSecond / e.PerSecond), P50: round(c.P50 / e.P50), P99: round(c.P99 / e.P99), Wire: round(c.Wire / e.Wire)}
	if c.Processor != nil && e.Processor != nil && *e.Processor > 0 {
		times := round(*c.Processor / *e.Processor)
		r.Ratio.Processor = &times
	}
}

// write prints the measurement as a table.
func (r *Result) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\treports\tseconds\treports/s\tp50 ms\tp99 ms\tCPU us/report\twire B/report\tpayload B/report\tresident MiB\trefused\t")
	for _, side := range []struct {
		name string
		*Side
	}{{"collector", r.Collector}, {"gRPC echo", r.Echo}} {
		s := side.Side
		processor, resident := "-", "-"
		if s.Processor != nil {
			processor = fmt.Sprintf("%.0f", *s.Processor)
		}
		if s.Resident != nil {
			resident = fmt.Sprintf("%.1f", float64(*s.Resident)/(1<<20))
		}
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.0f\t%.2f\t%.2f\t%s\t%.0f\t%.0f\t%s\t%d\t\n",
			side.name, s.Reports, s.Seconds, s.PerSecond, s.P50, s.P99, processor, s.Wire, s.Payload, resident, s.Refused)
	}
	if q := r.Ratio; q != nil {
		processor := "-"
		if q.Processor != nil {
			processor = fmt.Sprintf("%.1f", *q.Processor)
		}
		fmt.Fprintf(t, "ratio\t\t\t%.2f\t%.1f\t%.1f\t%s\t%.2f\t\t\t\t\n", q.PerSecond, q.P50, q.P99, processor, q.Wire)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r.Interrupted {
		fmt.Fprintln(w, "\nInterrupted: this is how far it came.")
	}
	_, err := fmt.Fprintf(w, "\n%d laptops, %d deliveries at once; all of them enrolled in %.1f s.\n", r.Agents, r.Parallel, r.Enrolment)
	return err
}

func round(x float64) float64 { return math.Round(x*100) / 100 }
