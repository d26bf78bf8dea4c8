package words_test

import (
	"fmt"
	"strings"
	"testing"

	"finest/pipeline"
	"finest/pipeline/words"
)

// prose is ordinary English with something for every rule now and then.
const prose = `The ferry left the harbour at 7 a.m., an hour late, and nobody on board seemed to mind. "We've waited
three days for the wind to drop," said Mrs. Alder, who runs the island's only shop (it's also the post office). She can't
remember a longer storm: 54 hours, with gusts of 110 km/h! Bread ran out first; then candles, batteries and, last of all,
newspapers. The council put the damage at $2.5 million -- far more than in 2019 -- but an e-mail to office@council.example
went unanswered... Further pictures are at https://island.example/storm?day=3.
Is the pier safe? The engineers' answer, given on Tuesday, was a cautious “not yet”. Visitors shouldn’t cross the barrier,
and the well-known footpath to the light-house stays closed until the end of the month. Repairs cost time and money.
`

// BenchmarkSplit measures time per byte of ordinary text, which must stay flat
// from 1 KB to 10 MB.
func BenchmarkSplit(b *testing.B) {
	for _, splitter := range []pipeline.Splitter{words.NLTK(), words.SpaCy(), words.Unicode()} {
		for _, size := range []int{1e3, 1e5, 1e7} {
			benchmark(b, fmt.Sprintf("%s/%d", splitter.Name(), size), prose, size, func(text string) { splitter.Words(text) })
		}
	}
}

// BenchmarkSplitRuns measures a single piece over and over, where a rule that
// went back would take longer per byte for the larger size.
func BenchmarkSplitRuns(b *testing.B) {
	for _, splitter := range []pipeline.Splitter{words.NLTK(), words.SpaCy(), words.Unicode()} {
		for _, piece := range runs {
			for _, size := range []int{1e5, 3e6} {
				benchmark(b, fmt.Sprintf("%s/%q/%d", splitter.Name(), piece, size), piece, size, func(text string) { splitter.Words(text) })
			}
		}
	}
}

// BenchmarkCountSentences measures both counters on ordinary text.
func BenchmarkCountSentences(b *testing.B) {
	for _, size := range []int{1e3, 1e5, 1e7} {
		benchmark(b, fmt.Sprintf("punkt/%d", size), prose, size, func(text string) { words.CountSentences(text) })
		benchmark(b, fmt.Sprintf("spacy/%d", size), prose, size, func(text string) { words.CountSpaCySentences(text) })
	}
}

func benchmark(b *testing.B, name, piece string, size int, split func(string)) {
	b.Run(name, func(b *testing.B) {
		text := strings.Repeat(piece, size/len(piece)+1)
		split(prose) // reads the tables
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			split(text)
		}
	})
}

// runs are pieces of which long runs are hard for some rule.
var runs = []string{
	"x", ".", ". ", ".\u00a0", "!)", "a.", "a. ", "'", "\"", "`", "-", "' ", ",", "cannot ", "\n", "a\u00a0b.", "?!", "...\u00a0",
	"(", ")", ":)", ":-)))", "a-", "a.a.", "1.1.", "A.", "a@", "@", "://", "a://", "5km", "'s", "’s", "…", "don't", "Dr. ", "w/o", "😀", "日", "_", "US$",
}
