package tokens_test

import (
	"testing"

	"github.com/dlclark/regexp2/v2"
	"github.com/tiktoken-go/tokenizer/codec"
)

// oracle counts tokens the slow and obvious way: OpenAI's pattern in a
// backtracking engine, then the lowest-ranked merge over and over.
type oracle struct {
	pattern *regexp2.Regexp
	ranks   map[string]int
}

func newOracle(t testing.TB) *oracle {
	t.Helper()
	// The group keeps the engine from using the library's generated matcher,
	// which skips U+007F.
	o := &oracle{
		pattern: regexp2.MustCompile(`(?:'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)`, regexp2.None),
		ranks:   make(map[string]int),
	}
	library := codec.NewR50kBase()
	for id := range 50256 {
		token, err := library.Decode([]uint{uint(id)})
		if err != nil {
			t.Fatal(err)
		}
		o.ranks[token] = id
	}
	return o
}

func (o *oracle) count(text string) (n int64, err error) {
	m, err := o.pattern.FindStringMatch(text)
	for m != nil && err == nil {
		n += o.merge(m.String())
		m, err = o.pattern.FindNextMatch(m)
	}
	return n, err
}

func (o *oracle) merge(piece string) int64 {
	parts := make([]string, len(piece))
	for i := range parts {
		parts[i] = piece[i : i+1]
	}
	for {
		at, best := -1, len(o.ranks)
		for i := range len(parts) - 1 {
			if r, ok := o.ranks[parts[i]+parts[i+1]]; ok && r < best {
				at, best = i, r
			}
		}
		if at < 0 {
			return int64(len(parts))
		}
		parts[at] += parts[at+1]
		parts = append(parts[:at+1], parts[at+2:]...)
	}
}
