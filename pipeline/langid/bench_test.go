package langid_test

import (
	"testing"

	"finest/pipeline/stagetest"
)

func BenchmarkLanguage(b *testing.B) {
	stagetest.Benchmark(b, newLanguage(b, nil), nil)
}

func BenchmarkLanguageHead(b *testing.B) {
	stagetest.Benchmark(b, newLanguage(b, map[string]string{"profile": "head"}), nil)
}
