package words

// Span is a piece of a text: the bytes from Start to before Stop.
type Span struct{ Start, Stop int }

// SentenceSpans returns where the sentences of Sentences are, without the
// whitespace around them.
func SentenceSpans(text string) []Span {
	found := english().spans(text)
	spans := make([]Span, len(found))
	for i, s := range found {
		spans[i] = Span{s.start, s.stop}
	}
	return spans
}

// SpaCySentenceSpans returns where the sentences of the head profile are: as
// many as CountSpaCySentences counts, none for the empty text. Whitespace
// between sentences belongs to the later one, but for a single space. The name
// that breaks spaCy's tokenizer stays in the text, so that the spans are of the
// text as it is.
func SpaCySentenceSpans(text string) []Span {
	rules := spaCyEnglish()
	var spans []Span
	ended := true
	for _, t := range rules.phrases.apply(text, rules.splitAffixes(text)) {
		word := text[t.start:t.stop]
		if ended && (len(spans) == 0 || !isPunctuationWord(word) && !rules.endsSentence(word)) {
			spans = append(spans, Span{Start: t.start})
			ended = false
		}
		spans[len(spans)-1].Stop = t.stop
		ended = ended || rules.endsSentence(word)
	}
	return spans
}
