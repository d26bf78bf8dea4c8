package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"finest/internal/contract"
)

// report is what a run found. Its JSON form is stable.
type report struct {
	// Store is sqlite or postgresql.
	Store    string  `json:"store"`
	Tasks    int     `json:"tasks"`
	Hotkeys  int     `json:"hotkeys"`
	Rate     float64 `json:"rate"`    // wanted, per second
	Seconds  float64 `json:"seconds"` // from the first request to the last answer
	Requests latency `json:"requests"`
	Leases   latency `json:"leases"`
	Submits  latency `json:"submits"`
	// Failures counts requests that failed by the type of the problem, Details has
	// one of each.
	Failures map[string]int    `json:"failures"`
	Details  map[string]string `json:"details,omitempty"`
	HalfOpen halfOpenReport    `json:"half_open"`
	Server   serverReport      `json:"server"`
	// Generator is this process, which shares the processors with the server and
	// holds the chain, too.
	Generator generatorReport `json:"generator"`
}

// latency of requests, in milliseconds from their intended start.
type latency struct {
	Number int     `json:"number"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

// halfOpenReport says how many half-open connections were wanted, how many were
// there at the end, and how often one was opened.
type halfOpenReport struct {
	Wanted int   `json:"wanted"`
	Held   int64 `json:"held"`
	Opened int64 `json:"opened"`
}

// serverReport is what the operating system counts of the server: its memory
// early in the run and at its end, and the most since it started, which is often
// that of the import; and its processor time during the run.
type serverReport struct {
	EarlySeconds float64 `json:"early_seconds"`
	EarlyBytes   int64   `json:"early_bytes"`
	EndBytes     int64   `json:"end_bytes"`
	PeakBytes    int64   `json:"peak_bytes"`
	CPUSeconds   float64 `json:"cpu_seconds"`
}

// generatorReport is the processor time that this process took during the run.
type generatorReport struct {
	CPUSeconds float64 `json:"cpu_seconds"`
}

// growth is how many times the early memory the server holds at the end.
func (s serverReport) growth() float64 {
	return float64(s.EndBytes) / float64(max(1, s.EarlyBytes))
}

// count sums up the samples.
func (r *report) count(samples []sample) {
	r.Requests = latencyOf(samples, "")
	r.Leases = latencyOf(samples, contract.OpLease)
	r.Submits = latencyOf(samples, contract.OpSubmit)
	r.Failures, r.Details = make(map[string]int), make(map[string]string)
	for _, s := range samples {
		if s.failure != "" {
			r.Failures[s.failure]++
			r.Details[s.failure] = cmp.Or(r.Details[s.failure], s.detail)
		}
	}
}

// latencyOf is that of the requests of one operation, of all for "". A request
// that failed took as long as its failure.
func latencyOf(samples []sample, op string) latency {
	var took []time.Duration
	for _, s := range samples {
		if op == "" || s.op == op {
			took = append(took, s.took)
		}
	}
	slices.Sort(took)
	return latency{Number: len(took), P50: quantile(took, 50), P99: quantile(took, 99), Max: quantile(took, 100)}
}

// quantile returns, in milliseconds, the lowest value that so many per cent of
// the sorted values do not exceed; 0 without values.
func quantile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return float64(sorted[rank-1].Microseconds()) / 1000
}

// missed says which bars the run missed.
func (r *report) missed(o options) error {
	var missed []error
	failed := 0
	for _, n := range r.Failures {
		failed += n
	}
	if failed > 0 {
		missed = append(missed, fmt.Errorf("%d of %d requests failed", failed, r.Requests.Number))
	}
	if bar := float64(o.p99.Microseconds()) / 1000; o.p99 > 0 && r.Requests.P99 > bar {
		missed = append(missed, fmt.Errorf("p99 is %.1f ms, above %.1f ms", r.Requests.P99, bar))
	}
	if g := r.Server.growth(); o.growth > 0 && g > o.growth {
		missed = append(missed, fmt.Errorf("memory grew by a factor of %.2f, above %.2f", g, o.growth))
	}
	return errors.Join(missed...)
}

// print writes the report for people.
func (r *report) print(out io.Writer) error {
	fmt.Fprintf(out, "%s, %d tasks, %d hotkeys, %g requests a second, done after %.1f s\n", r.Store, r.Tasks, r.Hotkeys, r.Rate, r.Seconds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tnumber\tp50, ms\tp99, ms\tmax, ms\t")
	for _, row := range []struct {
		name string
		latency
	}{{"requests", r.Requests}, {"leases", r.Leases}, {"submits", r.Submits}} {
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\t\n", row.name, row.Number, row.P50, row.P99, row.Max)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(out, "failed: %d × %s, such as: %s\n", r.Failures[kind], kind, r.Details[kind])
	}
	if r.HalfOpen.Wanted > 0 {
		fmt.Fprintf(out, "half-open connections: %d wanted, %d held at the end, %d opened in all\n", r.HalfOpen.Wanted, r.HalfOpen.Held, r.HalfOpen.Opened)
	}
	const mib = 1 << 20
	s := r.Server
	_, err := fmt.Fprintf(out, "server: %.0f MiB after %g s, %.0f MiB at the end (× %.2f), %.0f MiB at most since its start; %.1f s of processor time\n"+
		"generator: %.1f s of processor time\n",
		float64(s.EarlyBytes)/mib, s.EarlySeconds, float64(s.EndBytes)/mib, s.growth(), float64(s.PeakBytes)/mib, s.CPUSeconds, r.Generator.CPUSeconds)
	return err
}
