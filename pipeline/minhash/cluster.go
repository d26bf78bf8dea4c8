package minhash

import (
	"context"
	"fmt"
	"iter"
	"math"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
)

// MaxDocuments is how many documents a Clusterer takes.
const MaxDocuments = math.MaxUint32

// Clusterer joins documents that share a key in at least one band, and all
// documents that such pairs connect.
//
// It takes 224 bytes for each document with keys, in memory up to its options'
// budget and on disk beyond that, and 4 bytes in memory for each document when
// Keepers is called.
type Clusterer struct {
	documents uint32
	sorter    *keysort.Sorter
}

// NewClusterer returns an empty clusterer; it is for one goroutine, and for one
// use.
func NewClusterer(o keysort.Options) *Clusterer { return &Clusterer{sorter: keysort.New(o)} }

// Add takes the keys of the next document, in the order of (file, offset). A
// document without keys matches none; keys beyond the last band are ignored. An
// error is one of the disk.
func (c *Clusterer) Add(keys []uint64) error {
	if c.documents == MaxDocuments {
		return fmt.Errorf("cluster documents: more than the %d that have numbers", uint32(MaxDocuments))
	}
	for band := range min(len(keys), contract.Bands) {
		if err := c.sorter.Add(keysort.Entry{Key: keys[band], Document: c.documents, Place: uint32(band)}); err != nil {
			return err
		}
	}
	c.documents++
	return nil
}

// Keepers returns the document kept for each one's cluster, by their numbers
// from 0 in the order of Add: the lowest in it, which is the document itself
// where it has no duplicate before it.
//
// The result depends on the keys and their order alone: joining is commutative,
// so it does not matter which key comes first. Nothing may be added afterwards.
func (c *Clusterer) Keepers(ctx context.Context) ([]uint32, error) {
	f := newForest(c.documents)
	// Entries of one key come together. Those of one band are joined one to the
	// next; the same key in another band is another key.
	var key uint64
	var last [contract.Bands]struct {
		document uint32
		seen     bool
	}
	for e, err := range c.sorter.Sorted(ctx) {
		if err != nil {
			return nil, err
		}
		if e.Key != key {
			key = e.Key
			clear(last[:])
		}
		if l := &last[e.Place]; l.seen {
			f.join(l.document, e.Document)
		} else {
			l.seen = true
		}
		last[e.Place].document = e.Document
	}
	for i := range f {
		f[i] = f.root(uint32(i))
	}
	return f, nil
}

// Repeats yields the documents that are not their cluster's lowest; see
// pipeline.Comparison.
func (c *Clusterer) Repeats(ctx context.Context) iter.Seq2[pipeline.Repeat, error] {
	return func(yield func(pipeline.Repeat, error) bool) {
		keepers, err := c.Keepers(ctx)
		if err != nil {
			yield(pipeline.Repeat{}, err)
			return
		}
		for i, keeper := range keepers {
			if document := uint32(i); document != keeper && !yield(pipeline.Repeat{Document: document, Keeper: keeper}, nil) {
				return
			}
		}
	}
}

// Close frees disk and memory.
func (c *Clusterer) Close() error { return c.sorter.Close() }

// forest is a union-find structure in which a root is the lowest member of its
// tree.
type forest []uint32

func newForest(n uint32) forest {
	f := make(forest, n)
	for i := range f {
		f[i] = uint32(i)
	}
	return f
}

// root finds the root of i and halves the path to it.
func (f forest) root(i uint32) uint32 {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

func (f forest) join(i, j uint32) {
	i, j = f.root(i), f.root(j)
	if i < j {
		f[j] = i
	} else {
		f[i] = j
	}
}
