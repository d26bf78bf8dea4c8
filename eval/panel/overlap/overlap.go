// Package overlap finds held-out text in training data: sequences of words that
// both have. What is found is left out of training, and a dataset that has more
// of it than its anchors is refused.
package overlap

import (
	"iter"
	"strings"
)

const (
	// Gram is the length in words of what counts as the same text, as GPT-3's
	// authors took it (arXiv 2005.14165, appendix C) and many since.
	Gram = 13
	// ShortGram is the least number of words of a text that is held out: a
	// shorter text than Gram words is looked for as a whole, and one of fewer
	// than these is too ordinary to be looked for.
	ShortGram = 8
)

// Index has the grams of all held-out text. It is safe for concurrent use.
type Index struct {
	sources []string
	// tables are those of the lengths that there are, the longest first.
	tables []*table
	// excused has a bit for each slot of each table.
	excused [][]uint64
}

// New indexes held-out texts, each with the name of its unit, in whose order
// they come. It takes about 50 bytes a word.
func New(texts iter.Seq2[string, string]) *Index {
	b := &builder{tables: make(map[int]*table)}
	for source, text := range texts {
		if len(b.sources) == 0 || b.sources[len(b.sources)-1] != source {
			b.sources = append(b.sources, source)
		}
		b.add(text)
	}
	x := &Index{sources: b.sources}
	for n := Gram; n >= ShortGram; n-- {
		if t := b.tables[n]; t != nil {
			x.tables = append(x.tables, t)
		}
	}
	return x
}

// builder makes an index.
type builder struct {
	sources []string
	tables  map[int]*table // by length
}

// add adds a text of the last source.
func (b *builder) add(text string) {
	r := newRoller([]int{Gram})
	var short []uint64
	for w := range words(normal(text)) {
		r.push(w)
		if len(short) < Gram {
			short = append(short, w.hash)
		}
		if hash, ok := r.hash(0); ok {
			b.gram(Gram, hash)
		}
	}
	if n := len(short); n >= ShortGram && n < Gram {
		whole := newRoller([]int{n})
		for _, h := range short {
			whole.push(word{hash: h})
		}
		hash, _ := whole.hash(0)
		b.gram(n, hash)
	}
}

func (b *builder) gram(words int, hash uint64) {
	t := b.tables[words]
	if t == nil {
		t = &table{words: words}
		b.tables[words] = t
	}
	t.add(hash, uint32(len(b.sources)-1))
}

// Match is held-out text that was found in a document.
type Match struct {
	// Source is the unit that has it.
	Source string `json:"source"`
	// Grams counts the grams of the document that are held-out text; Words is
	// the length of the longest run of them, in words.
	Grams int `json:"grams"`
	Words int `json:"words"`
	// Excerpt is the beginning of that run.
	Excerpt string `json:"excerpt"`
}

// Find looks for held-out text in a document: any gram counts, as even one tells
// a model what comes next.
func (x *Index) Find(text string) (m Match, found bool) {
	f := x.find(text, func(place) bool { return true })
	return f, f.Grams > 0
}

// maxExcerpt is the length of an excerpt in bytes.
const maxExcerpt = 200

// find counts the grams of a text that are held-out text and that count.
func (x *Index) find(text string, counts func(place) bool) Match {
	var m Match
	var run, last int // words of the run, and the word it ends at
	var first int     // byte of the normalised text that the run begins at
	text = normal(text)
	r := x.roller()
	for w := range words(text) {
		r.push(w)
		at, ok := x.lookup(r, counts)
		if !ok {
			continue
		}
		m.Grams++
		if n := x.tables[at.table].words; run > 0 && last == r.count-1 {
			run++
		} else {
			run, first = n, r.start(n)
		}
		last = r.count
		if run > m.Words {
			m.Words, m.Source = run, x.sources[x.gram(at).first]
			m.Excerpt = text[first:min(w.end, first+maxExcerpt)]
		}
	}
	m.Excerpt = strings.Clone(strings.Join(strings.Fields(strings.ToValidUTF8(m.Excerpt, "")), " ")) // without the text behind it
	return m
}

// place is where a gram of an index is.
type place struct{ table, slot int }

func (x *Index) gram(at place) gram { return x.tables[at.table].grams[at.slot] }

func (x *Index) roller() *roller {
	lengths := make([]int, len(x.tables))
	for i, t := range x.tables {
		lengths[i] = t.words
	}
	return newRoller(lengths)
}

// lookup returns the longest gram that ends at the last word and counts.
func (x *Index) lookup(r *roller, counts func(place) bool) (place, bool) {
	for i, t := range x.tables {
		if hash, ok := r.hash(i); ok {
			if slot, found := t.slot(hash); found && counts(place{i, slot}) {
				return place{i, slot}, true
			}
		}
	}
	return place{}, false
}
