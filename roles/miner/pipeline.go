package miner

import (
	"context"

	"github.com/rs/zerolog"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/roles/refiner"
)

// NewRefiner returns the Refiner that does the work honestly: it runs runner
// over the receipt's files, read from base. progress may be nil.
func NewRefiner(base polite.Base, runner *pipeline.Runner, progress func(refiner.Progress), log zerolog.Logger) Refiner {
	return func(ctx context.Context, r contract.Receipt, outDir string, finished func(contract.OutputFile)) (*refiner.Report, error) {
		inputs := make([]refiner.Input, len(r.Files))
		for i, f := range r.Files {
			inputs[i] = refiner.Input{Base: base, Path: f.Path, Bytes: f.Bytes}
		}
		return refiner.Refine(ctx, refiner.Options{
			Inputs:   inputs,
			Runner:   runner,
			Dump:     r.Crawl,
			Task:     r.Task,
			Leased:   true,
			OutDir:   outDir,
			WorkDir:  WorkDir(outDir),
			Progress: progress,
			Finished: finished,
			Log:      log,
		})
	}
}
