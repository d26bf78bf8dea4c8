package filter

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// ngrams counts the n-grams of a text. An n-gram is a piece of the words joined
// once, so that none is built, and is found again by a hash of that piece; equal
// hashes are followed by a look at the pieces, so no result depends on the hash.
//
// Work is linear in the length of the text. n-grams of long texts are first put
// in order of their hashes' first bits and then counted part by part, so that the
// table that counts them stays in the processor's cache.
type ngrams struct {
	spaced, joined joinedWords
	// characters is the number of those in all words before each, and in all.
	characters []int

	seed maphash.Seed
	// Room that every count uses anew.
	grams, ordered []gram
	table          []tally
	first          []uint32
}

// joinedWords is words put one after the other, with gap bytes between.
type joinedWords struct {
	text string
	// starts is where each word begins, and where the next would.
	starts []int
	gap    int
}

func joinWords(tokens []string, separator string) joinedWords {
	j := joinedWords{text: strings.Join(tokens, separator), starts: make([]int, len(tokens)+1), gap: len(separator)}
	for i, w := range tokens {
		j.starts[i+1] = j.starts[i] + len(w) + j.gap
	}
	return j
}

// ngrams returns how many n-grams there are.
func (j *joinedWords) ngrams(n int) int { return max(len(j.starts)-n, 0) }

// ngram returns n words from the one at position at on.
func (j *joinedWords) ngram(at uint32, n int) string {
	return j.text[j.starts[at] : j.starts[int(at)+n]-j.gap]
}

// gram is the n-gram at a position of the text.
type gram struct{ hash, at uint32 }

// tally counts an n-gram; at is where it was first.
type tally struct{ hash, at, count uint32 }

// partGrams is about how many n-grams are counted at a time: their table takes
// 200 to 400 KB.
const partGrams = 1 << 13

func newNgrams(tokens []string) *ngrams {
	g := &ngrams{
		spaced:     joinWords(tokens, " "),
		joined:     joinWords(tokens, ""),
		characters: make([]int, len(tokens)+1),
		seed:       maphash.MakeSeed(),
		grams:      make([]gram, len(tokens)),
		first:      make([]uint32, len(tokens)),
	}
	for i, w := range tokens {
		g.characters[i+1] = g.characters[i] + utf8.RuneCountInString(w)
	}
	return g
}

// top returns how many characters the most frequent n-gram has in all its
// occurrences, with single spaces between its words; of several as frequent, the
// one seen first counts. Without n words it is 0.
func (g *ngrams) top(n int) int {
	var best tally
	for _, part := range g.parts(&g.spaced, n) {
		table := g.emptyTable(len(part))
		for _, gr := range part {
			t := find(table, gr, &g.spaced, n)
			t.count++
			if t.count > best.count || t.count == best.count && t.at < best.at {
				best = *t
			}
		}
	}
	if best.count == 0 {
		return 0
	}
	characters := g.characters[int(best.at)+n] - g.characters[best.at] + n - 1
	return int(best.count) * characters
}

// duplicated returns the characters of the n-grams that were there before, words
// joined without spaces. A repeated n-gram is passed over as a whole.
func (g *ngrams) duplicated(n int) int {
	repeated := false
	for i := range g.first {
		g.first[i] = uint32(i)
	}
	for _, part := range g.parts(&g.joined, n) {
		table := g.emptyTable(len(part))
		for _, gr := range part {
			t := find(table, gr, &g.joined, n)
			t.count++
			if t.at != gr.at {
				g.first[gr.at] = t.at
				repeated = true
			}
		}
	}
	if !repeated {
		return 0
	}
	seen := make([]bool, len(g.first))
	total := 0
	for i := 0; i+n <= len(g.first); {
		if at := g.first[i]; !seen[at] {
			seen[at] = true
			i++
			continue
		}
		total += g.characters[i+n] - g.characters[i]
		i += n
	}
	return total
}

// parts returns the n-grams of the words so that equal ones are in one part, and
// in the order of the text within it.
func (g *ngrams) parts(words *joinedWords, n int) [][]gram {
	grams := g.grams[:words.ngrams(n)]
	for i := range grams {
		at := uint32(i)
		grams[i] = gram{uint32(maphash.String(g.seed, words.ngram(at, n))), at}
	}
	if len(grams) <= partGrams {
		return [][]gram{grams}
	}
	shift := 32 - bits.Len(uint(len(grams)/partGrams))
	ends := make([]int, 1<<(32-shift))
	for _, gr := range grams {
		ends[gr.hash>>shift]++
	}
	sum := 0
	for i, size := range ends {
		ends[i] = sum
		sum += size
	}
	if g.ordered == nil {
		g.ordered = make([]gram, len(g.grams))
	}
	for _, gr := range grams {
		part := gr.hash >> shift
		g.ordered[ends[part]] = gr
		ends[part]++
	}
	parts := make([][]gram, len(ends))
	start := 0
	for i, end := range ends {
		parts[i] = g.ordered[start:end]
		start = end
	}
	return parts
}

// emptyTable returns a table for so many n-grams, at most half full; its size is
// a power of two.
func (g *ngrams) emptyTable(grams int) []tally {
	size := 1 << bits.Len(uint(2*grams))
	if len(g.table) < size {
		g.table = make([]tally, size)
		return g.table
	}
	table := g.table[:size]
	clear(table)
	return table
}

// find returns the tally of an n-gram, which has no count if it is new.
func find(table []tally, gr gram, words *joinedWords, n int) *tally {
	mask := uint32(len(table) - 1)
	for i := gr.hash & mask; ; i = (i + 1) & mask {
		t := &table[i]
		switch {
		case t.count == 0:
			t.hash, t.at = gr.hash, gr.at
			return t
		case t.hash == gr.hash && words.ngram(t.at, n) == words.ngram(gr.at, n):
			return t
		}
	}
}
