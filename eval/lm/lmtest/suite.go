// Package lmtest holds the contract of lm.Trainer as tests that every
// implementation passes.
package lmtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"finest/eval"
	"finest/eval/lm"
)

// Suite runs the specs, each with a trainer of its own.
func Suite(t *testing.T, newTrainer func(t *testing.T) lm.Trainer) {
	specs := []struct {
		name string
		run  func(t *testing.T, trainer lm.Trainer)
	}{
		{"learns/untied", func(t *testing.T, trainer lm.Trainer) { specLearns(t, trainer, false) }},
		{"learns/tied", func(t *testing.T, trainer lm.Trainer) { specLearns(t, trainer, true) }},
		{"repeatable", specRepeatable},
		{"scores/one for each example", specScores},
		{"scores/nobody looks ahead", specCausal},
		{"scores/none needed", specNoExamples},
		{"progress", specProgress},
		{"refusals", specRefusals},
		{"diverges", specDiverges},
		{"context/ended before", specEndedBefore},
		{"context/ends in training", specEndsInTraining},
		{"context/ends in scoring", specEndsInScoring},
	}
	for _, s := range specs {
		t.Run(s.name, func(t *testing.T) { s.run(t, newTrainer(t)) })
	}
}

// branches is between how many tokens, equally likely, the language of Job leaves
// the choice: nobody can predict it with less than ln(branches) nats a token.
const branches = 2

const (
	vocab     = 24
	positions = 16
	eos       = vocab - 1
)

// sentence draws a document of a language in which token a is followed by
// (3a + 1) or (3a + 2) modulo vocab − 1.
func sentence(r *eval.Stream, length int) []uint16 {
	tokens := make([]uint16, length)
	tokens[0] = uint16(r.Below(eos))
	for i := range length - 1 {
		tokens[i+1] = uint16((3*uint64(tokens[i]) + 1 + r.Below(branches)) % eos)
	}
	return tokens
}

// Job returns a run of a tiny model on a language of a few tokens, which takes
// well below a second: a number of steps, and examples of all lengths.
func Job(t testing.TB, seed string, steps, examples int, tied bool) lm.Job {
	t.Helper()
	root := eval.Seed{}.Sub(seed)
	s := lm.Spec{
		Version: lm.Version,
		Config:  lm.Config{Vocab: vocab, Dim: 16, Layers: 2, Heads: 2, Hidden: 48, Context: positions, Tied: tied},
		Batch:   8, MuonRate: 0.02, AdamRate: 0.01, WarmUp: 0.05, Decay: 0.5, Seed: root.Sub("init"),
	}
	s.Tokens = int64(steps * s.Batch * positions)
	r := root.Sub("text").Stream()
	documents := make([][]uint16, 200)
	for i := range documents {
		documents[i] = sentence(r, 100)
	}
	data, _, err := lm.Pack(documents, eos, s, root.Sub("order"))
	if err != nil {
		t.Fatal(err)
	}
	j := lm.Job{Spec: s, Data: data, Examples: make([]lm.Example, examples)}
	for i := range j.Examples {
		length := 2 + i%positions
		j.Examples[i] = lm.Example{Tokens: sentence(r, length), From: 1 + i%(length-1)}
	}
	return j
}

func train(t *testing.T, trainer lm.Trainer, j lm.Job) lm.Result {
	t.Helper()
	r, err := trainer.Train(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func specLearns(t *testing.T, trainer lm.Trainer, tied bool) {
	const steps, examples = 150, 200
	j := Job(t, "learns", steps, examples, tied)
	r := train(t, trainer, j)
	if r.Kernel == "" || r.Kernel != trainer.Kernel() {
		t.Errorf("a result of kernel %q by a trainer of kernel %q", r.Kernel, trainer.Kernel())
	}
	if want := int64(steps) * int64(j.Spec.Batch) * positions; r.Tokens != want {
		t.Errorf("trained on %d tokens, want %d", r.Tokens, want)
	}
	if len(r.Losses) != steps {
		t.Fatalf("%d losses for %d steps", len(r.Losses), steps)
	}
	for i, p := range r.Losses {
		if p.Step != i+1 {
			t.Fatalf("loss %d is of step %d", i, p.Step)
		}
	}
	first, least := r.Losses[0].Loss, math.Log(branches)
	if math.Abs(first-math.Log(vocab)) > 0.7 {
		t.Errorf("the loss begins at %.3f, a model that knows nothing has %.3f", first, math.Log(vocab))
	}
	var nll float64
	var tokens, correct int
	for _, s := range r.Scores {
		nll, tokens, correct = nll+s.NLL, tokens+s.Tokens, correct+s.Correct
	}
	if got := nll / float64(tokens); got < 0.97*least || got > least+0.12 {
		t.Errorf("%.3f nats a token of texts not trained on, the language has %.3f", got, least)
	}
	if share := float64(correct) / float64(tokens); math.Abs(share-1.0/branches) > 0.1 {
		t.Errorf("%.3f of the tokens were thought the likeliest, want about 1 of %d", share, branches)
	}
	if !(r.TrainSeconds > 0) || r.EvalSeconds < 0 || r.CPUSeconds < 0 {
		t.Errorf("took %v s, %v s and %v s of the processor", r.TrainSeconds, r.EvalSeconds, r.CPUSeconds)
	}
}

func specRepeatable(t *testing.T, trainer lm.Trainer) {
	run := func(seed string) lm.Result { return train(t, trainer, Job(t, seed, 10, 40, false)) }
	first, again, other := run("a"), run("a"), run("b")
	if !slices.Equal(first.Losses, again.Losses) || !slices.Equal(first.Scores, again.Scores) {
		t.Error("the same run came to other numbers")
	}
	if slices.Equal(first.Losses, other.Losses) {
		t.Error("another seed and other data came to the same losses")
	}
}

func specScores(t *testing.T, trainer lm.Trainer) {
	j := Job(t, "scores", 20, 100, false)
	before := make([][]uint16, len(j.Examples))
	for i, e := range j.Examples {
		before[i] = slices.Clone(e.Tokens)
	}
	all := train(t, trainer, j)
	if len(all.Scores) != len(j.Examples) {
		t.Fatalf("%d scores of %d examples", len(all.Scores), len(j.Examples))
	}
	for i, s := range all.Scores {
		e := j.Examples[i]
		if s.Tokens != len(e.Tokens)-e.From || s.Correct < 0 || s.Correct > s.Tokens || !(s.NLL > 0) {
			t.Errorf("example of %d tokens from %d has the score %+v", len(e.Tokens), e.From, s)
		}
		if !slices.Equal(e.Tokens, before[i]) {
			t.Errorf("example %d was changed", i)
		}
	}
	// The others in a run, and their order, are nothing to an example.
	some := j
	some.Examples = []lm.Example{j.Examples[60], j.Examples[3], j.Examples[31]}
	for i, s := range train(t, trainer, some).Scores {
		same(t, "scored with others", s, all.Scores[[]int{60, 3, 31}[i]])
	}
}

// same compares two scores that may differ by rounding.
func same(t *testing.T, what string, got, want lm.Score) {
	t.Helper()
	if math.Abs(got.NLL-want.NLL) > 1e-3*float64(want.Tokens) || got.Tokens != want.Tokens || got.Correct != want.Correct {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func specCausal(t *testing.T, trainer lm.Trainer) {
	j := Job(t, "causal", 20, 0, false)
	whole := sentence(eval.Seed{}.Sub("causal").Stream(), positions+1)
	for cut := 2; cut < len(whole); cut++ {
		changed := slices.Clone(whole)
		for i := cut; i < len(changed); i++ {
			changed[i] = (changed[i] + 5) % vocab
		}
		j.Examples = append(j.Examples,
			lm.Example{Tokens: whole[:cut], From: 1}, lm.Example{Tokens: whole, From: cut},
			lm.Example{Tokens: changed, From: 1}, lm.Example{Tokens: changed, From: cut})
	}
	r := train(t, trainer, j)
	sum := func(a, b lm.Score) lm.Score {
		return lm.Score{NLL: a.NLL + b.NLL, Tokens: a.Tokens + b.Tokens, Correct: a.Correct + b.Correct}
	}
	for i := 0; i < len(r.Scores); i += 4 {
		head, tail, changed, changedTail := r.Scores[i], r.Scores[i+1], r.Scores[i+2], r.Scores[i+3]
		if i > 0 {
			same(t, "a text is its two parts", sum(head, tail), sum(r.Scores[0], r.Scores[1]))
		}
		same(t, "a text whose end is changed", changed, sum(head, changedTail))
	}
}

func specNoExamples(t *testing.T, trainer lm.Trainer) {
	if r := train(t, trainer, Job(t, "none", 3, 0, false)); len(r.Scores) != 0 || len(r.Losses) != 3 {
		t.Errorf("%d scores and %d losses of 3 steps without examples", len(r.Scores), len(r.Losses))
	}
}

func specProgress(t *testing.T, trainer lm.Trainer) {
	j := Job(t, "progress", 12, 30, false)
	var told []lm.Progress
	j.Progress = func(p lm.Progress) { told = append(told, p) }
	r := train(t, trainer, j)
	if len(told) == 0 {
		t.Fatal("no progress was reported")
	}
	perStep := int64(j.Spec.Batch) * positions
	for i, p := range told {
		if p.Steps != 12 || p.Examples != 30 || p.Step < 1 || p.Step > 12 || p.Tokens != int64(p.Step)*perStep || p.Elapsed < 0 {
			t.Errorf("progress %+v", p)
		}
		if p.Loss != r.Losses[max(p.Step, 1)-1].Loss {
			t.Errorf("progress tells a loss of %v after step %d, the result one of %v", p.Loss, p.Step, r.Losses[max(p.Step, 1)-1].Loss)
		}
		if i > 0 && (p.Step < told[i-1].Step || p.Example < told[i-1].Example || p.Elapsed < told[i-1].Elapsed) {
			t.Errorf("progress went back from %+v to %+v", told[i-1], p)
		}
		if p.Example > 0 && p.Step < p.Steps {
			t.Errorf("examples are scored before training is over: %+v", p)
		}
	}
	if last := told[len(told)-1]; last.Step != 12 || last.Example != 30 {
		t.Errorf("the last report was %+v", last)
	}
}

func specRefusals(t *testing.T, trainer lm.Trainer) {
	for _, c := range []struct {
		name  string
		spoil func(j *lm.Job)
	}{
		{"no data", func(j *lm.Job) { j.Data = nil }},
		{"data of fewer steps", func(j *lm.Job) { j.Spec.Tokens *= 2 }},
		{"a token that is none", func(j *lm.Job) { j.Data = constant{vocab, j.Spec} }},
		{"no model", func(j *lm.Job) { j.Spec.Config = lm.Config{} }},
		{"a rate of nothing", func(j *lm.Job) { j.Spec.MuonRate = 0 }},
		{"an empty example", func(j *lm.Job) { j.Examples[1] = lm.Example{From: 1} }},
		{"an example that predicts its first token", func(j *lm.Job) { j.Examples[1].From = 0 }},
		{"an example that predicts nothing", func(j *lm.Job) { j.Examples[1].From = len(j.Examples[1].Tokens) }},
		{"an example beyond the context", func(j *lm.Job) { j.Examples[1].Tokens = make([]uint16, positions+2) }},
		{"an example of no vocabulary", func(j *lm.Job) { j.Examples[1].Tokens = []uint16{1, vocab} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := Job(t, "refusals", 2, 3, false)
			c.spoil(&j)
			if r, err := trainer.Train(t.Context(), j); err == nil || errors.Is(err, lm.ErrDiverged) {
				t.Errorf("came to %d scores and the error %v, want another error", len(r.Scores), err)
			}
		})
	}
}

// constant is data of one token.
type constant struct {
	token uint16
	spec  lm.Spec
}

func (c constant) Steps() int { return c.spec.Steps() }

func (c constant) Batch(_ int, dst []uint16) {
	for i := range dst {
		dst[i] = c.token
	}
}

func specDiverges(t *testing.T, trainer lm.Trainer) {
	j := Job(t, "diverges", 30, 10, false)
	j.Spec.MuonRate, j.Spec.AdamRate = 1e38, 1e38
	if r, err := trainer.Train(t.Context(), j); !errors.Is(err, lm.ErrDiverged) {
		t.Errorf("weights beyond all bounds came to %d scores and the error %v, want ErrDiverged", len(r.Scores), err)
	}
}

// soon is how long a trainer may take to notice that nobody waits for it any
// more: far longer than it needs, far shorter than the runs here.
const soon = 20 * time.Second

func specEndedBefore(t *testing.T, trainer lm.Trainer) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := trainer.Train(ctx, Job(t, "ended", 5, 5, false)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// cancelled trains until progress satisfies when.
func cancelled(t *testing.T, trainer lm.Trainer, j lm.Job, when func(lm.Progress) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var at time.Time
	j.Progress = func(p lm.Progress) {
		if at.IsZero() && when(p) {
			at = time.Now()
			cancel()
		}
	}
	r, err := trainer.Train(ctx, j)
	switch {
	case !errors.Is(err, context.Canceled):
		t.Errorf("came to %d losses, %d scores and the error %v, want that of the context", len(r.Losses), len(r.Scores), err)
	case time.Since(at) > soon:
		t.Errorf("ended %v after its context", time.Since(at))
	}
}

func specEndsInTraining(t *testing.T, trainer lm.Trainer) {
	cancelled(t, trainer, Job(t, "training", 100_000, 5, false), func(p lm.Progress) bool { return p.Step > 0 })
}

func specEndsInScoring(t *testing.T, trainer lm.Trainer) {
	cancelled(t, trainer, Job(t, "scoring", 1, 200_000, false), func(p lm.Progress) bool { return p.Example > 0 })
}
