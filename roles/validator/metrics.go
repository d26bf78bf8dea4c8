package validator

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"finest/eval"
	"finest/eval/audit"
)

// Metrics are what a validator tells of its work, and whether it can do it.
// Every validator has its own.
type Metrics struct {
	checks, audits, rounds, board *prometheus.CounterVec
	cases                         *prometheus.GaugeVec
	crawlBytes, weightsSet        prometheus.Counter

	block, weightsBlock, pendingAge, frauds, comparing, lastRound prometheus.Gauge

	mu      sync.Mutex
	trouble error
}

// caseWaiting counts cases without a final verdict.
const caseWaiting = "waiting"

// outcomes of a verdict.
var outcomes = []eval.Outcome{eval.Accepted, eval.Rejected, eval.Undecided}

// NewMetrics registers the metrics of a validator; with nil nobody sees them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	in := promauto.With(r)
	counters := func(name, help, label string, values ...string) *prometheus.CounterVec {
		c := in.NewCounterVec(prometheus.CounterOpts{Namespace: "finest", Subsystem: "validator", Name: name, Help: help}, []string{label})
		for _, v := range values {
			c.WithLabelValues(v)
		}
		return c
	}
	counter := func(name, help string) prometheus.Counter {
		return in.NewCounter(prometheus.CounterOpts{Namespace: "finest", Subsystem: "validator", Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return in.NewGauge(prometheus.GaugeOpts{Namespace: "finest", Subsystem: "validator", Name: name, Help: help})
	}
	var names []string
	for _, o := range outcomes {
		names = append(names, string(o))
	}
	m := &Metrics{
		checks: counters("checks_total", "Submissions checked, by outcome.", "outcome", names...),
		audits: counters("audits_total", "Submissions of which a slice was recomputed, by outcome.", "outcome", names...),
		rounds: counters("rounds_total", "Rounds, by result: ok or failed.", "result", "ok", "failed"),
		board:  counters("board_failures_total", "Requests to the task server that failed, by what was tried.", "request"),
		cases: in.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "finest", Subsystem: "validator", Name: "cases", Help: "Submissions known, by final verdict; waiting: without one.",
		}, []string{"verdict"}),
		crawlBytes:   counter("crawl_bytes_total", "Bytes of WARC files that were fetched."),
		weightsSet:   counter("weights_set_total", "Times that weights were set."),
		block:        gauge("block", "Final block of the last round."),
		weightsBlock: gauge("weights_block", "Block of the weights set last; 0 without any."),
		pendingAge:   gauge("queue_age_blocks", "Blocks since the oldest submission without a final verdict was claimed."),
		frauds:       gauge("frauds", "Submissions with a confirmed fraud proof."),
		comparing:    gauge("comparing", "1 while a recipe is compared with the reference."),
		lastRound:    gauge("last_round_timestamp_seconds", "Time at which the last round ended well."),
		trouble:      errors.New("no round yet"),
	}
	m.count(newState(), 0)
	return m
}

// Ready returns why the last round failed, or that there was none; nil if all is
// well.
func (m *Metrics) Ready() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trouble
}

// checked counts a verdict.
func (m *Metrics) checked(v eval.Verdict) {
	m.checks.WithLabelValues(string(v.Outcome)).Inc()
	if v.Audited {
		m.audits.WithLabelValues(string(v.Outcome)).Inc()
	}
}

// round notes how a round ended that led to state s.
func (m *Metrics) round(s *state, r Round, comparing bool, err error) {
	if errors.Is(err, context.Canceled) {
		return // the validator is told to stop; that is no trouble
	}
	m.worked(err)
	if err != nil {
		m.rounds.WithLabelValues("failed").Inc()
		return
	}
	m.rounds.WithLabelValues("ok").Inc()
	m.lastRound.SetToCurrentTime()
	m.block.Set(float64(r.Block))
	m.weightsBlock.Set(float64(r.WeightsBlock))
	if r.WeightsSet {
		m.weightsSet.Inc()
	}
	m.comparing.Set(0)
	if comparing {
		m.comparing.Set(1)
	}
	m.count(s, r.Block)
}

// worked notes whether what was tried last worked.
func (m *Metrics) worked(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trouble = err
}

// count notes the cases of a state, as they are at a block.
func (m *Metrics) count(s *state, block uint64) {
	byVerdict := map[string]int{caseWaiting: 0}
	for _, o := range outcomes {
		byVerdict[string(o)] = 0
	}
	age, frauds := uint64(0), 0
	for _, c := range s.Cases {
		if c.Fraud != "" {
			frauds++
		}
		if c.Settled {
			byVerdict[string(c.Verdict.Outcome)]++
			continue
		}
		byVerdict[caseWaiting]++
		if c.Block < block {
			age = max(age, block-c.Block)
		}
	}
	for verdict, n := range byVerdict {
		m.cases.WithLabelValues(verdict).Set(float64(n))
	}
	m.pendingAge.Set(float64(age))
	m.frauds.Set(float64(frauds))
}

// counted counts the bytes that are read of the crawl.
type counted struct {
	audit.Ranges
	bytes prometheus.Counter
}

func (c counted) ReadRange(ctx context.Context, path string, offset, length int64) ([]byte, int64, error) {
	b, size, err := c.Ranges.ReadRange(ctx, path, offset, length)
	c.bytes.Add(float64(len(b)))
	return b, size, err
}
