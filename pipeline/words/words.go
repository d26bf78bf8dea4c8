// Package words cuts text into lines, sentences and word tokens the way the
// reference pipeline of the release profile does: Punkt sentences for English,
// then Treebank tokens within each sentence (NLTK 3.8's word_tokenize), and the
// whitespace, line and case rules of Python's str type.
//
// All functions are pure and safe for concurrent use. Text is valid UTF-8; bytes
// that are not count as one U+FFFD each and never panic. Work is linear in the
// length of the text.
package words

import "finest/pipeline"

// nltk is the splitter of the release profile.
type nltk struct{}

// NLTK returns the word splitter of the release profile. Among its quirks: a
// double quote becomes two backticks or two apostrophes, clitics are tokens of
// their own ("ca", "n't"), and punctuation counts as a word.
func NLTK() pipeline.Splitter { return nltk{} }

// Name tells this splitter apart from others in a document's cache.
func (nltk) Name() string { return "nltk" }

// Words returns the tokens of text, none of them empty; never nil.
func (nltk) Words(text string) []string {
	tokens := make([]string, 0, len(text)/5+1)
	var tb treebank
	for _, span := range english().spans(text) {
		tokens = tb.appendTokens(tokens, text[span.start:span.stop])
	}
	return tokens
}

// Sentences returns the sentences of English text, without the whitespace
// around them; none of them is empty.
func Sentences(text string) []string {
	spans := english().spans(text)
	sentences := make([]string, len(spans))
	for i, s := range spans {
		sentences[i] = text[s.start:s.stop]
	}
	return sentences
}

// CountSentences returns the number of sentences that Sentences finds.
func CountSentences(text string) int { return len(english().spans(text)) }
