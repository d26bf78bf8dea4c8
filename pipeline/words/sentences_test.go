package words_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"finest/pipeline/words"
)

func TestSentenceSpans(t *testing.T) {
	for _, tt := range []struct {
		text        string
		nltk, spaCy []string
	}{
		{"", nil, nil},
		{"One. Two!\nThree", []string{"One.", "Two!", "Three"}, []string{"One.", "Two!", "\nThree"}},
		{"...So it ends. ", []string{"...So it ends."}, []string{"...So it ends."}},
		{"Dr. Grey met Mr. Low.", []string{"Dr. Grey met Mr. Low."}, []string{"Dr. Grey met Mr. Low."}},
	} {
		var nltk, spaCy []string
		for _, s := range words.SentenceSpans(tt.text) {
			nltk = append(nltk, tt.text[s.Start:s.Stop])
		}
		for _, s := range words.SpaCySentenceSpans(tt.text) {
			spaCy = append(spaCy, tt.text[s.Start:s.Stop])
		}
		if !slices.Equal(nltk, tt.nltk) {
			t.Errorf("%q: Punkt finds %q, want %q", tt.text, nltk, tt.nltk)
		}
		if !slices.Equal(spaCy, tt.spaCy) {
			t.Errorf("%q: spaCy finds %q, want %q", tt.text, spaCy, tt.spaCy)
		}
	}
}

// Spans rise, hold something, and are as many as are counted.
func TestSpansAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"one", "Two", ".", "!", "?", " ", "\n", "\n\n", "(", "\"", "Dr.", "e.g.", "3.5"})).Draw(t, "parts")
		text := ""
		for _, p := range parts {
			text += p
		}
		for name, spans := range map[string][]words.Span{"nltk": words.SentenceSpans(text), "spacy": words.SpaCySentenceSpans(text)} {
			end, want := 0, words.CountSentences(text)
			if name == "spacy" {
				want = words.CountSpaCySentences(text)
			}
			for _, s := range spans {
				if s.Start < end || s.Stop <= s.Start || s.Stop > len(text) {
					t.Fatalf("%s: spans %v of %q", name, spans, text)
				}
				end = s.Stop
			}
			if len(spans) != want && text != "" {
				t.Fatalf("%s: %d spans of %q, %d counted", name, len(spans), text, want)
			}
		}
	})
}
