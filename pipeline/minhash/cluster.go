package minhash

import (
	"cmp"
	"runtime"
	"slices"
	"sync"

	"finest/internal/contract"
)

// Clusterer joins documents that share a key in at least one band, and all
// documents that such pairs connect.
//
// It holds 224 bytes for each document with keys. Sorting is in place; Keepers
// adds 12 bytes for each document. At most 2^31 − 1 documents fit.
type Clusterer struct {
	documents int
	bands     [contract.Bands][]entry
}

// entry is one document's key in one band.
type entry struct {
	key   uint64
	index int32
}

// NewClusterer returns an empty clusterer.
func NewClusterer() *Clusterer { return &Clusterer{} }

// Add takes the next document, in the order of (file, offset), and returns its
// index, from 0. A document without keys matches none; keys beyond the last band
// are ignored.
func (c *Clusterer) Add(keys []uint64) (index int) {
	index = c.documents
	for band := range min(len(keys), len(c.bands)) {
		c.bands[band] = append(c.bands[band], entry{keys[band], int32(index)})
	}
	c.documents++
	return index
}

// Keepers returns the document kept for each one's cluster: the lowest index in
// it, which is the document itself where it has no duplicate before it.
//
// The result depends on the keys and their order alone: joining is commutative,
// so it does not matter which band is done first.
func (c *Clusterer) Keepers() []int {
	f := newForest(c.documents)
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, band := range c.bands {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			slices.SortFunc(band, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
			mu.Lock()
			defer mu.Unlock()
			for i := 1; i < len(band); i++ {
				if band[i].key == band[i-1].key {
					f.join(band[i-1].index, band[i].index)
				}
			}
		})
	}
	wg.Wait()
	keepers := make([]int, c.documents)
	for i := range keepers {
		keepers[i] = int(f.root(int32(i)))
	}
	return keepers
}

// forest is a union-find structure in which a root is the lowest member of its
// tree.
type forest []int32

func newForest(n int) forest {
	f := make(forest, n)
	for i := range f {
		f[i] = int32(i)
	}
	return f
}

// root finds the root of i and halves the path to it.
func (f forest) root(i int32) int32 {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

func (f forest) join(i, j int32) {
	i, j = f.root(i), f.root(j)
	if i < j {
		f[j] = i
	} else {
		f[i] = j
	}
}
