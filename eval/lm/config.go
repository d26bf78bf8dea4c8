package lm

import (
	"fmt"
	"math"

	"finest/eval"
)

// Bounds of a Config: far above any tier, low enough that no size overflows.
const (
	maxVocab   = 1 << 16 // a token is 16 bits
	maxDim     = 1 << 13
	maxLayers  = 1 << 8
	maxHidden  = 1 << 15
	maxContext = 1 << 14
	maxParams  = 1 << 31
	maxBatch   = 1 << 14
	maxTokens  = 1 << 42
	maxSteps   = 1 << 24 // a loss is kept of each
)

// Validate says what is wrong with the shape.
func (c Config) Validate() error {
	within := func(name string, n, low, high int) error {
		if n < low || n > high {
			return fmt.Errorf("model with %s %d, not %d to %d", name, n, low, high)
		}
		return nil
	}
	for _, err := range []error{
		within("vocabulary", c.Vocab, 2, maxVocab),
		within("width", c.Dim, 2, maxDim),
		within("layers", c.Layers, 0, maxLayers),
		within("heads", c.Heads, 1, c.Dim),
		within("hidden width", c.Hidden, 1, maxHidden),
		within("context", c.Context, 1, maxContext),
	} {
		if err != nil {
			return err
		}
	}
	if c.Dim%(2*c.Heads) != 0 {
		return fmt.Errorf("model of width %d with %d heads: a head's width must be even", c.Dim, c.Heads)
	}
	if n := c.Params(); n > maxParams {
		return fmt.Errorf("model of %d parameters, more than %d", n, int64(maxParams))
	}
	return nil
}

// Params is the number of parameters.
func (c Config) Params() int64 {
	n := int64(c.Layers) * (4*int64(c.Dim)*int64(c.Dim) + 2*int64(c.Dim)*int64(c.Hidden))
	n += int64(c.Vocab) * int64(c.Dim)
	if !c.Tied {
		n += int64(c.Vocab) * int64(c.Dim)
	}
	return n
}

// FLOPsPerToken is what one token of training costs by the usual count: six for
// each weight that a token is multiplied with, and 12·layers·context·width for
// attention, as if it looked at later tokens, too. The optimiser is not in it.
func (c Config) FLOPsPerToken() float64 {
	multiplied := c.Params()
	if !c.Tied {
		multiplied -= int64(c.Vocab) * int64(c.Dim)
	}
	return 6*float64(multiplied) + 12*float64(c.Layers)*float64(c.Context)*float64(c.Dim)
}

// Validate says what is wrong with the spec.
func (s Spec) Validate() error {
	if s.Version != Version {
		return fmt.Errorf("training spec of version %d, not %d", s.Version, Version)
	}
	if err := s.Config.Validate(); err != nil {
		return err
	}
	if s.Tokens < 1 || s.Tokens > maxTokens {
		return fmt.Errorf("training on %d tokens, not 1 to %d", s.Tokens, int64(maxTokens))
	}
	if s.Batch < Shards || s.Batch > maxBatch || s.Batch%Shards != 0 {
		return fmt.Errorf("batch of %d sequences, not a multiple of %d up to %d", s.Batch, Shards, maxBatch)
	}
	if step := int64(s.Batch) * int64(s.Config.Context); s.Tokens/step >= maxSteps {
		return fmt.Errorf("training on %d tokens in steps of %d, more than %d steps", s.Tokens, step, maxSteps)
	}
	for _, rate := range []struct {
		name  string
		value eval.Decimal
	}{{"muon rate", s.MuonRate}, {"adam rate", s.AdamRate}} {
		if v := float64(rate.value); !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%s %v is not above 0 and finite", rate.name, v)
		}
	}
	if !(s.WarmUp >= 0 && s.Decay >= 0 && s.WarmUp+s.Decay <= 1) {
		return fmt.Errorf("warm-up %v and decay %v are not shares of one run", float64(s.WarmUp), float64(s.Decay))
	}
	return nil
}

// rate is the share of the peak learning rates at a step, which counts from 0:
// the step at the middle of its interval on the trapezoid.
func (s Spec) rate(step int) float64 {
	at := (float64(step) + 0.5) / float64(s.Steps())
	share := 1.0
	if w := float64(s.WarmUp); at < w {
		share = at / w
	}
	if d := float64(s.Decay); 1-at < d {
		share = min(share, (1-at)/d)
	}
	return share
}
