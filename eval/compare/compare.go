package compare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"finest/eval"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
)

// Tokenizer turns text into the tokens that the models know.
type Tokenizer interface {
	panel.Encoder
	// Vocab is the number of tokens.
	Vocab() int
	// Name and Hash say which one it is.
	Name() string
	Hash() string
}

// Comparer compares datasets at one tier. It may be used for one comparison after
// the other, not for two at once.
type Comparer struct {
	Tier  Tier
	Panel *panel.Panel
	// Trainer may be of another kind than Tier.Trainer, not Tokenizer of another
	// size than Tier.Vocab.
	Trainer   lm.Trainer
	Tokenizer Tokenizer
	// Runs keeps finished runs; nil keeps none.
	Runs *Runs
	// Calibration is the tier's; without one nothing is resolved. See
	// Tier.Calibration.
	Calibration stats.Calibration
	// Progress is called now and then, from the goroutine of the caller; nil is
	// never. Now is the clock that its Left is told by; nil is time.Now.
	Progress func(Progress)
	Now      func() time.Time

	guard *guard
}

// ErrNoText is wrapped by the error about a dataset of which nothing is left to
// train on.
var ErrNoText = errors.New("there is no text to train on")

// RunError is the error of a run that came to nothing. It wraps lm.ErrDiverged
// where the model could not be trained on the data.
type RunError struct {
	Role    Role
	Dataset string
	// Run of Runs, counted from 1.
	Run, Runs int
	Err       error
}

func (e *RunError) Error() string {
	return fmt.Sprintf("train on %s %q, run %d of %d: %v", e.Role, e.Dataset, e.Run, e.Runs, e.Err)
}

func (e *RunError) Unwrap() error { return e.Err }

// Compare says whether the candidate's data makes better models than the
// reference's. With a naive anchor, made of the same pages without any
// refinement, it says also where the candidate is between naive and reference.
//
// A comparison that could not be made is an error: of ctx, of a dataset, ErrNoText,
// or a RunError. Called again with the same seed it trains only what is not in
// Runs.
func (c *Comparer) Compare(ctx context.Context, seed eval.Seed, candidate, reference Input, naive *Input) (*Comparison, error) {
	inputs := []armInput{{Candidate, candidate}, {Reference, reference}}
	if naive != nil {
		inputs = append(inputs, armInput{Naive, *naive})
	}
	s, err := c.begin(seed)
	if err != nil {
		return nil, err
	}
	if c.Calibration.Tier != "" && c.Calibration.Spec != s.spec {
		return nil, fmt.Errorf("the calibration of tier %s is of another training spec", c.Calibration.Tier)
	}
	if naive != nil {
		if s.guard, err = s.guard.excuse(ctx, naive.Documents); err != nil {
			return nil, fmt.Errorf("read %s %q: %w", Naive, naive.Name, err)
		}
	}
	arms, err := s.readAll(ctx, inputs)
	if err != nil {
		return nil, err
	}
	out := s.comparison(arms)
	for _, anchor := range arms[1:] { // nobody is refused for what an anchor without text has not
		if err := anchor.hasText(); err != nil {
			return nil, err
		}
	}
	if s.refuse(out) {
		return out, nil
	}
	if err := s.train(ctx, arms); err != nil {
		return nil, err
	}
	return out, s.judge(out, arms)
}
