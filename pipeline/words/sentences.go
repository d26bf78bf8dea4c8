package words

// Span is a piece of a text: the bytes from Start to before Stop.
type Span struct{ Start, Stop int }

// Sentences returns the sentences of English text as the release profile finds
// them, without the whitespace around them; none of them is empty.
func Sentences(text string) []string {
	spans := SentenceSpans(text)
	sentences := make([]string, len(spans))
	for i, s := range spans {
		sentences[i] = text[s.Start:s.Stop]
	}
	return sentences
}

// SentenceSpans returns where the sentences of Sentences are.
func SentenceSpans(text string) []Span { return english().spans(text) }

// CountSentences returns the number of sentences that Sentences finds.
func CountSentences(text string) int { return len(SentenceSpans(text)) }

// SpaCySentenceSpans returns where the sentences of the head profile are; none
// for the empty text. Whitespace between sentences belongs to the later one, but
// for a single space. The name that breaks spaCy's tokenizer stays in the text,
// so that the spans are of the text as it is.
func SpaCySentenceSpans(text string) []Span {
	rules := spaCyEnglish()
	return rules.sentences(text, rules.tokens(text))
}

// CountSpaCySentences returns the number of sentences that the head profile
// counts in text, at least 1.
func CountSpaCySentences(text string) int {
	text, tokens := spaCyTokens(text)
	return max(1, len(spaCyEnglish().sentences(text, tokens)))
}

// sentences returns the sentences of tokens by the rule of spaCy's sentencizer:
// after a token that ends sentences the next one begins with the first token that
// is no punctuation. Whitespace is none, so that a run of it at the end of a
// text is a sentence.
func (r *spaCyRules) sentences(text string, tokens []Span) []Span {
	if len(tokens) == 0 {
		return nil
	}
	var sentences []Span
	start, ended := 0, false
	for i, t := range tokens {
		word := text[t.Start:t.Stop]
		if r.endsSentence(word) {
			ended = true
		} else if ended && !isPunctuationWord(word) {
			sentences = append(sentences, Span{tokens[start].Start, tokens[i-1].Stop})
			start, ended = i, false
		}
	}
	return append(sentences, Span{tokens[start].Start, tokens[len(tokens)-1].Stop})
}
