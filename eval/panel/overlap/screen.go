package overlap

import "iter"

// Limit is the excess of accused documents over the reference's own rate that
// no dataset is judged with: beyond it held-out text did not get there by
// chance.
const Limit = 0.01

// maxList bounds the matches that a report shows.
const maxList = 50

// Report says how much held-out text a dataset has.
type Report struct {
	// Documents were read. Shared of them share a gram with held-out text, and
	// Accused have text in which more than what many pages say is held-out text.
	Documents int `json:"documents"`
	Shared    int `json:"shared"`
	Accused   int `json:"accused"`
	// List has accused documents, those with the longest runs first.
	List []Found `json:"list,omitempty"`
}

// Found is an accused document.
type Found struct {
	Document string `json:"document"`
	Match
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

// ordinary reports whether a gram is nobody's fault.
func (x *Index) ordinary(at place) bool {
	if x.excused != nil && x.excused[at.table][at.slot/64]>>(at.slot%64)&1 != 0 {
		return true
	}
	return x.gram(at).sources >= commonSources
}

// commonSources is the number of held-out units that make a gram ordinary.
const commonSources = 3

// Screen reads a dataset of documents with their names.
func (x *Index) Screen(documents iter.Seq2[string, string]) Report {
	var r Report
	for name, text := range documents {
		r.Documents++
		if _, found := x.Find(text); !found {
			continue
		}
		r.Shared++
		m := x.find(text, func(at place) bool { return !x.ordinary(at) })
		if m.Grams == 0 {
			continue
		}
		r.Accused++
		r.list(Found{name, m})
	}
	return r
}

// list keeps the documents with the longest runs.
func (r *Report) list(f Found) {
	at := len(r.List)
	for at > 0 && r.List[at-1].Words < f.Words {
		at--
	}
	if at == maxList {
		return
	}
	r.List = append(r.List, Found{})
	copy(r.List[at+1:], r.List[at:])
	r.List[at] = f
	r.List = r.List[:min(len(r.List), maxList)]
}

// Excess returns the share of accused documents of a candidate beyond that of
// its reference, 0 if it has fewer.
func Excess(candidate, reference Report) float64 {
	return max(0, candidate.rate()-reference.rate())
}

func (r Report) rate() float64 {
	if r.Documents == 0 {
		return 0
	}
	return float64(r.Accused) / float64(r.Documents)
}
