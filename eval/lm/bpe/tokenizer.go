package bpe

import (
	"fmt"
	"sync"
)

// Tokenizer encodes with one vocabulary. It may be used by several goroutines.
type Tokenizer struct {
	name, hash string
	table      *mergeTable
	tokens     [][]byte // the bytes of each token; none of EOS
	caches     sync.Pool
}

// newTokenizer returns the tokenizer of the merges; its name is the size of its
// vocabulary and the version.
func newTokenizer(m Merges) (*Tokenizer, error) {
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("make a tokenizer: %w", err)
	}
	t := &Tokenizer{
		hash:   m.hash(),
		table:  newMergeTable(m),
		tokens: make([][]byte, firstMerge, firstMerge+len(m)),
	}
	for b := range eos {
		t.tokens[b] = []byte{byte(b)}
	}
	for i, pair := range m {
		left, right := t.tokens[pair.Left], t.tokens[pair.Right]
		if len(left)+len(right) > maxPiece {
			return nil, fmt.Errorf("make a tokenizer: merge %d makes a token longer than %d bytes", i, maxPiece)
		}
		t.tokens = append(t.tokens, append(left[:len(left):len(left)], right...))
	}
	t.name = fmt.Sprintf("bpe-%d/%d", t.Vocab(), version)
	t.caches.New = func() any { return new(cache) }
	return t, nil
}

// Name is the size of the vocabulary and the version, such as "bpe-2048/1".
func (t *Tokenizer) Name() string { return t.name }

// Hash is the SHA-256 of the version and the merges.
func (t *Tokenizer) Hash() string { return t.hash }

// Vocab is the number of tokens.
func (t *Tokenizer) Vocab() int { return len(t.tokens) }

// EOS is the token between documents. Encode never returns it.
func (t *Tokenizer) EOS() uint16 { return eos }

// Encode appends the tokens of text to dst.
func (t *Tokenizer) Encode(dst []uint16, text string) []uint16 {
	c := t.caches.Get().(*cache)
	defer t.caches.Put(c)
	for bytes, p := []byte(text), (piece{}); p.next(bytes); {
		dst = t.encodePiece(dst, c, bytes, p.start, p.end)
	}
	return dst
}

func (t *Tokenizer) encodePiece(dst []uint16, c *cache, text []byte, i, end int) []uint16 {
	if end == i+1 {
		return append(dst, uint16(text[i]))
	}
	if end-i > keyBytes {
		return t.merge(dst, text[i:end])
	}
	e, found := c.find(text, i, end)
	if found {
		return append(dst, e.tokens[:e.count]...)
	}
	from := len(dst)
	dst = t.merge(dst, text[i:end])
	e.fill(end-i, dst[from:])
	return dst
}

func (t *Tokenizer) merge(dst []uint16, piece []byte) []uint16 {
	var tokens [maxPiece]uint16
	for i, b := range piece {
		tokens[i] = uint16(b)
	}
	return append(dst, tokens[:t.table.encode(&tokens, len(piece))]...)
}

// Decode returns the bytes that the tokens stand for. EOS, and numbers that are
// no tokens, stand for none.
func (t *Tokenizer) Decode(tokens []uint16) []byte {
	var out []byte
	for _, token := range tokens {
		if int(token) < len(t.tokens) {
			out = append(out, t.tokens[token]...)
		}
	}
	return out
}
