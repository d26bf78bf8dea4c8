package validator_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"finest/chain"
	"finest/roles/validator"
)

// scrape returns what a registry shows of a validator, without zeros.
func scrape(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]float64)
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "finest_validator_")
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

// TestMetrics: what a scrape shows is what the round returned.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	registry := prometheus.NewRegistry()
	metrics := validator.NewMetrics(registry)
	down := &brokenChain{Client: w.Chain, err: chain.ErrUnavailable}
	w.change = append(w.change, func(o *validator.Options) { o.Metrics, o.Chain = metrics, down })
	if shown := scrape(t, registry); len(shown) > 0 || metrics.Ready() == nil {
		t.Errorf("before the first round: %v, ready: %v", shown, metrics.Ready())
	}

	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	bert.Honest()
	last := workOf(tamper)(w, anna)
	w.AwaitFinal(w.Protocol.SeedBlock(last))
	if _, err := w.try(); err == nil || !errors.Is(metrics.Ready(), chain.ErrUnavailable) {
		t.Errorf("round without a chain: error %v, ready: %v", err, metrics.Ready())
	}

	down.err = nil
	w.board.err = errors.New("the board is down")
	round := w.once()
	shown := scrape(t, registry)
	if err := metrics.Ready(); err != nil || shown["last_round_timestamp_seconds"] == 0 {
		t.Errorf("ready: %v, shown %v", err, shown)
	}
	if bytes := shown["crawl_bytes_total"]; bytes < 1000 {
		t.Errorf("%v bytes of the crawl", bytes)
	}
	if shown["board_failures_total publish verdicts"]+shown["board_failures_total send a fraud proof"]+shown["board_failures_total read fraud proofs"] == 0 {
		t.Errorf("no failure of the board in %v", shown)
	}
	for name := range shown {
		if strings.HasPrefix(name, "last_") || strings.HasPrefix(name, "crawl_") || strings.HasPrefix(name, "board_") {
			delete(shown, name)
		}
	}
	want := map[string]float64{
		"block": float64(round.Block), "weights_block": float64(round.WeightsBlock), "weights_set_total": 1,
		"cases accepted": 1, "cases rejected": 1, "checks_total accepted": 1, "checks_total rejected": 1, "audits_total accepted": 1,
		"audits_total rejected": 1, "rounds_total ok": 1, "rounds_total failed": 1, "frauds": 1,
	}
	if fmt.Sprint(shown) != fmt.Sprint(want) {
		t.Errorf("a round leads to\n%v, want\n%v", shown, want)
	}

	// A claim waits for its seed.
	second, _ := bert.Honest()
	w.AwaitFinal(second)
	round = w.once()
	shown = scrape(t, registry)
	if round.Pending != 1 || shown["cases waiting"] != 1 || shown["queue_age_blocks"] != float64(round.Block-second) {
		t.Errorf("with a claim of block %d in round %+v: %v", second, round, shown)
	}
}
