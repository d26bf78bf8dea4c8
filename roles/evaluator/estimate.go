package evaluator

import (
	"context"
	"fmt"
	"time"

	"finest/eval"
	"finest/eval/lm"
)

// Estimate is what an evaluation will take at most; runs that are finished
// already take nothing.
type Estimate struct {
	Runs int
	// Tokens are trained on, Scored scored in each run.
	Tokens, Scored int64
	// Run is how long one takes on this machine; 0 where it is not known.
	Run time.Duration
	// Memory is in bytes, without what a trainer that is another program takes.
	Memory int64
}

// Total is how long all runs take.
func (e Estimate) Total() time.Duration { return time.Duration(e.Runs) * e.Run }

// trialSteps are trained to learn how fast this machine is.
const trialSteps = 2

// Estimate trains two steps of a run, if that is done in this process, and
// reckons what the whole takes. blocks is 1 but for a calibration.
func (e *Evaluator) Estimate(ctx context.Context, datasets, blocks int) (Estimate, error) {
	known, err := e.comparer.Estimate(datasets)
	if err != nil {
		return Estimate{}, err
	}
	out := Estimate{Runs: known.Runs * blocks, Tokens: known.Tokens, Scored: known.Scored}
	// An index grows by twice its size, so that half of it is garbage.
	out.Memory = e.o.PeakMemory() + 2*e.indexMemory() + known.Memory
	native, ok := e.o.Trainer.(*lm.Native)
	if !ok {
		return out, nil
	}
	trial := e.o.Tier.Spec
	trial.Tokens = trialSteps * int64(trial.Batch) * int64(trial.Config.Context)
	r, err := native.Train(ctx, lm.Job{Spec: trial, Data: noise{e.o.Seed, trial.Config.Vocab}})
	if err != nil {
		return Estimate{}, fmt.Errorf("try how fast this machine trains: %w", err)
	}
	// Scoring is one of the three passes that training takes.
	passes := float64(out.Tokens) + float64(out.Scored)/3
	out.Run = time.Duration(r.TrainSeconds / float64(r.Tokens) * passes * float64(time.Second))
	return out, nil
}

// indexShare is what an index of all runs of words in a text takes, in bytes a
// byte of it.
const indexShare = 6

// indexMemory is what finding held-out text takes.
func (e *Evaluator) indexMemory() int64 {
	bytes := int64(0)
	for _, text := range e.panel.Texts() {
		bytes += int64(len(text))
	}
	return indexShare * bytes
}

// noise is data that costs as much as any other.
type noise struct {
	seed  eval.Seed
	vocab int
}

func (noise) Steps() int { return trialSteps }

func (n noise) Batch(step int, dst []uint16) {
	stream := n.seed.Sub(fmt.Sprintf("trial/%d", step)).Stream()
	for i := range dst {
		dst[i] = uint16(stream.Below(uint64(n.vocab)))
	}
}
