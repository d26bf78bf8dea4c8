package taskserver

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"finest/internal/contract"
)

// gaugeTimeout bounds the counting for one scrape.
const gaugeTimeout = 5 * time.Second

var tasksDesc = prometheus.NewDesc("finest_tasks", "Tasks by state.", []string{"state"}, nil)

// taskGauge counts tasks by state whenever it is scraped.
type taskGauge struct{ store Store }

func (taskGauge) Describe(out chan<- *prometheus.Desc) { out <- tasksDesc }

func (g taskGauge) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeTimeout)
	defer cancel()
	counts, err := g.store.TaskCounts(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(tasksDesc, err)
		return
	}
	for _, state := range []string{contract.TaskAvailable, contract.TaskLeased, contract.TaskSubmitted} {
		out <- prometheus.MustNewConstMetric(tasksDesc, prometheus.GaugeValue, float64(counts[state]), state)
	}
}
