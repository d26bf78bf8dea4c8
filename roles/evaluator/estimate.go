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
	// Run is how long one takes; 0 where it is not known.
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
func (e *Evaluator) Estimate(ctx context.Context, arms, blocks int) (Estimate, error) {
	spec := e.o.Tier.Spec
	batch := int64(spec.Batch) * int64(spec.Config.Context)
	plan, err := e.panel.Draw(e.o.Seed.Sub("panel")).Plan(e.comparer.Tokenizer, spec.Config.Context)
	if err != nil {
		return Estimate{}, err
	}
	out := Estimate{Runs: arms * e.o.Tier.Seeds * blocks, Tokens: int64(spec.Steps()) * batch}
	for _, x := range plan.Examples {
		out.Scored += int64(len(x.Tokens))
	}
	before := e.o.PeakMemory()
	if native, ok := e.o.Trainer.(*lm.Native); ok {
		trial := spec
		trial.Tokens = trialSteps * batch
		r, err := native.Train(ctx, lm.Job{Spec: trial, Data: noise{e.o.Seed, spec.Config.Vocab}})
		if err != nil {
			return Estimate{}, fmt.Errorf("try how fast this machine trains: %w", err)
		}
		// Scoring is one of the three passes that training takes.
		passes := float64(out.Tokens) + float64(out.Scored)/3
		out.Run = time.Duration(r.TrainSeconds / float64(r.Tokens) * passes * float64(time.Second))
	}
	// The heap grows to twice what is in use before garbage is collected.
	out.Memory = before + 2*(e.o.PeakMemory()-before+e.indexMemory()+e.sampleMemory(int64(arms), out.Tokens))
	return out, nil
}

// sampleMemory is what texts and tokens take: while a dataset is read the text of
// its samples, and then two bytes a token of all of them.
func (e *Evaluator) sampleMemory(arms, tokens int64) int64 {
	seeds := int64(e.o.Tier.Seeds)
	return seeds * tokens * (int64(e.o.Tier.BytesPerToken) + 2*arms)
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
