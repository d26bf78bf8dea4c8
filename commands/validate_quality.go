package commands

import (
	"path/filepath"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm/bpe"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/pipeline/recipes"
	"finest/roles/evaluator"
	"finest/roles/validator"
)

// noTier is the value of --tier for a validator that trains nothing.
const noTier = "none"

// qualityFlags are those of check 5.
func qualityFlags() []cliFlag {
	return []cliFlag{
		stringFlag("tier", "cpu", "`TIER` to judge recipes at: "+tierNames()+"; "+noTier+" judges none"),
		trainerFlag(), calibrationFlag(),
	}
}

// qualityOf returns how recipes are judged; nil for not at all. Panel, tokenizer,
// trainer and the folder of the state are looked for when there is something to
// compare.
func qualityOf(c *invocation, p eval.Protocol, dataDir *string) (*validator.Quality, error) {
	if c.String("tier") == noTier {
		return nil, nil
	}
	q := &validator.Quality{}
	var err error
	if q.Tier, err = compare.TierNamed(c.String("tier")); err != nil {
		return nil, usageError("--tier: %w", err)
	}
	q.Tier.Seeds = max(q.Tier.Seeds, p.ComparisonSeeds)
	if q.Reference, err = recipes.Named(p.ReferenceRecipe); err != nil {
		return nil, err
	}
	if q.Naive, err = recipes.Named(recipes.Naive); err != nil {
		return nil, err
	}
	definition := panel.Window(q.Tier.Panel)
	for _, s := range definition.Suites {
		if s.Name == panel.SuiteCrawl {
			q.Pages = s.Units
		}
	}
	calibration, err := calibrationOf(c, q.Tier)
	if err != nil {
		return nil, err
	}
	q.Comparer = func(crawl []panel.Unit) (*compare.Comparer, error) {
		of := &compare.Comparer{Tier: q.Tier, Calibration: calibration}
		var err error
		if of.Panel, err = panel.Load(c.String("assets"), definition); err != nil {
			return nil, err
		}
		if of.Panel, err = of.Panel.With(panel.SuiteCrawl, crawl); err != nil {
			return nil, err
		}
		if of.Tokenizer, err = bpe.Load(q.Tier.Vocab()); err != nil {
			return nil, err
		}
		if of.Trainer, err = trainerOf(c, q.Tier, filepath.Join(*dataDir, "quality", "trainer")); err != nil {
			return nil, err
		}
		estimate, err := of.Estimate(3)
		if err != nil {
			return nil, err
		}
		allowMemory(2 * estimate.Memory)
		return of, nil
	}
	q.Progress = func(recipe string, p compare.Progress) {
		c.out.progress(func() string { return recipe + ": " + evalLine(evaluator.Progress{Progress: p}) })
	}
	return q, nil
}

// calibrationOf returns that of a tier from the file of --calibration, else the one
// in this program; none where there is none.
func calibrationOf(c *invocation, t compare.Tier) (stats.Calibration, error) {
	own, err := calibrationsIn(c, "calibration")
	if err != nil {
		return stats.Calibration{}, err
	}
	builtin, err := stats.Builtin()
	if err != nil {
		return stats.Calibration{}, err
	}
	of, _, err := t.Calibration(append(own, builtin...))
	return of, err
}
