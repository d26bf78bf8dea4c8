package compare

import (
	"fmt"
	"time"

	"finest/eval"
	"finest/eval/lm"
)

// Estimate is what a comparison takes at most: finished runs take nothing.
type Estimate struct {
	// Runs is the number of models, Tokens what each is trained on, Scored what each
	// is scored on.
	Runs   int   `json:"runs"`
	Tokens int64 `json:"tokens"`
	Scored int64 `json:"scored"`
	// Operations are those of floating point in all runs.
	Operations float64 `json:"operations"`
	// CPU is the time of one processor that all runs take; 0 where the rate of the
	// kernel is not known.
	CPU time.Duration `json:"cpu"`
	// Memory is in bytes: texts while they are read, tokens of all runs, and one
	// model with what its training takes in this process.
	Memory int64 `json:"memory"`
}

// nativeRates are operations a second of one processor (lm.Config.FLOPsPerToken),
// as BenchmarkTrainStep of package lm measures them on an AMD EPYC of Zen 3 with
// the model of tiers quick and cpu: 7,900 to 9,200 tokens of 7.1 million operations
// each with AVX2, some 280 without.
var nativeRates = map[string]float64{"native/avx2-fma": 60e9, "native/generic": 2e9}

// Estimate says what a comparison of so many datasets takes.
func (c *Comparer) Estimate(datasets int) (Estimate, error) {
	if err := c.Tier.Validate(); err != nil {
		return Estimate{}, err
	}
	spec := c.Tier.Spec
	plan, err := c.Panel.Draw(eval.Seed{}).Plan(c.Tokenizer, spec.Config.Context)
	if err != nil {
		return Estimate{}, fmt.Errorf("draw panel: %w", err)
	}
	_, scored := sumExamples(plan.Examples)
	e := Estimate{Runs: datasets * c.Tier.Seeds, Tokens: passTokens(spec), Scored: scored}
	perToken := spec.Config.FLOPsPerToken()
	e.Operations = float64(e.Runs) * perToken * (float64(e.Tokens) + float64(scored)/trainPasses)
	if rate := nativeRates[c.Trainer.Kernel()]; rate > 0 {
		e.CPU = time.Duration(e.Operations / rate * float64(time.Second))
	}
	limit := spec.Tokens * int64(c.Tier.BytesPerToken)
	e.Memory = max(limit, min(poolMemory, limit*int64(c.Tier.Seeds))) + 2*int64(e.Runs)*e.Tokens + modelMemory(spec)
	return e, nil
}

// passTokens is how many tokens a run is trained on.
func passTokens(s lm.Spec) int64 {
	return int64(s.Steps()) * int64(s.Batch) * int64(s.Config.Context)
}

// modelMemory is about what training takes: weights, two moments and one gradient
// a shard; and for each token of a batch what every layer keeps for its gradient
// and the scores of all tokens.
func modelMemory(s lm.Spec) int64 {
	c := s.Config
	perToken := int64(c.Layers)*int64(14*c.Dim+2*c.Hidden) + 2*int64(c.Vocab)
	return 4 * ((3+lm.Shards)*c.Params() + int64(s.Batch)*int64(c.Context)*perToken)
}
