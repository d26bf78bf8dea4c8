package compare

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"
	"strings"
	"unicode/utf8"

	"finest/eval"
)

// entry is a document that may become part of a sample.
type entry struct {
	rank     pageRank
	position int64 // in the dataset, between documents of one page
	host     string
	text     string
	cut      bool // text is a piece of a longer one
}

// compare orders entries as a sample takes them.
func (e entry) compare(o entry) int {
	return cmp.Or(bytes.Compare(e.rank[:], o.rank[:]), cmp.Compare(e.position, o.position))
}

// pool collects the first documents, in the order of a seed, that together count
// at least limit bytes: the same ones in whatever order it is shown them.
type pool struct {
	seed     eval.Seed
	limit    int64
	document int   // the most bytes that one document counts
	least    int64 // what a shorter one counts, as holding it takes memory, too

	entries entries
	counted int64
}

// add shows the pool a document.
func (p *pool) add(d Document, position int64, host string) {
	e := entry{rank: rank(p.seed, d.Key), position: position}
	if p.counted >= p.limit && e.compare(p.entries[0]) > 0 {
		return
	}
	text := piece(d.Text, p.document, p.seed.Sub("piece/"+d.Key))
	e.cut = len(text) < len(d.Text)
	e.text, e.host = strings.Clone(text), strings.Clone(host) // without the reader's buffers behind them
	heap.Push(&p.entries, e)
	p.counted += p.counts(e)
	for last := p.counts(p.entries[0]); p.counted-last >= p.limit; last = p.counts(p.entries[0]) {
		heap.Pop(&p.entries)
		p.counted -= last
	}
}

func (p *pool) counts(e entry) int64 { return max(int64(len(e.text)), p.least) }

// sorted returns the entries in order; the pool is spent.
func (p *pool) sorted() []entry {
	out := []entry(p.entries)
	p.entries = nil
	slices.SortFunc(out, entry.compare)
	return out
}

// entries is a heap whose first entry is the last one in order.
type entries []entry

func (e entries) Len() int           { return len(e) }
func (e entries) Less(i, j int) bool { return e[i].compare(e[j]) > 0 }
func (e entries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(x any)        { *e = append(*e, x.(entry)) }

func (e *entries) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = entry{}
	*e = old[:len(old)-1]
	return last
}

// piece returns a contiguous piece of at most limit bytes of a text that is
// longer, at a place drawn by the seed, without a part of a character at its ends.
func piece(text string, limit int, seed eval.Seed) string {
	if len(text) <= limit {
		return text
	}
	begin := int(seed.Stream().Below(uint64(len(text) - limit + 1)))
	end := begin + limit
	for begin < end && !utf8.RuneStart(text[begin]) {
		begin++
	}
	for end > begin && end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[begin:end]
}
