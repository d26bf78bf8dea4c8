package dedup

import (
	"fmt"
	"strings"

	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/words"
)

// Sentence is the name of the stage that cuts runs of sentences out of documents
// where they came before.
const Sentence = "sentence_dedup"

// Reasons of the stage's drops: what is left is too little.
const (
	ReasonEmpty           = "empty"
	ReasonTooFewWords     = "too_few_words"
	ReasonTooFewSentences = "too_few_sentences"
)

// SentenceSpec returns the stage as C4 had it (Raffel et al. 2020, section 2.2)
// and datatrove 0.2 has it: of any three sentences in a row all but the first
// occurrence is cut out, and a document that this leaves with fewer than 50 words
// or 3 sentences is dropped. Sentences are compared in MinHash's normalization.
//
// With split_sentences = false, lines take the place of sentences. With
// min_words_to_remove_span above 0, the first sentence of a run stays if it has
// fewer words; that only the first is looked at is datatrove's behaviour.
func SentenceSpec() pipeline.StageSpec {
	return pipeline.StageSpec{Name: Sentence, Params: map[string]string{
		"n_sentences":              "3",
		"split_sentences":          "true",
		"min_doc_words":            "50",
		"min_num_sentences":        "3",
		"min_words_to_remove_span": "0",
		"normalization":            string(minhash.Release),
		"words":                    "nltk",
		paramHash:                  string(minhash.SHA1),
	}}
}

// NewSentence returns the stage.
func NewSentence(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	s := &sentenceStage{
		n:                p.Int("n_sentences"),
		lines:            !p.Bool("split_sentences"),
		minWords:         p.Int("min_doc_words"),
		minSentences:     p.Int("min_num_sentences"),
		minWordsToRemove: p.Int("min_words_to_remove_span"),
		hash:             hashParam(p),
		normalization:    minhash.Normalization(p.Choice("normalization", string(minhash.Release), string(minhash.Head))),
		splitter:         words.FromParams(p),
		sentences:        words.SentenceSpans,
	}
	if s.splitter == words.SpaCy() {
		s.sentences = words.SpaCySentenceSpans
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if s.n < 1 || s.n > maxRun {
		return nil, fmt.Errorf("stage %s: parameter n_sentences: %d is not from 1 to %d", Sentence, s.n, maxRun)
	}
	return s, nil
}

// maxRun bounds the sentences of a run, as each sentence is hashed in so many.
const maxRun = 100

type sentenceStage struct {
	n                      int
	lines                  bool
	minWords, minSentences int
	minWordsToRemove       int
	hash                   minhash.Hash
	normalization          minhash.Normalization
	splitter               pipeline.Splitter
	sentences              func(text string) []words.Span
}

func (*sentenceStage) Name() string { return Sentence }

func (*sentenceStage) Process(*pipeline.Document) *pipeline.Drop { return nil }

func (*sentenceStage) Compare(o keysort.Options) pipeline.Comparison { return newParts(o) }

// pieces returns the sentences or lines of a text, without the whitespace around
// sentences.
func (s *sentenceStage) pieces(text string) []string {
	if s.lines {
		return words.Lines(text)
	}
	var pieces []string
	for _, span := range s.sentences(text) {
		// A sentence of spaCy's may be all whitespace, at the end of a text.
		if piece := words.TrimSpace(text[span.Start:span.Stop]); piece != "" {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}

// Keys returns a key for each run of n sentences, but for runs that hold nothing
// but punctuation and whitespace: not all empty lines shall go.
func (s *sentenceStage) Keys(d *pipeline.Document) []uint64 {
	keys, _ := s.runs(d.Text)
	return keys
}

// runs returns the keys of the runs of a text, and the number of the sentence
// that each begins with.
func (s *sentenceStage) runs(text string) (keys []uint64, begins []int) {
	pieces := s.pieces(text)
	if len(pieces) < s.n {
		return nil, nil
	}
	for i, piece := range pieces {
		pieces[i] = s.normalization.Apply(piece)
	}
	for i := range len(pieces) - s.n + 1 {
		run := strings.Join(pieces[i:i+s.n], " ")
		if words.TrimSpace(run) == "" {
			continue
		}
		keys = append(keys, s.hash.Sum([]byte(run)))
		begins = append(begins, i)
	}
	return keys, begins
}

// Edit cuts out the runs whose keys stand at places.
func (s *sentenceStage) Edit(d *pipeline.Document, places []uint32) *pipeline.Drop {
	_, begins := s.runs(d.Text)
	cut := make(map[int]bool, len(places))
	for _, place := range places {
		cut[begins[place]] = true
	}
	text := s.without(d.Text, cut)
	if text == d.Text {
		return nil
	}
	d.Text = text
	if text == "" {
		return &pipeline.Drop{Reason: ReasonEmpty}
	}
	if s.minWords > 0 {
		if n := len(s.splitter.Words(text)); n < s.minWords {
			return &pipeline.Drop{Reason: ReasonTooFewWords, Value: float64(n)}
		}
	}
	if s.minSentences > 0 {
		if n := max(len(s.sentences(text)), 1); n < s.minSentences {
			return &pipeline.Drop{Reason: ReasonTooFewSentences, Value: float64(n)}
		}
	}
	return nil
}

// without returns text without the n sentences from each number in cut on. The
// whitespace before a sentence goes with it.
func (s *sentenceStage) without(text string, cut map[int]bool) string {
	var kept []string
	cutUntil := 0 // sentences before this one are cut out
	inRun := false
	for i, piece := range s.whole(text) {
		if cut[i] {
			cutUntil = i + s.n
		}
		switch {
		case i >= cutUntil:
			kept = append(kept, piece)
			inRun = false
		case !inRun:
			inRun = true
			if s.minWordsToRemove > 0 && len(s.splitter.Words(piece)) < s.minWordsToRemove {
				kept = append(kept, piece)
			}
		}
	}
	separator := ""
	if s.lines {
		separator = "\n"
	}
	return words.TrimLeft(strings.Join(kept, separator))
}

// whole returns the sentences of a text with the whitespace before them, or its
// lines.
func (s *sentenceStage) whole(text string) []string {
	if s.lines {
		return words.Lines(text)
	}
	var pieces []string
	start := 0
	for _, span := range s.sentences(text) {
		pieces = append(pieces, text[start:span.Stop])
		start = span.Stop
	}
	return pieces
}
