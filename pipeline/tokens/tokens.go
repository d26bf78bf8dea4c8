// Package tokens counts the GPT-2 tokens of a text.
//
// Counts equal those of Hugging Face's tokenizers with GPT-2's tokenizer.json,
// which FineWeb used, and of tiktoken's r50k_base: byte-level byte-pair
// encoding without normalisation and without special tokens around the text.
package tokens

import (
	"fmt"
	"strings"

	"finest/pipeline"
)

// Name is the stage's name in recipes and ledgers.
const Name = "tokens"

// endOfText is the one special token. Where it stands in a text it is one
// token.
const endOfText = "<|endoftext|>"

// Spec returns the stage as FineWeb ran it: datatrove's TokensCounter with the
// tokenizer gpt2, before PII is replaced.
func Spec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name:   Name,
		Params: map[string]string{"vocabulary": "gpt2", "vocabulary_sha256": VocabularySHA256},
	}
}

// New returns the stage, which sets Document.TokenCount and drops nothing.
func New(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	p.Choice("vocabulary", "gpt2")
	p.Choice("vocabulary_sha256", VocabularySHA256)
	if err := p.Err(); err != nil {
		return nil, err
	}
	c, err := NewCounter()
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", Name, err)
	}
	return stage{c}, nil
}

type stage struct{ counter *Counter }

func (stage) Name() string { return Name }

func (s stage) Process(d *pipeline.Document) *pipeline.Drop {
	d.TokenCount = s.counter.Count(d.Text)
	return nil
}

// Counter counts tokens. It is safe for concurrent use; all counters share one
// vocabulary.
type Counter struct{ vocabulary *vocabulary }

// NewCounter returns a counter with GPT-2's vocabulary.
func NewCounter() (*Counter, error) {
	v, err := gpt2()
	if err != nil {
		return nil, err
	}
	return &Counter{v}, nil
}

// Count returns the number of tokens of text. Work is bounded by n log n of its
// length.
func (c *Counter) Count(text string) int64 {
	var n int64
	for {
		before, after, found := strings.Cut(text, endOfText)
		for before != "" {
			size := next(before)
			n += int64(c.vocabulary.count(before[:size]))
			before = before[size:]
		}
		if !found {
			return n
		}
		n++
		text = after
	}
}
