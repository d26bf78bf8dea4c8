// Package dedup holds the deduplications beside MinHash: of URLs, of whole texts,
// and of runs of sentences. No recipe of the program has them, as FineWeb used
// MinHash alone; they are datatrove's, with the first document in the order of
// (file, offset) kept.
//
// Documents are told apart by 64-bit hashes, as in the reference: among a billion
// different ones a collision has a chance of 2.7 %.
package dedup

import (
	"context"
	"fmt"
	"iter"
	"math"

	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
)

const paramHash = "hash"

// hashParam reads the parameter hash.
func hashParam(p *pipeline.Params) minhash.Hash {
	return minhash.Hash(p.Choice(paramHash, string(minhash.XXHash), string(minhash.SHA1)))
}

// numberer counts the documents of a comparison.
type numberer struct{ documents uint32 }

func (n *numberer) next() (uint32, error) {
	if n.documents == math.MaxUint32 {
		return 0, fmt.Errorf("compare documents: more than the %d that have numbers", uint32(math.MaxUint32))
	}
	n.documents++
	return n.documents - 1, nil
}

// wholes finds documents that have a key of an earlier one. It takes 16 bytes
// for each key, within the budget, and 4 for each document beside that.
type wholes struct {
	numberer
	sorter *keysort.Sorter
}

func newWholes(o keysort.Options) pipeline.Comparison { return &wholes{sorter: keysort.New(o)} }

func (w *wholes) Add(keys []uint64) error {
	document, err := w.next()
	for i := 0; i < len(keys) && err == nil; i++ {
		err = w.sorter.Add(keysort.Entry{Key: keys[i], Document: document})
	}
	return err
}

func (w *wholes) Repeats(ctx context.Context) iter.Seq2[pipeline.Repeat, error] {
	return func(yield func(pipeline.Repeat, error) bool) {
		keepers := make([]uint32, w.documents)
		for i := range keepers {
			keepers[i] = uint32(i)
		}
		var first keysort.Entry
		begun := false
		for e, err := range w.sorter.Sorted(ctx) {
			if err != nil {
				yield(pipeline.Repeat{}, err)
				return
			}
			if !begun || e.Key != first.Key {
				first, begun = e, true
			}
			keepers[e.Document] = min(keepers[e.Document], first.Document)
		}
		for i, keeper := range keepers {
			if document := uint32(i); keeper != document && !yield(pipeline.Repeat{Document: document, Keeper: keeper}, nil) {
				return
			}
		}
	}
}

func (w *wholes) Close() error { return w.sorter.Close() }

// parts finds the keys that stand earlier too, in another document or the same.
// It takes 16 bytes for each key and 16 for each that repeats, within the
// budget.
type parts struct {
	numberer
	sorter, repeats *keysort.Sorter
}

func newParts(o keysort.Options) pipeline.Comparison {
	if o.Budget == 0 {
		o.Budget = keysort.DefaultBudget
	}
	o.Budget = max(o.Budget/2, 1)
	return &parts{sorter: keysort.New(o), repeats: keysort.New(o)}
}

func (p *parts) Add(keys []uint64) error {
	document, err := p.next()
	for i := 0; i < len(keys) && err == nil; i++ {
		err = p.sorter.Add(keysort.Entry{Key: keys[i], Document: document, Place: uint32(i)})
	}
	return err
}

func (p *parts) Repeats(ctx context.Context) iter.Seq2[pipeline.Repeat, error] {
	return func(yield func(pipeline.Repeat, error) bool) {
		if err := p.find(ctx); err != nil {
			yield(pipeline.Repeat{}, err)
			return
		}
		var repeat pipeline.Repeat
		for e, err := range p.repeats.Sorted(ctx) {
			if err != nil {
				yield(pipeline.Repeat{}, err)
				return
			}
			document, place := uint32(e.Key>>32), uint32(e.Key)
			if len(repeat.Places) > 0 && repeat.Document != document {
				if !yield(repeat, nil) {
					return
				}
				repeat.Places = repeat.Places[:0]
			}
			if len(repeat.Places) == 0 {
				repeat.Document, repeat.Keeper = document, e.Document
			}
			repeat.Keeper = min(repeat.Keeper, e.Document)
			repeat.Places = append(repeat.Places, place)
		}
		if len(repeat.Places) > 0 {
			yield(repeat, nil)
		}
	}
}

// find sorts the keys that repeat by document and place, in the place of a key.
func (p *parts) find(ctx context.Context) error {
	var first keysort.Entry
	begun := false
	for e, err := range p.sorter.Sorted(ctx) {
		if err != nil {
			return err
		}
		if !begun || e.Key != first.Key {
			first, begun = e, true
			continue
		}
		at := uint64(e.Document)<<32 | uint64(e.Place)
		if err := p.repeats.Add(keysort.Entry{Key: at, Document: first.Document}); err != nil {
			return err
		}
	}
	return p.sorter.Close()
}

func (p *parts) Close() error {
	err := p.sorter.Close()
	if again := p.repeats.Close(); err == nil {
		err = again
	}
	return err
}
