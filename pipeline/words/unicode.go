package words

import (
	"strings"

	"github.com/clipperhouse/uax29/v2/words"

	"finest/pipeline"
)

// segmenter is the splitter for languages that neither English rule set fits.
type segmenter struct{}

// Unicode returns a word splitter for any language: the segments of Unicode
// Standard Annex 29 (word boundaries, Unicode 17) that are not whitespace.
// Punctuation is a token of its own, and so is each ideograph; a script without
// spaces and without rules of its own in the annex, such as Thai, stays in long
// tokens, for no dictionary is used. It stands where the reference picks a
// tokenizer per language, and matches none of them.
func Unicode() pipeline.Splitter { return segmenter{} }

// Name tells this splitter apart from others in a document's cache.
func (segmenter) Name() string { return "unicode" }

// Words returns the tokens of text, none of them empty; never nil.
func (segmenter) Words(text string) []string {
	tokens := make([]string, 0, len(text)/4+1)
	for segments := words.FromString(text); segments.Next(); {
		if token := segments.Value(); strings.TrimFunc(token, IsSpace) != "" {
			tokens = append(tokens, token)
		}
	}
	return tokens
}
