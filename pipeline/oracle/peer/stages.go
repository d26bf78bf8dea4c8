package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/recipes"
)

// gcPercent is what the program sets for itself.
const gcPercent = 400

// measureStages runs one worker with the process's own processor time for a
// clock, so that what the collector of garbage does counts for the stage that is
// at work.
func measureStages(ctx context.Context, path string, out io.Writer) error {
	debug.SetGCPercent(gcPercent)
	recipe, err := recipes.Named(recipes.FineWebNoLists)
	if err != nil {
		return err
	}
	runner, err := recipes.Build(recipe, "")
	if err != nil {
		return err
	}
	runner.Workers, runner.Now = 1, processorTime
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	r := report{Start: seconds(processorTime()), Stages: make(map[string]float64)}
	clusterer := minhash.NewClusterer(keysort.Options{})
	defer func() { _ = clusterer.Close() }()
	var without int
	stats, err := runner.Scan(ctx, f, pipeline.File{Path: "sample.warc.gz", Dump: contract.LocalTask, Bytes: -1}, func(result pipeline.Result) error {
		if result.Row != nil && len(result.Ledger.BandKeys) == 0 {
			without++
		}
		if len(result.Ledger.BandKeys) == 0 {
			return nil
		}
		return clusterer.Add(result.Ledger.BandKeys)
	})
	if err != nil {
		return err
	}
	for name, t := range stats.StageTime {
		r.Stages[name] = t.Seconds()
	}
	start := processorTime()
	keepers, err := clusterer.Keepers(ctx)
	if err != nil {
		return err
	}
	r.Stages["clusters"] = processorTime().Sub(start).Seconds()
	r.Pages, r.Kept = int(stats.Pages), without
	for i, keeper := range keepers {
		if keeper == uint32(i) {
			r.Kept++
		}
	}
	return json.NewEncoder(out).Encode(r)
}

// processorTime is the time that the process has used, as a time since 1970.
func processorTime() time.Time {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return time.Time{}
	}
	return time.Unix(0, u.Utime.Nano()+u.Stime.Nano())
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
