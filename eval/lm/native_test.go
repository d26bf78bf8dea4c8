package lm_test

import (
	"context"
	"errors"
	"math"
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
	for i := 1; i < tokens; i++ {
		doc[i] = 1 + (doc[i-1]*7+uint16(stream.Below(2))*5)%15
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
	for i := range 20 {
		tokens := toyDocument(33-i, spec.Seed.Sub("held out"))
		job.Examples = append(job.Examples, lm.Example{Tokens: tokens, From: 1 + i%3})
	}
	return job
}

func TestLearnsToy(t *testing.T) {
	r, err := (&lm.Native{}).Train(context.Background(), toyJob(t, toySpec(40_000)))
	if err != nil {
		t.Fatal(err)
	}
	last := r.Losses[len(r.Losses)-1].Loss
	if first := r.Losses[0].Loss; math.Abs(first-math.Log(16)) > 1e-6 || math.Abs(last-math.Ln2) > 0.1 {
		t.Errorf("the loss goes from %v to %v, not from ln 16 to ln 2", first, last)
	}
	for i, s := range r.Scores {
		if s.Tokens == 0 || s.NLL/float64(s.Tokens) > 1.5 {
			t.Errorf("example %d: %v nats over %d tokens", i, s.NLL, s.Tokens)
		}
	}
}

func TestDiverges(t *testing.T) {
	spec := toySpec(10_000)
	spec.AdamRate = 1e30
	if _, err := (&lm.Native{}).Train(context.Background(), toyJob(t, spec)); !errors.Is(err, lm.ErrDiverged) {
		t.Errorf("a huge rate ends in %v", err)
	}
}
