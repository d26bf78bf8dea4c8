package words

import (
	"slices"
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
		if word := text[t.Start:t.Stop]; !startsWithSpace(word) {
			words = append(words, word)
		}
	}
	return words
}

// lost is the word that spaCy mistakes for the number of an attribute and throws
// at. The reference then takes it out of the text, wherever it stands, and tries
// again. The first that its process meets passes, and one that the cut itself
// leaves ends the task; here the text is cut at the first, too, and once.
const lost = "IS_ALPHA"

// spaCyTokens returns the tokens of text, those of whitespace among them, and the
// text that they are pieces of. It is another only where lost is a token.
func spaCyTokens(text string) (string, []Span) {
	rules := spaCyEnglish()
	tokens := rules.tokens(text)
	isLost := func(t Span) bool { return text[t.Start:t.Stop] == lost }
	if strings.Contains(text, lost) && slices.ContainsFunc(tokens, isLost) {
		text = strings.ReplaceAll(text, lost, "")
		tokens = rules.tokens(text)
	}
	return text, tokens
}

// tokens returns the tokens of text, those of whitespace among them.
func (r *spaCyRules) tokens(text string) []Span {
	return r.phrases.apply(text, r.splitAffixes(text))
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
