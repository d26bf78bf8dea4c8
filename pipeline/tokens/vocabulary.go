package tokens

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"

	"github.com/tiktoken-go/tokenizer/codec"
)

// VocabularySHA256 is the SHA-256 of GPT-2's vocabulary as OpenAI publishes it
// for tiktoken: the file r50k_base.tiktoken, one line "base64 rank" per token.
const VocabularySHA256 = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"

// vocabularySize counts the tokens that merges can produce: all of GPT-2's but
// the special one that ends a text.
const vocabularySize = 50256

// rank is the number of a token. Ranks of merged tokens rise in the order in
// which byte-pair encoding learnt them, so the lowest rank is the first merge.
type rank = uint32

// none stands for "no such token"; it is higher than every rank.
const none rank = 1<<32 - 1

// vocabulary is GPT-2's set of tokens. It is never changed once loaded.
type vocabulary struct {
	// short and long are the tokens, by length.
	short tokenSet
	long  map[string]struct{}
	bytes [256]rank
	// pairs has what two bytes merge into, merges what any two tokens do.
	pairs  [256][256]rank
	merges mergeTable
}

// gpt2 returns the vocabulary; it is built once, in about a tenth of a second.
var gpt2 = sync.OnceValues(loadVocabulary)

// loadVocabulary takes the tokens out of the tokenizer module and verifies that
// they are OpenAI's.
func loadVocabulary() (*vocabulary, error) {
	source := codec.NewR50kBase()
	tokens := make(map[string]rank, vocabularySize)
	published := sha256.New()
	var line []byte
	for id := range vocabularySize {
		token, err := source.Decode([]uint{uint(id)})
		if err != nil {
			return nil, fmt.Errorf("read token %d of the gpt-2 vocabulary: %w", id, err)
		}
		tokens[token] = rank(id)
		line = base64.StdEncoding.AppendEncode(line[:0], []byte(token))
		line = append(strconv.AppendInt(append(line, ' '), int64(id), 10), '\n')
		published.Write(line)
	}
	if got := hex.EncodeToString(published.Sum(nil)); got != VocabularySHA256 {
		return nil, fmt.Errorf("read the gpt-2 vocabulary: its sha256 is %s, want %s", got, VocabularySHA256)
	}
	return index(tokens), nil
}

// index derives the tables that counting needs. Every way to cut a token into
// two tokens is a merge, because byte-pair encoding looks at the bytes of the
// result alone.
func index(tokens map[string]rank) *vocabulary {
	v := &vocabulary{short: newTokenSet(len(tokens)), long: make(map[string]struct{})}
	for b := range v.bytes {
		v.bytes[b] = tokens[string([]byte{byte(b)})]
	}
	type merge struct{ left, right, merged rank }
	var merges []merge
	for token, merged := range tokens {
		if len(token) <= shortToken {
			v.short.add(token)
		} else {
			v.long[token] = struct{}{}
		}
		for cut := 1; cut < len(token); cut++ {
			left, ok := tokens[token[:cut]]
			if !ok {
				continue
			}
			if right, ok := tokens[token[cut:]]; ok {
				merges = append(merges, merge{left, right, merged})
			}
		}
	}
	v.merges = newMergeTable(len(merges))
	for _, m := range merges {
		v.merges.set(m.left, m.right, m.merged)
	}
	for a := range v.pairs {
		for b := range v.pairs[a] {
			v.pairs[a][b] = v.merges.get(v.bytes[a], v.bytes[b])
		}
	}
	return v
}

// has reports whether a piece is a token.
func (v *vocabulary) has(piece string) bool {
	if len(piece) <= shortToken {
		return v.short.has(piece)
	}
	_, ok := v.long[piece]
	return ok
}
