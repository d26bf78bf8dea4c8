package lm

import (
	"math"

	"finest/eval/lm/matmul"
)

// Constants of Adam: Kingma and Ba, arXiv 1412.6980.
const (
	adamBeta1   = 0.9
	adamBeta2   = 0.95
	adamEpsilon = 1e-8
)

// adam updates one tensor.
type adam struct {
	w, g, m, v []float32
}

func newAdam(w, g []float32) *adam {
	return &adam{w: w, g: g, m: make([]float32, len(w)), v: make([]float32, len(w))}
}

// step makes update number n, from 1 on.
func (a *adam) step(rate float64, n int) {
	matmul.Adam{
		Rate: float32(rate), Beta1: adamBeta1, Beta2: adamBeta2, Epsilon: adamEpsilon,
		Correct1: float32(1 - math.Pow(adamBeta1, float64(n))),
		Correct2: float32(1 - math.Pow(adamBeta2, float64(n))),
	}.Step(a.w, a.g, a.m, a.v)
}
