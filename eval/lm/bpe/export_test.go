package bpe

// MaxVocab is the size of the largest vocabulary.
const MaxVocab = maxVocab

// New returns the tokenizer of the merges.
func New(m Merges) (*Tokenizer, error) { return newTokenizer(m) }

// Sizes are the vocabularies that Load knows.
func Sizes() []int { return sizes() }
