package main

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"finest/internal/contract"
)

func TestQuantile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i+1) * time.Millisecond
	}
	for _, c := range []struct {
		sorted  []time.Duration
		percent int
		want    float64
	}{
		{nil, 99, 0},
		{hundred[:1], 50, 1}, {hundred[:1], 99, 1}, {hundred[:1], 100, 1},
		{hundred[:2], 50, 1}, {hundred[:2], 99, 2},
		{hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100},
		{[]time.Duration{1_234_567}, 50, 1.234},
	} {
		if got := quantile(c.sorted, c.percent); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%d %% of %d values: got %g, want %g", c.percent, len(c.sorted), got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	var r report
	r.count([]sample{
		{op: contract.OpLease, took: 3 * time.Millisecond},
		{op: contract.OpSubmit, took: 9 * time.Millisecond, failure: contract.ProblemFenced, detail: "first"},
		{op: contract.OpSubmit, took: time.Millisecond, failure: contract.ProblemFenced, detail: "second"},
		{failure: failureUnderWay},
	})
	if r.Requests.Number != 4 || r.Leases.Number != 1 || r.Submits.Number != 2 || r.Requests.Max != 9 || r.Submits.P50 != 1 {
		t.Errorf("requests %+v, leases %+v, submits %+v", r.Requests, r.Leases, r.Submits)
	}
	if r.Failures[contract.ProblemFenced] != 2 || r.Failures[failureUnderWay] != 1 || r.Details[contract.ProblemFenced] != "first" {
		t.Errorf("failures %v, details %v", r.Failures, r.Details)
	}
}

func TestBars(t *testing.T) {
	met := func() *report {
		return &report{Requests: latency{Number: 100, P99: 49.9}, Server: serverReport{EarlyBytes: 100, EndBytes: 110}}
	}
	bars := options{p99: 50 * time.Millisecond, growth: 1.2}
	for _, c := range []struct {
		name   string
		change func(*report, *options)
		missed string
	}{
		{"all met", func(*report, *options) {}, ""},
		{"a failure", func(r *report, _ *options) { r.Failures = map[string]int{failureNoAnswer: 1} }, "1 of 100"},
		{"a failure, without bars", func(r *report, o *options) { *o, r.Failures = options{}, map[string]int{failureNoAnswer: 1} }, "1 of 100"},
		{"slow", func(r *report, _ *options) { r.Requests.P99 = 50.1 }, "p99 is 50.1 ms"},
		{"slow, without a bar", func(r *report, o *options) { o.p99, r.Requests.P99 = 0, 1e6 }, ""},
		{"memory grows", func(r *report, _ *options) { r.Server.EndBytes = 121 }, "factor of 1.21"},
		{"memory grows, without a bar", func(r *report, o *options) { o.growth, r.Server.EndBytes = 0, 1e6 }, ""},
	} {
		r, o := met(), bars
		c.change(r, &o)
		err := r.missed(o)
		if (err == nil) != (c.missed == "") || err != nil && !strings.Contains(err.Error(), c.missed) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.missed)
		}
	}
}

func TestPrint(t *testing.T) {
	r := report{Store: "sqlite", Requests: latency{7, 1, 2, 3}, Failures: map[string]int{"b": 2, "a": 1}, Details: map[string]string{"a": "why"},
		HalfOpen: halfOpenReport{Wanted: 5, Held: 4, Opened: 9}, Server: serverReport{EarlyBytes: 10 << 20, EndBytes: 11 << 20},
		Generator: generatorReport{CPUSeconds: 2.5}}
	var out bytes.Buffer
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, want := range []string{"sqlite", "requests", "submits", "failed: 1 × a, such as: why", "failed: 2 × b", "5 wanted, 4 held", "× 1.10", "generator: 2.5 s"} {
		at := strings.Index(out.String(), want)
		if at <= last {
			t.Errorf("%q is not after what comes before it in\n%s", want, &out)
		}
		last = at
	}
}

// The keys that whoever reads the JSON form counts on.
func TestShape(t *testing.T) {
	raw, err := json.Marshal(report{Details: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"store", "tasks", "hotkeys", "rate", "seconds", "requests", "leases", "submits", "failures", "details", "half_open", "server", "generator"} {
		if _, ok := keys[key]; !ok {
			t.Errorf("no %q in %s", key, raw)
		}
		delete(keys, key)
	}
	for key := range keys {
		t.Errorf("%q is not expected", key)
	}
}

func TestProc(t *testing.T) {
	const status = "Name:\tload\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\nThreads:\t9\n"
	if m, err := parseMemory(status); err != nil || m != (memory{now: 1 << 20, peak: 2 << 20}) {
		t.Errorf("memory %+v, %v", m, err)
	}
	for _, bad := range []string{"", "VmRSS:\t1 kB\n", "VmHWM:\tx kB\nVmRSS:\t1 kB\n"} {
		if _, err := parseMemory(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	fields := slices.Repeat([]string{"7"}, 40)
	fields[11], fields[12] = "150", "50"
	if spent, err := parseProcessorTime([]byte("4242 (a) name (b)) " + strings.Join(fields, " "))); err != nil || spent != 2*time.Second {
		t.Errorf("processor time %s, %v", spent, err)
	}
	for _, bad := range []string{"", "1 (a) S 1", "1 (a) " + strings.Repeat("x ", 40)} {
		if _, err := parseProcessorTime([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
