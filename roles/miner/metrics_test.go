package miner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"finest/hub"
	"finest/roles/miner"
)

// scrape returns what a registry shows of a miner, without zeros.
func scrape(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]float64)
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "finest_miner_")
			for _, l := range metric.GetLabel() {
				name += " " + l.GetValue()
			}
			if v := metric.GetCounter().GetValue() + metric.GetGauge().GetValue(); v != 0 {
				shown[name] = v
			}
		}
	}
	return shown
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shards = 3
	registry := prometheus.NewRegistry()
	metrics := miner.NewMetrics(registry)

	// A hub that comes back is a retry, and trouble for as long as it is away.
	failures := 2
	var trouble error
	w.hubErr = func(op string) error {
		if op == "publish" && failures > 0 {
			failures--
			trouble = metrics.Ready()
			return hub.ErrUnavailable
		}
		return nil
	}
	use := func(o *miner.Options) { o.Metrics = metrics }
	if _, err := w.once(use); err != nil {
		t.Fatal(err)
	}
	shown := scrape(t, registry)
	if trouble == nil || !strings.Contains(trouble.Error(), "cannot publish") {
		t.Errorf("while the hub was away the miner was ready: %v", trouble)
	}
	if err := metrics.Ready(); err != nil {
		t.Errorf("not ready afterwards: %v", err)
	}
	if shown["head_block"] < 100 {
		t.Errorf("head block %v", shown["head_block"])
	}
	delete(shown, "head_block")
	want := map[string]float64{
		"leases_total leased": 1, "leases_total submitted": 1, "claims_total": 1, "shards_total": 3, "pages_total": 10, "documents_total": 2,
		"warc_bytes_total": 3000, "retries_total hub": 2,
	}
	if fmt.Sprint(shown) != fmt.Sprint(want) {
		t.Errorf("a task leads to\n%v, want\n%v", shown, want)
	}

	// What fails leaves the lease as it is, and the miner not ready.
	boom := errors.New("boom")
	w.refineErr = func(context.Context) error { return boom }
	_, err := w.once(use)
	shown = scrape(t, registry)
	if !errors.Is(err, boom) || shown["lease leased"] != 1 || shown["deadline_block"] == 0 || !errors.Is(metrics.Ready(), boom) {
		t.Errorf("error %v, ready: %v, shown %v", err, metrics.Ready(), shown)
	}
}
