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
	tokens map[string]rank
	bytes  [256]rank
	// merges holds the token that two neighbouring tokens merge into.
	merges map[pair]rank
}

type pair struct{ left, right rank }

// gpt2 returns the vocabulary; it is built once, in about a tenth of a second.
var gpt2 = sync.OnceValues(loadVocabulary)

// loadVocabulary takes the tokens out of the tokenizer module and verifies that
// they are OpenAI's.
func loadVocabulary() (*vocabulary, error) {
	source := codec.NewR50kBase()
	v := &vocabulary{tokens: make(map[string]rank, vocabularySize)}
	published := sha256.New()
	var line []byte
	for id := range vocabularySize {
		token, err := source.Decode([]uint{uint(id)})
		if err != nil {
			return nil, fmt.Errorf("read token %d of the gpt-2 vocabulary: %w", id, err)
		}
		v.tokens[token] = rank(id)
		line = base64.StdEncoding.AppendEncode(line[:0], []byte(token))
		line = append(strconv.AppendInt(append(line, ' '), int64(id), 10), '\n')
		published.Write(line)
	}
	if got := hex.EncodeToString(published.Sum(nil)); got != VocabularySHA256 {
		return nil, fmt.Errorf("read the gpt-2 vocabulary: its sha256 is %s, want %s", got, VocabularySHA256)
	}
	v.index()
	return v, nil
}

// index derives the tables that merging needs. Every way to cut a token into
// two tokens is a merge, because byte-pair encoding looks at the bytes of the
// result alone.
func (v *vocabulary) index() {
	for b := range v.bytes {
		v.bytes[b] = v.tokens[string([]byte{byte(b)})]
	}
	v.merges = make(map[pair]rank, 4*vocabularySize)
	for token, merged := range v.tokens {
		for cut := 1; cut < len(token); cut++ {
			left, ok := v.tokens[token[:cut]]
			if !ok {
				continue
			}
			if right, ok := v.tokens[token[cut:]]; ok {
				v.merges[pair{left, right}] = merged
			}
		}
	}
}

// merge returns the token that two neighbours merge into, or none.
func (v *vocabulary) merge(left, right rank) rank {
	if merged, ok := v.merges[pair{left, right}]; ok {
		return merged
	}
	return none
}
