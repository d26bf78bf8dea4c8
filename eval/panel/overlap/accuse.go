package overlap

import "iter"

// Limit is the excess of accused documents over the reference's own share that
// no dataset is judged with: beyond it held-out text did not get there by
// chance.
const Limit = 0.01

// commonSources is the number of held-out units that make a gram ordinary: what
// so many of them say, such as the question "Which of the following is an
// example of …", others say as well.
const commonSources = 3

// Accuse looks for held-out text in a document that somebody put there: any gram
// that is not ordinary. A gram is ordinary that several held-out units have, or
// that was excused.
func (x *Index) Accuse(text string) (m Match, accused bool) {
	f := x.find(text, func(at place) bool { return !x.ordinary(at) })
	return f, f.Grams > 0
}

func (x *Index) ordinary(at place) bool {
	if x.excused != nil && x.excused[at.table][at.slot/64]>>(at.slot%64)&1 != 0 {
		return true
	}
	return x.gram(at).sources >= commonSources
}

// Excuse returns an index that accuses nobody of the grams that these documents
// have: such as the naive text of the same pages, in which a page says it, and
// no recipe put it there. Find still finds them.
func (x *Index) Excuse(texts iter.Seq2[string, string]) *Index {
	y := &Index{sources: x.sources, tables: x.tables, excused: make([][]uint64, len(x.tables))}
	for i, t := range x.tables {
		y.excused[i] = make([]uint64, (len(t.keys)+63)/64)
		if x.excused != nil {
			copy(y.excused[i], x.excused[i])
		}
	}
	for _, text := range texts {
		y.find(text, func(at place) bool {
			y.excused[at.table][at.slot/64] |= 1 << (at.slot % 64)
			return false // so that the shorter grams are looked for, too
		})
	}
	return y
}
