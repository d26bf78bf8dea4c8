package langid

import (
	"strings"
	"unicode/utf8"
)

// embed returns the mean of the rows of all words and n-grams of the text's first
// line, and whether there is any.
func (m *Model) embed(text string) (hidden []float32, ok bool) {
	a := accumulator{model: m, sum: make([]float32, m.dim)}
	line, _, _ := strings.Cut(text, "\n")
	for line != "" {
		end := 0
		for end < len(line) && !isSeparator(line[end]) {
			end++
		}
		if end > 0 && !a.addWord(line[:end]) {
			return a.mean()
		}
		line = line[min(end+1, len(line)):]
	}
	a.addWord(endOfSentence)
	return a.mean()
}

// isSeparator reports whether fastText ends a word at a byte.
func isSeparator(c byte) bool {
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' || c == 0
}

// accumulator sums rows of the input matrix in the order in which they come.
type accumulator struct {
	model *Model
	sum   []float32
	rows  int
	word  []byte
}

func (a *accumulator) mean() ([]float32, bool) {
	if a.rows == 0 {
		return nil, false
	}
	scale := float32(1 / float64(a.rows))
	for i, x := range a.sum {
		a.sum[i] = x * scale
	}
	return a.sum, true
}

func (a *accumulator) add(row int32) {
	numbers := a.model.input.row(row)
	for i := range a.sum {
		a.sum[i] += number(numbers, i)
	}
	a.rows++
}

// addWord adds a word's own row and those of its n-grams. It reports whether
// reading goes on after it.
func (a *accumulator) addWord(word string) bool {
	id, known := a.model.words[word]
	switch {
	case known && id == labelEntry, !known && strings.HasPrefix(word, labelPrefix):
		return true
	case known:
		a.add(id)
	}
	if word == endOfSentence {
		return false
	}
	a.addNgrams(word)
	return true
}

// addNgrams adds the rows of the n-grams of a word between < and >, by the
// start, then by the length.
func (a *accumulator) addNgrams(word string) {
	m := a.model
	if m.maxn <= 0 || m.pruned {
		return
	}
	a.word = append(append(append(a.word[:0], '<'), word...), '>')
	for i := range a.word {
		if !utf8.RuneStart(a.word[i]) {
			continue
		}
		hash := uint32(fnvOffset)
		for n, j := 1, i; n <= m.maxn && j < len(a.word); n++ {
			hash = fnv(hash, a.word[j])
			for j++; j < len(a.word) && !utf8.RuneStart(a.word[j]); j++ {
				hash = fnv(hash, a.word[j])
			}
			if n >= m.minn && (n > 1 || i > 0 && j < len(a.word)) {
				a.addBucket(hash % m.bucket)
			}
		}
	}
}

func (a *accumulator) addBucket(bucket uint32) {
	m := a.model
	if m.kept == nil {
		a.add(m.nwords + int32(bucket))
	} else if row := m.kept.row(bucket); row != nil {
		a.add(m.nwords + *row)
	}
}

const fnvOffset, fnvPrime = 2166136261, 16777619

// fnv is one step of the FNV-1a hash with fastText's sign extension of the byte.
func fnv(hash uint32, b byte) uint32 { return (hash ^ uint32(int8(b))) * fnvPrime }
