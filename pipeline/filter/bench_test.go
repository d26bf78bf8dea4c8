package filter_test

import (
	"testing"

	"finest/pipeline"
	"finest/pipeline/filter"
	"finest/pipeline/stagetest"
	"finest/pipeline/words"
)

func benchmark(b *testing.B, spec pipeline.StageSpec, construct newStage, splitter pipeline.Splitter) {
	if _, ok := spec.Params["max_doc_words"]; ok {
		spec.Params["max_doc_words"] = "0" // so that no rule is skipped
	}
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

func BenchmarkC4BadWords(b *testing.B) {
	stage, _, _ := badWords(b, nil, map[string]string{"en": "turnip\nred cabbage\nmildew\nrivet\nmill wheel\nof old\n"})
	stagetest.Benchmark(b, stage, nil)
}

func BenchmarkC4Paragraphs(b *testing.B) {
	benchmark(b, filter.C4ParagraphsSpec(), filter.NewC4Paragraphs, nil)
}

// BenchmarkDecontaminate includes normalisation and words, as no other stage has
// those of the simplified text.
func BenchmarkDecontaminate(b *testing.B) {
	stage, err := decontaminate(b, map[string]string{"n_grams": "12"}, items)
	if err != nil {
		b.Fatal(err)
	}
	stagetest.Benchmark(b, stage, nil)
}
