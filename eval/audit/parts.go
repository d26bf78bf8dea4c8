package audit

import (
	"context"
	"fmt"
	"iter"

	"finest/eval"
	"finest/internal/contract"
	"finest/pipeline"
)

// Cut names a part of a task's input: the pages that begin in the bytes
// [From, To) of a file.
type Cut struct {
	File     int32
	From, To int64
}

// Part is a cut widened to the borders of a ledger, and what the ledger has of
// it. The parts of neighbouring cuts share a border and no page.
type Part struct {
	Cut
	// Begin and End are the bytes that the part's pages are made of; they are
	// equal where no page begins in the cut.
	Begin, End int64
	// Kept is the number of documents published of it, of which the first is row
	// First of the shards.
	First, Kept int64

	open bool
}

// Place is where a record lies: file number in the receipt, and offset.
type Place struct {
	File   int32
	Offset int64
}

// Parts are cuts of one submission.
type Parts struct {
	List []Part
	// Elsewhere are the pages of the parts that the ledger calls duplicates of
	// pages outside of them: who looks at the parts alone cannot know them for
	// such.
	Elsewhere map[Place]bool

	s     *Submission
	files Files
}

// Locate finds cuts, which rise and do not overlap, in a submission's ledger. It
// relies on Content having passed.
func Locate(ctx context.Context, s *Submission, files Files, cuts []Cut) (*Parts, error) {
	p := &Parts{s: s, files: files, Elsewhere: make(map[Place]bool)}
	for _, c := range cuts {
		if c.File < 0 || int(c.File) >= len(s.Manifest.Inputs) || c.From < 0 || c.To <= c.From {
			return nil, fmt.Errorf("locate bytes %d–%d of file %d: the task has no such bytes", c.From, c.To, c.File)
		}
		p.List = append(p.List, Part{Cut: c, open: c.From == 0})
	}
	l := locator{Parts: p}
	for row, err := range ledgerRows(ctx, files, s.Manifest) {
		if err != nil {
			return nil, err
		}
		l.add(row)
	}
	for ; l.current < len(p.List); l.current++ {
		l.close(s.Manifest.Inputs[p.List[l.current].File].Bytes)
	}
	return p, nil
}

// locator walks the ledger once beside the parts.
type locator struct {
	*Parts
	current int
	kept    int64
}

func (l *locator) add(row contract.LedgerRow) {
	border := row.Outcome != contract.OutcomeDamaged
	for ; l.current < len(l.List); l.current++ {
		p := &l.List[l.current]
		if row.File > p.File {
			l.close(l.s.Manifest.Inputs[p.File].Bytes)
			continue
		}
		if row.File == p.File && row.Offset >= p.To && border {
			l.close(row.Offset)
			continue
		}
		if row.File == p.File && row.Offset >= p.From {
			l.take(p, row, border)
		}
		break
	}
	if row.Outcome == contract.OutcomeKept {
		l.kept++
	}
}

// take counts a row of the present part.
func (l *locator) take(p *Part, row contract.LedgerRow, border bool) {
	if !p.open && border {
		p.open, p.Begin = true, row.Offset
	}
	switch {
	case !p.open: // damage that began before the part
	case row.Outcome == contract.OutcomeKept:
		if p.Kept == 0 {
			p.First = l.kept
		}
		p.Kept++
	case row.Outcome == contract.OutcomeMinHash && !l.holds(Place{row.KeptFile, row.KeptOffset}):
		l.Elsewhere[Place{row.File, row.Offset}] = true
	}
}

func (l *locator) close(end int64) {
	p := &l.List[l.current]
	if !p.open {
		p.Begin = end
	}
	p.End = end
}

// holds reports whether a record lies in one of the cuts.
func (p *Parts) holds(at Place) bool {
	for i := range p.List {
		if c := p.List[i].Cut; c.File == at.File && at.Offset >= c.From && at.Offset < c.To {
			return true
		}
	}
	return false
}

// Published yields the documents that the submission publishes of part i.
func (p *Parts) Published(ctx context.Context, i int) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		left := p.List[i].Kept
		if left == 0 {
			return
		}
		for row, err := range shardRows(ctx, p.files, p.s.Manifest, p.List[i].First) {
			if !yield(row, err) || err != nil {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// Audit is check 3 for part i: its bytes must give exactly what the ledger and
// the shards say. An error is that of ctx or carries a fault, as in Slice.
func (p *Parts) Audit(ctx context.Context, i int, src Source) (eval.Check, error) {
	c := p.List[i].Cut
	to := min(c.To, p.s.Manifest.Inputs[c.File].Bytes)
	check, err := slicer{ctx: ctx, s: p.s, m: p.s.Manifest, files: p.files, src: src}.audit(c.File, c.From, to)
	if err != nil {
		return conclude(ctx, eval.CheckSlice, err)
	}
	return check, nil
}

// Whole reports whether part i is read in one request. One that is not, and passes
// Audit as far as that reads, is damaged for longer.
func (p *Parts) Whole(i int) bool { return p.List[i].End-p.List[i].Begin <= DefaultMaxFetch }

// Stretch is the bytes of a part.
type Stretch struct{ st stretch }

// Fetch reads the bytes of part i, which is Whole, in one request. An error carries a
// fault.
func (p *Parts) Fetch(ctx context.Context, i int, ranges Ranges) (Stretch, error) {
	part := p.List[i]
	if part.Begin == part.End {
		return Stretch{stretch{complete: true}}, nil
	}
	st, err := Source{Ranges: ranges}.fetch(ctx, p.s.Manifest, part.File, part.Begin, part.End)
	return Stretch{st}, eval.Blame(eval.FaultCrawl, err)
}

// Scan runs a recipe over the stretch; emit gets a result for every page and
// every other row that a ledger would have.
func (s Stretch) Scan(ctx context.Context, scanner Scanner, emit func(pipeline.Result) error) error {
	if len(s.st.data) == 0 {
		return nil
	}
	var failed error
	err := s.st.scan(ctx, scanner, func(r pipeline.Result) error {
		failed = emit(r)
		return failed
	})
	if failed != nil {
		return failed
	}
	return err
}
