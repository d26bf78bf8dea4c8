package bpe

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"
)

//go:embed data/merges.txt
var embedded []byte

var parsed = sync.OnceValues(func() (Merges, error) { return Parse(embedded) })

// sizes are the vocabularies that Load knows.
func sizes() []int { return []int{2048, 4096, 8192} }

// Load returns the tokenizer with a vocabulary of that many tokens.
func Load(vocab int) (*Tokenizer, error) {
	if !slices.Contains(sizes(), vocab) {
		return nil, fmt.Errorf("load a tokenizer of %d tokens: there are those of %v", vocab, sizes())
	}
	m, err := parsed()
	if err != nil {
		return nil, fmt.Errorf("load a tokenizer of %d tokens: %w", vocab, err)
	}
	if len(m)+firstMerge < vocab {
		return nil, fmt.Errorf("load a tokenizer of %d tokens: there are %d merges", vocab, len(m))
	}
	return newTokenizer(m[:vocab-firstMerge])
}
