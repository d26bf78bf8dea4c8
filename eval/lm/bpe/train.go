package bpe

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Train learns the merges of a vocabulary: again and again the two tokens that
// stand side by side the most often become one. Of pairs that are as frequent,
// the one of the lower left token, then of the lower right token is taken, so
// the same texts give the same merges. Memory grows with the number of distinct
// pieces.
func Train(texts iter.Seq2[string, error], vocab int) (Merges, error) {
	if vocab < firstMerge || vocab > maxVocab {
		return nil, fmt.Errorf("train a vocabulary of %d tokens: it takes %d to %d", vocab, firstMerge, maxVocab)
	}
	counts := make(map[string]int64)
	for text, err := range texts {
		if err != nil {
			return nil, fmt.Errorf("train a vocabulary: %w", err)
		}
		countPieces(counts, text)
	}
	l := newLearner(counts)
	merges := make(Merges, 0, vocab-firstMerge)
	for len(merges) < vocab-firstMerge {
		pair, ok := l.best()
		if !ok {
			return nil, fmt.Errorf("train a vocabulary of %d tokens: the texts have no pair left after %d", vocab, len(merges)+firstMerge)
		}
		l.merge(pair, uint16(firstMerge+len(merges)))
		merges = append(merges, pair)
	}
	return merges, nil
}

func countPieces(counts map[string]int64, text string) {
	for bytes, p := []byte(text), (piece{}); p.next(bytes); {
		counts[string(bytes[p.start:p.end])]++
	}
}

// learner counts pairs in all distinct pieces.
type learner struct {
	pieces []pieceCount
	pairs  map[Merge]*pairCount
	heap   pairHeap
}

type pieceCount struct {
	tokens []uint16
	count  int64
}

type pairCount struct {
	count int64
	// pieces are the numbers of all that have the pair, and of some that had it.
	pieces []int32
}

func newLearner(counts map[string]int64) *learner {
	l := &learner{pairs: make(map[Merge]*pairCount)}
	for _, piece := range slices.Sorted(maps.Keys(counts)) {
		tokens := make([]uint16, len(piece))
		for i := range tokens {
			tokens[i] = uint16(piece[i])
		}
		l.pieces = append(l.pieces, pieceCount{tokens, counts[piece]})
		l.add(int32(len(l.pieces)-1), 1)
	}
	for pair, c := range l.pairs {
		l.heap = append(l.heap, pairEstimate{pair, c.count})
	}
	heap.Init(&l.heap)
	return l
}

// add counts the pairs of a piece once more (sign 1) or once less (−1).
func (l *learner) add(number int32, sign int64) {
	p := l.pieces[number]
	for i := range max(0, len(p.tokens)-1) {
		pair := Merge{p.tokens[i], p.tokens[i+1]}
		c := l.pairs[pair]
		if c == nil {
			c = &pairCount{}
			l.pairs[pair] = c
		}
		c.count += sign * p.count
		if sign > 0 && (len(c.pieces) == 0 || c.pieces[len(c.pieces)-1] != number) {
			c.pieces = append(c.pieces, number)
		}
	}
}

// best returns the most frequent pair that occurs twice or more. Counts in the
// heap may be too high, never too low.
func (l *learner) best() (Merge, bool) {
	for l.heap.Len() > 0 {
		top := heap.Pop(&l.heap).(pairEstimate)
		now := l.pairs[top.pair].count
		switch {
		case now == top.count && now > 1:
			return top.pair, true
		case now > 1:
			heap.Push(&l.heap, pairEstimate{top.pair, now})
		}
	}
	return Merge{}, false
}

// merge makes one token of a pair in all pieces.
func (l *learner) merge(pair Merge, made uint16) {
	risen := make(map[Merge]bool)
	for _, number := range l.pairs[pair].pieces {
		p := &l.pieces[number]
		if !hasPair(p.tokens, pair) {
			continue
		}
		l.add(number, -1)
		p.tokens = replace(p.tokens, pair, made)
		l.add(number, 1)
		for i := range max(0, len(p.tokens)-1) {
			if p.tokens[i] == made || p.tokens[i+1] == made {
				risen[Merge{p.tokens[i], p.tokens[i+1]}] = true
			}
		}
	}
	for next := range risen {
		heap.Push(&l.heap, pairEstimate{next, l.pairs[next].count})
	}
	l.pairs[pair].pieces = nil
}

func hasPair(tokens []uint16, pair Merge) bool {
	for i := range max(0, len(tokens)-1) {
		if tokens[i] == pair.Left && tokens[i+1] == pair.Right {
			return true
		}
	}
	return false
}

// replace merges a pair from left to right, in place.
func replace(tokens []uint16, pair Merge, made uint16) []uint16 {
	out := tokens[:0]
	for i := 0; i < len(tokens); i++ {
		if i+1 < len(tokens) && tokens[i] == pair.Left && tokens[i+1] == pair.Right {
			out = append(out, made)
			i++
			continue
		}
		out = append(out, tokens[i])
	}
	return out
}

// pairEstimate is a pair with the count it had when it was pushed.
type pairEstimate struct {
	pair  Merge
	count int64
}

// pairHeap has the pair to merge first at its top.
type pairHeap []pairEstimate

func (h pairHeap) Len() int { return len(h) }
func (h pairHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[j].count, h[i].count), cmp.Compare(h[i].pair.Left, h[j].pair.Left), cmp.Compare(h[i].pair.Right, h[j].pair.Right)) < 0
}
func (h pairHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *pairHeap) Push(x any)   { *h = append(*h, x.(pairEstimate)) }
func (h *pairHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
