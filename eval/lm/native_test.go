package lm_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"finest/eval"
	"finest/eval/lm"
)

// toySpec is a model of a few thousand parameters.
func toySpec(tokens int64) lm.Spec {
	return lm.Spec{
		Version: lm.Version,
		Config:  lm.Config{Vocab: 16, Dim: 16, Layers: 2, Heads: 2, Hidden: 32, Context: 32},
		Tokens:  tokens, Batch: 8, MuonRate: 0.02, AdamRate: 0.01, WarmUp: 0.02, Decay: 0.6,
		Seed: eval.Seed{}.Sub("toy"),
	}
}

// toyDocument is a Markov chain in which one of two tokens follows each, by
// chance: its entropy is ln 2 per token.
func toyDocument(tokens int, seed eval.Seed) []uint16 {
	stream, doc := seed.Stream(), make([]uint16, tokens)
	doc[0] = 1 + uint16(stream.Below(15))
	for i := 1; i < tokens; i++ {
		doc[i] = 1 + (doc[i-1]*7+uint16(stream.Below(2))*4)%15
	}
	return doc
}

func toyJob(t *testing.T, spec lm.Spec) lm.Job {
	t.Helper()
	data, _, err := lm.Pack([][]uint16{toyDocument(int(spec.Tokens), spec.Seed.Sub("document"))}, 0, spec, spec.Seed.Sub("order"))
	if err != nil {
		t.Fatal(err)
	}
	job := lm.Job{Spec: spec, Data: data}
	for i := range 40 {
		tokens := toyDocument(2+i%32, spec.Seed.Sub(fmt.Sprintf("held out/%d", i)))
		job.Examples = append(job.Examples, lm.Example{Tokens: tokens, From: 1 + i%3%(len(tokens)-1)})
	}
	return job
}

func train(t *testing.T, workers int, job lm.Job) lm.Result {
	t.Helper()
	r, err := (&lm.Native{Workers: workers}).Train(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLearnsToy(t *testing.T) {
	own, tied := toySpec(20_000), toySpec(20_000)
	tied.Config.Tied = true
	for name, spec := range map[string]lm.Spec{"own head": own, "tied": tied} {
		t.Run(name, func(t *testing.T) {
			job := toyJob(t, spec)
			r := train(t, 0, job)
			last := r.Losses[len(r.Losses)-1].Loss
			if first := r.Losses[0].Loss; math.Abs(first-math.Log(16)) > 0.05 || math.Abs(last-math.Ln2) > 0.15 {
				t.Errorf("the loss goes from %v to %v, not from ln 16 to ln 2", first, last)
			}
			if len(r.Losses) != spec.Steps() || r.Tokens != int64(spec.Steps()*8*32) || r.Kernel != (&lm.Native{}).Kernel() {
				t.Errorf("%d losses, %d tokens, kernel %s", len(r.Losses), r.Tokens, r.Kernel)
			}
			for i, s := range r.Scores {
				e := job.Examples[i]
				if s.Tokens != len(e.Tokens)-e.From || s.NLL > 1.5*float64(s.Tokens) || s.Correct > s.Tokens {
					t.Errorf("example %d of %d tokens from %d: %+v", i, len(e.Tokens), e.From, s)
				}
			}
		})
	}
}

// digest names the bits of all that a result says about the model.
func digest(t *testing.T, r lm.Result) string {
	t.Helper()
	raw, err := json.Marshal([]any{r.Losses, r.Scores})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// TestGoldenBits holds the result of a run, for each kernel class and any number of
// goroutines. A change here is a change of lm.Version.
func TestGoldenBits(t *testing.T) {
	want := map[string]string{
		"native/avx2-fma": "b6175d1839a9b486",
		"native/generic":  "72efe06125b1c484",
	}[(&lm.Native{}).Kernel()]
	for _, workers := range []int{1, 2, 3, 8, 0} {
		if got := digest(t, train(t, workers, toyJob(t, toySpec(2000)))); got != want {
			t.Errorf("%d workers: the digest is %s, want %s", workers, got, want)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if got := digest(t, train(t, 0, toyJob(t, toySpec(2000)))); got != want {
		t.Errorf("one processor: the digest is %s, want %s", got, want)
	}
}

// TestScoresStandAlone finds the same bits for an example whatever else is
// scored, in any order, and for each of its tokens without those behind it.
func TestScoresStandAlone(t *testing.T) {
	// Sizes that fill no tile of the kernel, and sums longer than one of its blocks.
	spec := toySpec(1000)
	spec.Config.Vocab, spec.Config.Dim, spec.Config.Heads, spec.Config.Hidden = 37, 24, 3, 300
	job := toyJob(t, spec)
	whole := toyDocument(33, eval.Seed{}.Sub("causal"))
	job.Examples = append(job.Examples, lm.Example{Tokens: whole, From: 1})
	all := train(t, 0, job).Scores

	reversed := job
	reversed.Examples = slices.Clone(job.Examples)
	slices.Reverse(reversed.Examples)
	back := train(t, 0, reversed).Scores
	slices.Reverse(back)
	if !slices.Equal(all, back) {
		t.Error("the order of examples changes their scores")
	}

	single := job
	single.Examples = nil
	for n := 2; n <= len(whole); n++ {
		single.Examples = append(single.Examples, lm.Example{Tokens: whole[:n], From: n - 1})
	}
	var sum lm.Score
	for _, s := range train(t, 0, single).Scores {
		sum.NLL, sum.Correct, sum.Tokens = sum.NLL+s.NLL, sum.Correct+s.Correct, sum.Tokens+s.Tokens
	}
	if want := all[len(all)-1]; sum != want {
		t.Errorf("token by token the score is %+v, together %+v", sum, want)
	}
}

func TestDiverges(t *testing.T) {
	for name, spoil := range map[string]func(*lm.Spec){
		"in training": func(s *lm.Spec) { s.AdamRate, s.MuonRate = 1e38, 1e38 },
		// The residual stream is finite, the squares of its numbers are not.
		"unseen":     func(s *lm.Spec) { s.AdamRate, s.MuonRate = 1e12, 1e12 },
		"at the end": func(s *lm.Spec) { s.AdamRate, s.Tokens, s.WarmUp, s.Decay = 1e38, 1, 0, 0 },
	} {
		spec := toySpec(10_000)
		spoil(&spec)
		if _, err := (&lm.Native{}).Train(t.Context(), toyJob(t, spec)); !errors.Is(err, lm.ErrDiverged) {
			t.Errorf("%s: huge rates end in %v", name, err)
		}
	}
}

// watched calls seen before each batch.
type watched struct {
	lm.Data
	seen func(step int)
}

func (w watched) Batch(step int, dst []uint16) {
	w.seen(step)
	w.Data.Batch(step, dst)
}

func TestCancelled(t *testing.T) {
	for _, workers := range []int{1, 4} {
		ctx, cancel := context.WithCancelCause(t.Context())
		job, reason := toyJob(t, toySpec(10_000)), errors.New("enough")
		last := 0
		job.Data = watched{job.Data, func(step int) {
			if last = step; step == 3 {
				cancel(reason)
			}
		}}
		if _, err := (&lm.Native{Workers: workers}).Train(ctx, job); !errors.Is(err, context.Canceled) || last != 3 {
			t.Errorf("cancelled at step 3: %v after step %d", err, last)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	job := toyJob(t, toySpec(1000))
	job.Progress = func(p lm.Progress) {
		if p.Example > 0 {
			cancel()
		}
	}
	if _, err := (&lm.Native{}).Train(ctx, job); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while examples are scored: %v", err)
	}
}

func TestProgress(t *testing.T) {
	job := toyJob(t, toySpec(2000))
	var got []lm.Progress
	job.Progress = func(p lm.Progress) { got = append(got, p) }
	r := train(t, 0, job)
	steps := job.Spec.Steps()
	for i, p := range got[:steps] {
		if p.Step != i+1 || p.Steps != steps || p.Loss != r.Losses[i].Loss || p.Tokens != int64(p.Step*8*32) || p.Example != 0 {
			t.Errorf("progress %d is %+v", i, p)
		}
	}
	if p := got[len(got)-1]; p.Step != steps || p.Example != len(job.Examples) || p.Examples != len(job.Examples) {
		t.Errorf("the last progress is %+v", p)
	}
}

func TestRefusesJobs(t *testing.T) {
	ok := toyJob(t, toySpec(2000))
	long := slices.Repeat([]uint16{1}, 34)
	for name, spoil := range map[string]func(*lm.Job){
		"spec":          func(j *lm.Job) { j.Spec.Batch = 3 },
		"data":          func(j *lm.Job) { j.Data = nil },
		"fewer steps":   func(j *lm.Job) { j.Spec.Tokens *= 2 },
		"no prediction": func(j *lm.Job) { j.Examples = []lm.Example{{Tokens: []uint16{1, 2}, From: 2}} },
		"from 0":        func(j *lm.Job) { j.Examples = []lm.Example{{Tokens: []uint16{1, 2}}} },
		"one token":     func(j *lm.Job) { j.Examples = []lm.Example{{Tokens: []uint16{1}, From: 1}} },
		"empty":         func(j *lm.Job) { j.Examples = []lm.Example{{From: 1}} },
		"long example":  func(j *lm.Job) { j.Examples = []lm.Example{{Tokens: long, From: 1}} },
		"unknown token": func(j *lm.Job) { j.Examples = []lm.Example{{Tokens: []uint16{1, 16}, From: 1}} },
		"unknown token in training": func(j *lm.Job) {
			other := j.Spec
			other.Config.Vocab = 99
			j.Data, _, _ = lm.Pack([][]uint16{{98}}, 0, other, eval.Seed{})
		},
	} {
		job := ok
		spoil(&job)
		if _, err := (&lm.Native{}).Train(t.Context(), job); err == nil || errors.Is(err, lm.ErrDiverged) {
			t.Errorf("a job with a wrong %s ends in %v", name, err)
		}
	}
}

func TestNoExamplesNoLayers(t *testing.T) {
	spec := toySpec(2000)
	spec.Config.Layers = 0
	job := toyJob(t, spec)
	job.Examples = nil
	if r := train(t, 0, job); len(r.Scores) != 0 || r.Losses[len(r.Losses)-1].Loss >= r.Losses[0].Loss {
		t.Errorf("%d scores, losses %v", len(r.Scores), r.Losses)
	}
}
