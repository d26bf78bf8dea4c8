package filter_test

import (
	"testing"

	"finest/pipeline"
	"finest/pipeline/filter"
	"finest/pipeline/stagetest"
	"finest/pipeline/words"
)

func benchmark(b *testing.B, spec pipeline.StageSpec, construct newStage, splitter pipeline.Splitter) {
	stagetest.Benchmark(b, build(b, spec, construct, nil), splitter)
}

func BenchmarkGopherRepetition(b *testing.B) {
	benchmark(b, filter.GopherRepetitionSpec(), filter.NewGopherRepetition, words.NLTK())
}

func BenchmarkGopherQuality(b *testing.B) {
	benchmark(b, filter.GopherQualitySpec(), filter.NewGopherQuality, words.NLTK())
}

func BenchmarkC4(b *testing.B) {
	benchmark(b, filter.C4Spec(), filter.NewC4, nil)
}

func BenchmarkFineWeb(b *testing.B) {
	benchmark(b, filter.FineWebSpec(), filter.NewFineWeb, words.NLTK())
}
