package pii_test

import (
	"testing"

	"finest/pipeline/stagetest"
)

func BenchmarkPII(b *testing.B) {
	stagetest.Benchmark(b, newPII(b, nil), nil)
}
