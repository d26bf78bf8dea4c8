package lm

import (
	"testing"

	"finest/eval"
	"finest/eval/lm/matmul"
)

// BenchmarkTrainStep trains the model of the tiers quick and cpu on one
// processor. It reports tokens and FLOP by the second, and those of the kernel
// alone at 512³ in the same run.
func BenchmarkTrainStep(b *testing.B) {
	c := Config{Vocab: 2048, Dim: 128, Layers: 4, Heads: 4, Hidden: 512, Context: 128}
	spec := Spec{Version: Version, Config: c, Tokens: 1 << 20, Batch: 16, MuonRate: 0.02, AdamRate: 0.003, Decay: 0.6}
	r := newRun(Job{Spec: spec}, 1)
	defer r.close()
	r.batch = randomTokens(c, len(r.batch), eval.Seed{})
	kernel := 0.0
	for range 5 {
		kernel = max(kernel, kernelRate(512))
	}
	b.ReportAllocs()
	before := processSeconds()
	for b.Loop() {
		if _, err := r.step(b.Context(), 100); err != nil {
			b.Fatal(err)
		}
	}
	tokens := float64(b.N) * float64(spec.Batch*c.Context) / (processSeconds() - before)
	flops := tokens * c.FLOPsPerToken()
	b.ReportMetric(tokens, "tok/CPU-s")
	b.ReportMetric(flops/1e9, "GFLOP/CPU-s")
	b.ReportMetric(kernel/1e9, "kernel-GFLOP/CPU-s")
	b.ReportMetric(100*flops/kernel, "%ofkernel")
}

// kernelRate is the FLOP per CPU-second of a product of n × n matrices.
func kernelRate(n int) float64 {
	x, y, z := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range x {
		x[i], y[i] = float32(i%7), float32(i%5)
	}
	var s matmul.Scratch
	multiply := func() {
		s.Multiply(n, n, n, matmul.Matrix{Data: x, Stride: n}, matmul.Matrix{Data: y, Stride: n}, matmul.Matrix{Data: z, Stride: n}, false)
	}
	multiply()
	before, rounds := processSeconds(), 0
	for ; processSeconds()-before < 0.1; rounds++ {
		multiply()
	}
	return float64(rounds) * 2 * float64(n*n*n) / (processSeconds() - before)
}
