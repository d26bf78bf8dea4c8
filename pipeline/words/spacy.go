package words

import "finest/pipeline"

// spacy is the splitter of the head profile.
type spacy struct{}

// SpaCy returns the word splitter of the head profile.
func SpaCy() pipeline.Splitter { return spacy{} }

// Name tells this splitter apart from others in a document's cache.
func (spacy) Name() string { return "spacy" }

// Words returns the tokens of text, none of them empty; never nil.
func (spacy) Words(text string) []string { return append([]string{}, Fields(text)...) }

// CountSpaCySentences returns the number of sentences that the head profile
// counts in text; at least 1.
func CountSpaCySentences(text string) int { return max(1, CountSentences(text)) }
