package taskserver

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// metrics are those of one process; what they count begins at 0 with it. What
// is in the store is read when it is asked for.
type metrics struct {
	server *Server
	leases struct{ granted, released, submitted prometheus.Counter }
	// ended counts tasks whose deadline passed, leased or not.
	ended, verdicts, proofs prometheus.Counter
	problems                *prometheus.CounterVec
	changes                 prometheus.Histogram
}

func newMetrics(s *Server) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{server: s,
		ended:    counter("finest_tasks_due_total", "Tasks whose lease, or whose wait for verdicts, ended by itself."),
		verdicts: counter("finest_verdicts_total", "Verdicts received."),
		proofs:   counter("finest_proofs_total", "Fraud proofs received."),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "finest_problems_total", Help: "Requests refused, by type of problem."}, []string{"type"}),
		changes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "finest_store_change_seconds", Help: "Time from asking for a change of the store until it was durable or refused.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)}),
	}
	m.leases.granted = counter("finest_leases_granted_total", "Leases granted.")
	m.leases.released = counter("finest_leases_released_total", "Releases received.")
	m.leases.submitted = counter("finest_submissions_total", "Results received.")
	return m
}

func (m *metrics) register(registry *prometheus.Registry) error {
	for _, c := range []prometheus.Collector{m.leases.granted, m.leases.released, m.leases.submitted,
		m.ended, m.verdicts, m.proofs, m.problems, m.changes, gauges{m.server}} {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

// gaugeTimeout bounds the counting for one scrape.
const gaugeTimeout = 5 * time.Second

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	tasksDesc       = describe("finest_tasks", "Tasks by crawl and state.", "crawl", "state")
	readyDesc       = describe("finest_tasks_ready", "Tasks that can be leased now.", "crawl")
	leasesDesc      = describe("finest_leases_live", "Leases that are live.")
	auditDesc       = describe("finest_audit_entries", "Entries of the audit log.")
	anchorDesc      = describe("finest_audit_anchored_entries", "Entries of the audit log up to the newest anchor on chain.")
	headDesc        = describe("finest_head_block", "Newest finalised block known.")
	headAgeDesc     = describe("finest_head_age_seconds", "Time since a new finalised block was seen.")
	neuronsAgeDesc  = describe("finest_neurons_age_seconds", "Time since registrations were read from the chain.")
	connectionsDesc = describe("finest_connections", "Connections open.")
	evictedDesc     = describe("finest_connections_evicted_total", "Connections closed because there were too many.")
	surveyDesc      = describe("finest_survey_total", "What looking at files came to, since the server began.", "result")
	drainingDesc    = describe("finest_draining", "1 while the server ends.")
)

// gauges is read whenever it is scraped.
type gauges struct{ s *Server }

func (gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{tasksDesc, readyDesc, leasesDesc, auditDesc, anchorDesc, headDesc, headAgeDesc,
		neuronsAgeDesc, connectionsDesc, evictedDesc, surveyDesc, drainingDesc} {
		out <- d
	}
}

func (g gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	g.collectTotals(out, gauge)
	open, evicted := g.s.conns.count()
	gauge(connectionsDesc, float64(open))
	out <- prometheus.MustNewConstMetric(evictedDesc, prometheus.CounterValue, float64(evicted))
	gauge(headDesc, float64(g.s.chain.number()))
	gauge(headAgeDesc, g.s.chain.age().Seconds())
	gauge(neuronsAgeDesc, g.s.chain.neurons.age().Seconds())
	if g.s.surveyor != nil {
		st := g.s.surveyor.Stats()
		for result, n := range map[string]int64{"file": st.Files, "failure": st.Failures, "surveyed": st.Surveyed,
			"quarantined": st.Quarantined, "confirmed": st.Confirmed, "refuted": st.Refuted} {
			out <- prometheus.MustNewConstMetric(surveyDesc, prometheus.CounterValue, float64(n), result)
		}
	}
	draining := 0.0
	if g.s.draining.Load() {
		draining = 1
	}
	gauge(drainingDesc, draining)
}

func (g gauges) collectTotals(out chan<- prometheus.Metric, gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeTimeout)
	defer cancel()
	t, err := g.s.sums(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(tasksDesc, err)
		return
	}
	var live int64
	for _, c := range t.crawls {
		live += c.Tally.Leased
		gauge(readyDesc, float64(c.Tally.Ready), c.Crawl)
		for state, n := range map[string]int64{
			contract.TaskAvailable: c.Tally.Available, contract.TaskLeased: c.Tally.Leased, contract.TaskSubmitted: c.Tally.Submitted,
			contract.TaskAccepted: c.Tally.Accepted, contract.TaskRejected: c.Tally.Rejected, contract.TaskQuarantined: c.Tally.Quarantined,
		} {
			gauge(tasksDesc, float64(n), c.Crawl, state)
		}
	}
	gauge(leasesDesc, float64(live))
	gauge(auditDesc, float64(t.audit.Seq))
	if t.audit.Anchor != nil {
		gauge(anchorDesc, float64(t.audit.Anchor.Seq))
	}
}

// timedStore measures changes.
type timedStore struct {
	engine.Store
	seconds prometheus.Observer
}

func (s timedStore) Change(ctx context.Context, f func(engine.Tx) error) error {
	began := time.Now()
	defer func() { s.seconds.Observe(time.Since(began).Seconds()) }()
	return s.Store.Change(ctx, f)
}

// ObserveBatches returns what a store that makes several changes durable
// together may tell of each batch: how many they were, and how long it took.
func ObserveBatches(registry *prometheus.Registry) (func(changes int, took time.Duration), error) {
	sizes := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "finest_store_batch_changes", Help: "Changes of the store made durable together.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 10)})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "finest_store_batch_seconds", Help: "Time to make a batch of changes durable.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)})
	for _, c := range []prometheus.Collector{sizes, seconds} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return func(changes int, took time.Duration) {
		sizes.Observe(float64(changes))
		seconds.Observe(took.Seconds())
	}, nil
}
