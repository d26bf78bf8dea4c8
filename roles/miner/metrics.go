package miner

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"finest/chain"
	"finest/hub"
	"finest/internal/contract"
	"finest/roles/refiner"
	"finest/roles/taskserver/client"
)

// Metrics are what a miner tells of its work, and whether it can do it. Every
// miner has its own.
type Metrics struct {
	leases, retries, renewals *prometheus.CounterVec
	step                      *prometheus.GaugeVec
	deadline, head            prometheus.Gauge
	done, total               prometheus.Gauge

	pages, kept, bytes, shards, claims prometheus.Counter

	mu      sync.Mutex
	trouble error
}

// How leases begin and end, as finest_miner_leases_total counts them.
const (
	leaseBegun     = "leased"
	leaseSubmitted = "submitted"
	leaseAbandoned = "abandoned"
	leaseMissing   = "missing"
)

// steps are those that a lease passes through.
var steps = []step{
	stepLeased, stepSigned, stepStored, stepPrepared, stepPublished, stepClaiming, stepClaimed, stepConfirmed, stepDropped,
}

// NewMetrics registers the metrics of a miner; with nil nobody sees them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	in := promauto.With(r)
	counter := func(name, help string) prometheus.Counter {
		return in.NewCounter(prometheus.CounterOpts{Namespace: "finest", Subsystem: "miner", Name: name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return in.NewCounterVec(prometheus.CounterOpts{Namespace: "finest", Subsystem: "miner", Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return in.NewGauge(prometheus.GaugeOpts{Namespace: "finest", Subsystem: "miner", Name: name, Help: help})
	}
	m := &Metrics{
		leases:   counters("leases_total", "Leases that began (leased) and ended (submitted, abandoned, missing: a file of the task is gone).", "event"),
		retries:  counters("retries_total", "Requests that a service could not answer and that are made again, by service.", "service"),
		renewals: counters("renewals_total", "Signs of life for a lease, by result: ok or failed.", "result"),
		deadline: gauge("deadline_block", "Deadline of the lease under way; 0 without one."),
		head:     gauge("head_block", "Newest block this miner knows of."),
		done:     gauge("progress_bytes", "Bytes done in the present phase of refining."),
		total:    gauge("progress_bytes_of", "Bytes to do in the present phase of refining; 0 if unknown."),
		pages:    counter("pages_total", "Pages of refined tasks."),
		kept:     counter("documents_total", "Documents kept of refined tasks."),
		bytes:    counter("warc_bytes_total", "Stored bytes of the WARC files of refined tasks."),
		shards:   counter("shards_total", "Shards published."),
		claims:   counter("claims_total", "Claims in a block."),
		step: in.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "finest", Subsystem: "miner", Name: "lease", Help: "1 for what is done of the lease under way.",
		}, []string{"step"}),
	}
	for _, event := range []string{leaseBegun, leaseSubmitted, leaseAbandoned, leaseMissing} {
		m.leases.WithLabelValues(event)
	}
	for _, service := range []string{"chain", "hub", "task-server"} {
		m.retries.WithLabelValues(service)
	}
	for _, result := range []string{"ok", "failed"} {
		m.renewals.WithLabelValues(result)
	}
	m.under(stepNone, contract.Receipt{})
	return m
}

// Ready returns why the miner cannot work now, nil if it can.
func (m *Metrics) Ready() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trouble
}

// Progress notes how far refining is.
func (m *Metrics) Progress(p refiner.Progress) {
	m.done.Set(float64(p.Bytes))
	m.total.Set(float64(p.BytesTotal))
}

// worked notes whether what was tried last worked.
func (m *Metrics) worked(err error) {
	if errors.Is(err, context.Canceled) {
		return // the miner is told to stop; that is no trouble
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trouble = err
}

// retry notes that a request is made again because of err.
func (m *Metrics) retry(what string, err error) {
	var throttled *client.Throttled
	service := "chain"
	switch {
	case errors.Is(err, hub.ErrUnavailable):
		service = "hub"
	case errors.Is(err, client.ErrUnavailable), errors.As(err, &throttled):
		service = "task-server"
	}
	m.retries.WithLabelValues(service).Inc()
	m.worked(errors.New("cannot " + what))
}

// under notes what is done of the lease under way.
func (m *Metrics) under(now step, r contract.Receipt) {
	for _, s := range steps {
		value := 0.0
		if s == now {
			value = 1
		}
		m.step.WithLabelValues(string(s)).Set(value)
	}
	m.deadline.Set(float64(r.DeadlineBlock))
}

// ended notes that a lease is over.
func (m *Metrics) ended(event string) {
	m.leases.WithLabelValues(event).Inc()
	m.under(stepNone, contract.Receipt{})
}

func (m *Metrics) renewed(err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.renewals.WithLabelValues(result).Inc()
}

func (m *Metrics) at(head chain.Block) { m.head.Set(float64(head.Number)) }

// refined counts a task whose manifest was made.
func (m *Metrics) refined(manifest contract.Manifest) {
	for _, in := range manifest.Inputs {
		m.pages.Add(float64(in.Pages))
		m.bytes.Add(float64(in.Bytes))
	}
	for _, c := range manifest.Counts {
		if c.Outcome == contract.OutcomeKept {
			m.kept.Add(float64(c.Rows))
		}
	}
}

// published counts the shards of a publication.
func (m *Metrics) published(sources []hub.Source) {
	for _, s := range sources {
		if strings.HasPrefix(s.Path, "data/") {
			m.shards.Inc()
		}
	}
}
