package devnet

import (
	"context"
	"fmt"

	"finest/hub"
	"finest/internal/contract"
	"finest/roles/miner"
	"finest/roles/refiner"
)

// actor is one miner of the devnet.
type actor struct {
	name string
	// about is what it does, in a few words.
	about string
	// after is the actor whose claim it waits for before it starts.
	after string
	// behave makes the actor's Refiner of the honest one.
	behave func(w *world, honest miner.Refiner) miner.Refiner
}

const (
	honest     = "honest"
	honestSlow = "honest-slow"
)

// actors, in the order in which they start, each with a task of its own.
//
// A score fades with the age of the claim. So that only timeliness tells the
// two honest ones apart, honest starts when honest-slow has claimed.
var actors = []actor{
	{name: honestSlow, about: "refines its task and claims half-way to the deadline", behave: slowly},
	{name: "fabricator", about: "adds rows that are in no WARC file", behave: cheating(fabricate)},
	{name: "withholder", about: "drops nine rows of ten", behave: cheating(withhold)},
	{name: "tamperer", about: "edits the text of real rows", behave: cheating(tamper)},
	{name: honest, about: "refines its task", after: honestSlow, behave: honestly},
	{name: "copycat", about: "republishes honest's rows under its own receipt", after: honest, behave: copying},
}

// honestly does nothing but the work.
func honestly(_ *world, refine miner.Refiner) miner.Refiner { return refine }

// slowly does the work and waits until half the time to the deadline is over.
func slowly(w *world, refine miner.Refiner) miner.Refiner {
	return func(ctx context.Context, r contract.Receipt, outDir string, finished func(contract.OutputFile)) (*refiner.Report, error) {
		report, err := refine(ctx, r, outDir, finished)
		if err != nil {
			return nil, err
		}
		half := r.Block + (r.DeadlineBlock-r.Block)/2
		_, err = w.chain.WaitFinalized(ctx, half-finalityLag)
		return report, err
	}
}

// cheating does the work and changes the result.
func cheating(change func(*refined)) func(*world, miner.Refiner) miner.Refiner {
	return func(_ *world, refine miner.Refiner) miner.Refiner {
		return func(ctx context.Context, r contract.Receipt, outDir string, _ func(contract.OutputFile)) (*refiner.Report, error) {
			report, err := refine(ctx, r, outDir, nil)
			if err != nil {
				return nil, err
			}
			result, err := load(report.Manifest, inFolder(outDir))
			if err != nil {
				return nil, fmt.Errorf("read what was refined: %w", err)
			}
			change(&result)
			return report, rewrite(outDir, &report.Manifest, result)
		}
	}
}

// copying does no work: it takes what honest published.
func copying(w *world, _ miner.Refiner) miner.Refiner {
	return func(ctx context.Context, r contract.Receipt, outDir string, _ func(contract.OutputFile)) (*refiner.Report, error) {
		victim, err := w.published(honest)
		if err != nil {
			return nil, err
		}
		m, result, err := loadPublished(ctx, w.hub, hub.Ref{Repo: victim.Repo, Revision: victim.Commit}, w.taskOf(honest))
		if err != nil {
			return nil, err
		}
		m.Task, m.Dump, m.Receipt, m.Hotkey, m.Signature = r.Task, r.Crawl, nil, "", ""
		m.Inputs[0].Path, m.Inputs[0].Bytes = r.Files[0].Path, r.Files[0].Bytes
		relabel(&result, r)
		if err := rewrite(outDir, &m, result); err != nil {
			return nil, err
		}
		return &refiner.Report{Manifest: m}, nil
	}
}
