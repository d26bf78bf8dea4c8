package matmul_test

import (
	"fmt"
	"testing"

	"finest/eval/lm/matmul"
)

// BenchmarkMultiply has the usual cube and what takes most of a training step; the
// command in peer has all of it, beside OpenBLAS.
func BenchmarkMultiply(b *testing.B) {
	for _, s := range []struct {
		m, n, k int
		ta, tb  bool
	}{
		{512, 512, 512, false, false},
		{256, 512, 128, false, true},
		{256, 128, 512, false, false},
		{512, 128, 256, true, false},
		{64, 128, 32, false, true},
	} {
		b.Run(fmt.Sprintf("%d×%d×%d", s.m, s.n, s.k), func(b *testing.B) {
			r := newRand()
			x, y := normal(r, s.m, s.k, s.ta), normal(r, s.k, s.n, s.tb)
			c := matmul.Matrix{Data: make([]float32, s.m*s.n), Stride: s.n}
			var scratch matmul.Scratch
			for b.Loop() {
				scratch.Multiply(s.m, s.n, s.k, x, y, c, false)
			}
			b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// BenchmarkVectors has a row of logits.
func BenchmarkVectors(b *testing.B) {
	const n = 2048
	r := newRand()
	x, y, z := frame(r, n), frame(r, n), frame(r, n)
	for name, f := range map[string]func(){
		"max":     func() { matmul.Max(x) },
		"dot":     func() { matmul.Dot(x, y) },
		"axpy":    func() { matmul.Axpy(1e-9, x, y) },
		"softmax": func() { copy(z, x); matmul.Softmax(z) },
		"norm":    func() { matmul.RMSNorm(z, x, 1e-6) },
		"adam":    func() { matmul.Adam{Correct1: 1, Correct2: 1, Epsilon: 1e-8}.Step(z, x, y, y) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
		})
	}
}
