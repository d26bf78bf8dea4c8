package lm

import (
	"errors"
	"fmt"

	"finest/eval"
)

// Packed says what Pack made of the documents.
type Packed struct {
	// Unique is the number of tokens, those between documents included;
	// Sequences is how many sequences they fill.
	Unique    int64 `json:"unique"`
	Sequences int   `json:"sequences"`
	// Epochs is how often each token is predicted in training, on average; below
	// 1 a part of them is never seen.
	Epochs float64 `json:"epochs"`
}

// ErrNoTokens is returned by Pack for documents without a token.
var ErrNoTokens = errors.New("no tokens to train on")

// Pack makes training data of documents. They are joined into one stream, eos
// before each, which is cut into sequences of Context + 1 tokens of which each
// begins with the last token of the one before. The stream is a ring: the last
// sequence runs on into the first document, and a document shorter than a
// sequence is repeated in it. So all sequences together predict every token once,
// and those again that fill up the last one. Each epoch takes the sequences in a
// new order, drawn from order; a last epoch may stay incomplete.
func Pack(documents [][]uint16, eos uint16, s Spec, order eval.Seed) (Data, Packed, error) {
	if err := s.Validate(); err != nil {
		return nil, Packed{}, err
	}
	size := 0
	for _, d := range documents {
		size += len(d) + 1
	}
	stream := make([]uint16, 0, size)
	for _, d := range documents {
		if len(d) > 0 {
			stream = append(append(stream, eos), d...)
		}
	}
	if len(stream) == 0 {
		return nil, Packed{}, ErrNoTokens
	}
	for i, t := range stream {
		if int(t) >= s.Config.Vocab {
			return nil, Packed{}, fmt.Errorf("token %d at %d is not of a vocabulary of %d", t, i, s.Config.Vocab)
		}
	}
	p := &packed{
		stream: stream, context: s.Config.Context, batch: s.Batch, steps: s.Steps(), order: order, epoch: -1,
		sequences: (len(stream) + s.Config.Context - 1) / s.Config.Context,
	}
	return p, Packed{
		Unique: int64(len(stream)), Sequences: p.sequences,
		Epochs: float64(p.steps) * float64(p.batch) * float64(p.context) / float64(len(stream)),
	}, nil
}

type packed struct {
	stream                           []uint16
	context, batch, steps, sequences int

	order       eval.Seed
	epoch       int // whose permutation is at hand
	permutation []uint32
}

func (p *packed) Steps() int { return p.steps }

func (p *packed) Batch(step int, dst []uint16) {
	length := p.context + 1
	for i := range p.batch {
		n := step*p.batch + i
		p.shuffle(n / p.sequences)
		at := int(p.permutation[n%p.sequences]) * p.context
		for row := dst[i*length : (i+1)*length]; len(row) > 0; at = 0 {
			row = row[copy(row, p.stream[at:]):]
		}
	}
}

// shuffle draws the permutation of an epoch (Fisher and Yates).
func (p *packed) shuffle(epoch int) {
	if p.epoch == epoch {
		return
	}
	if p.permutation == nil {
		p.permutation = make([]uint32, p.sequences)
	}
	for i := range p.permutation {
		p.permutation[i] = uint32(i)
	}
	stream := p.order.Sub(fmt.Sprintf("epoch/%d", epoch)).Stream()
	for i := len(p.permutation) - 1; i > 0; i-- {
		j := stream.Below(uint64(i + 1))
		p.permutation[i], p.permutation[j] = p.permutation[j], p.permutation[i]
	}
	p.epoch = epoch
}
