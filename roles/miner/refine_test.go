package miner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"finest/hub"
	"finest/internal/contract"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/roles/miner"
	"finest/roles/refiner"
	"finest/roles/taskserver/client"
)

// waitForEnd is a refiner that works until it is stopped.
func waitForEnd(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func beat(o *miner.Options) { o.Heartbeat = 30 * time.Second }

func TestDeadlinePasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refineErr = waitForEnd
	out, err := w.once(beat)
	if err != nil || out.Status != miner.Abandoned || !strings.Contains(out.Reason, "deadline") {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if len(w.commits(repo)) > 0 || len(w.submitted) > 0 {
		t.Error("it was published or submitted")
	}
	w.refineErr = nil
	w.tamperReceipt = func(r *contract.Receipt) { r.DeadlineBlock += 10 * deadline }
	w.submitsTask(1)
}

func TestDeadlinePassedWhileAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hubErr = func(op string) error {
		if op == "publish" {
			return hub.ErrUnavailable
		}
		return nil
	}
	if _, err := w.once(); !errors.Is(err, hub.ErrUnavailable) {
		t.Fatal(err)
	}
	w.hubErr = nil
	w.clock.pass(deadline * time.Second)
	if out, err := w.once(); err != nil || out.Status != miner.Abandoned {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if len(w.commits(repo)) > 0 {
		t.Error("it was published")
	}
}

func TestLeaseFenced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refineErr, w.renewErr = waitForEnd, fmt.Errorf("renew: %w", client.ErrFenced)
	if out, err := w.once(beat); err != nil || out.Status != miner.Abandoned || !strings.Contains(out.Reason, "task server") {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
}

// TestRefiningFails: three failures give the task back, also over restarts;
// failures that go away by themselves do not count. Regression of FM-22.
func TestRefiningFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boom := errors.New("boom")
	failure := fmt.Errorf("crawl: %w", polite.ErrUnavailable)
	w.refineErr = func(context.Context) error { return failure }
	for range 5 {
		if out, err := w.once(); !errors.Is(err, polite.ErrUnavailable) {
			t.Fatalf("outcome %+v, error %v", out, err)
		}
	}
	failure = boom
	for range 2 {
		if out, err := w.once(); !errors.Is(err, boom) {
			t.Fatalf("outcome %+v, error %v", out, err)
		}
	}
	out, err := w.once()
	if err != nil || out.Status != miner.Abandoned {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if r, ok := w.released[out.Task]; !ok || strings.Contains(r.Reason, "boom") || r.Missing != "" {
		t.Errorf("released with %+v, %v: the server learns no details", r, ok)
	}
	w.refineErr = nil
	w.submitsTask(1)
}

// TestFileIsGone: a file that the crawl has no more, or not as it was leased, is
// named when the task is given back, so that the server can look for itself.
func TestFileIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elsewhere, err := polite.OpenBase(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	metrics := miner.NewMetrics(registry)
	change := func(o *miner.Options) {
		o.Refine, o.Metrics = miner.NewRefiner(elsewhere, &pipeline.Runner{Recipe: w.recipe}, nil, zerolog.Nop()), metrics
	}
	var wrong *refiner.FileError
	for range 2 {
		if out, err := w.once(change); !errors.As(err, &wrong) {
			t.Fatalf("outcome %+v, error %v", out, err)
		}
	}
	out, err := w.once(change)
	if err != nil || out.Status != miner.Abandoned {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if r := w.released[out.Task]; r.Missing != "a0.warc.gz" || r.Generation != 3 || r.Reason != out.Reason {
		t.Errorf("released with %+v", r)
	}
	if shown := scrape(t, registry); shown["leases_total leased"] != 1 || shown["leases_total missing"] != 1 {
		t.Errorf("metrics are %v", shown)
	}
	w.submitsTask(1)
}

// TestManifestOfAnotherRecipe: what a refiner returns is checked before it is
// signed.
func TestManifestOfAnotherRecipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := w.recipeRef()
	w.refineErr = func(context.Context) error { w.recipe.Stages[0].Params["depth"] = "1"; return nil }
	w.tamperReceipt = func(r *contract.Receipt) { r.Recipe = ref }
	if _, err := w.once(func(o *miner.Options) { o.Recipe = ref }); err == nil || !strings.Contains(err.Error(), "recipe") {
		t.Errorf("error %v", err)
	}
	if len(w.commits(repo)) > 0 {
		t.Error("it was published")
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var full *miner.SpaceError
	_, err := w.once(func(o *miner.Options) { o.FreeBytes = func(string) (int64, error) { return 1 << 20, nil } })
	if !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) || full.Free != 1<<20 {
		t.Fatalf("error %v", err)
	}
	if len(w.refined) > 0 || len(w.released) > 0 {
		t.Error("work was done, or the lease given back")
	}
	w.submitsTask(0)
}
