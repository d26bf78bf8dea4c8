package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"finest/pipeline"
)

// spacy is the splitter of the head profile.
type spacy struct{}

// SpaCy returns the word splitter of the head profile: spaCy 3.8's tokenizer for
// English without a model, its whitespace tokens left out. Every token is a piece
// of the text; clitics are tokens of their own ("do", "n't"), and so are most
// punctuation characters, while abbreviations, web addresses and emoticons stay
// whole.
func SpaCy() pipeline.Splitter { return spacy{} }

// Name tells this splitter apart from others in a document's cache.
func (spacy) Name() string { return "spacy" }

// Words returns the tokens of text, none of them empty; never nil.
func (spacy) Words(text string) []string {
	text, tokens := spaCyTokens(text)
	words := make([]string, 0, len(tokens))
	for _, t := range tokens {
		if word := text[t.start:t.stop]; !startsWithSpace(word) {
			words = append(words, word)
		}
	}
	return words
}

// CountSpaCySentences returns the number of sentences that the head profile
// counts in text, at least 1. A sentence begins with the first token that is no
// punctuation after one that ends sentences; a token of whitespace is one as
// well, a quirk of spaCy's sentencizer.
func CountSpaCySentences(text string) int {
	text, tokens := spaCyTokens(text)
	rules := spaCyEnglish()
	sentences, ended := 1, false
	for _, t := range tokens {
		word := text[t.start:t.stop]
		if rules.endsSentence(word) {
			ended = true
		} else if ended && !isPunctuationWord(word) {
			sentences++
			ended = false
		}
	}
	return sentences
}

// lost is the word that spaCy mistakes for the name of an attribute and throws
// at. The reference then takes it out of the text, wherever it stands, and tries
// again.
const lost = "IS_ALPHA"

// spaCyTokens returns the tokens of text, those of whitespace among them, and the
// text that they are pieces of. It is another only where the reference's would
// be: where lost is a token.
func spaCyTokens(text string) (string, []span) {
	rules := spaCyEnglish()
	tokens := rules.splitAffixes(text)
	if strings.Contains(text, lost) {
		for _, t := range tokens {
			if text[t.start:t.stop] == lost {
				text = strings.ReplaceAll(text, lost, "")
				tokens = rules.splitAffixes(text)
				break
			}
		}
	}
	return text, rules.phrases.apply(text, tokens)
}

func startsWithSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return IsSpace(r)
}

// isPunctuationWord reports whether all characters of s are of Unicode's
// punctuation categories.
func isPunctuationWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPunct(r) }) < 0
}
