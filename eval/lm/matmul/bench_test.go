package matmul_test

import (
	"fmt"
	"testing"

	"finest/eval/lm/matmul"
)

// BenchmarkMultiply has the shapes of a small transformer's training step beside
// the usual cube.
func BenchmarkMultiply(b *testing.B) {
	for _, s := range []struct {
		m, n, k int
		ta, tb  bool
	}{
		{512, 512, 512, false, false},
		{512, 512, 512, true, false},
		{512, 512, 512, false, true},
		{1024, 256, 1024, false, false},
		{1024, 384, 128, false, false},
		{1024, 512, 128, false, false},
		{1024, 128, 512, false, true},
		{1024, 2048, 128, false, false},
		{128, 384, 1024, true, false},
		{128, 512, 1024, true, false},
		{128, 2048, 1024, true, false},
		{128, 128, 512, false, true},
		{128, 128, 128, false, false},
		{128, 128, 32, false, true},
		{128, 32, 128, false, false},
		{128, 32, 128, true, false},
	} {
		name := fmt.Sprintf("%dx%dx%d", s.m, s.n, s.k)
		if s.ta {
			name += "/ta"
		}
		if s.tb {
			name += "/tb"
		}
		b.Run(name, func(b *testing.B) {
			r := newRand()
			a, x := normal(r, s.m, s.k, s.ta), normal(r, s.k, s.n, s.tb)
			c := matmul.Matrix{Data: make([]float32, s.m*s.n), Stride: s.n}
			var scratch matmul.Scratch
			for b.Loop() {
				scratch.Multiply(s.m, s.n, s.k, a, x, c, false)
			}
			b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
