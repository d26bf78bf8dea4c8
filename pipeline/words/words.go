// Package words cuts text into lines, sentences and word tokens the way the
// reference pipeline does: for the release profile Punkt sentences for English,
// then Treebank tokens within each (NLTK 3.8's word_tokenize); for the head
// profile spaCy 3.8's English tokenizer and sentencizer; for both the whitespace,
// line and case rules of Python's str type.
//
// All functions are pure and safe for concurrent use. Text is valid UTF-8; bytes
// that are not count as one U+FFFD each and never panic. Work is linear in the
// length of the text.
package words

import (
	"strings"
	"unicode/utf8"

	"finest/pipeline"
)

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
	var tb treebank
	var spaced strings.Builder
	spaced.Grow(len(text) + len(text)/4)
	for _, s := range english().spans(text) {
		spaced.Write(tb.space(text[s.Start:s.Stop]))
	}
	return appendFields(make([]string, 0, len(text)/4+1), spaced.String())
}

// appendFields appends what whitespace separates in s.
func appendFields(fields []string, s string) []string {
	for i := 0; i < len(s); {
		start := spaceEnd(s, i)
		i = fieldEnd(s, start)
		if start < i {
			fields = append(fields, s[start:i])
		}
	}
	return fields
}

// spaceEnd returns the end of the whitespace that begins at i, or i.
func spaceEnd(s string, i int) int {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !IsSpace(r) {
			break
		}
		i += size
	}
	return i
}

// fieldEnd returns the offset of the first whitespace that is not before i, or
// the length of s.
func fieldEnd(s string, i int) int {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if IsSpace(r) {
			break
		}
		i += size
	}
	return i
}
