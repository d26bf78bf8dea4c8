package refiner

import (
	"context"
	"fmt"
	"iter"

	"finest/internal/contract"
	"finest/pipeline"
)

// revise runs a later pass of a recipe: it edits what the pass before left, as
// that pass's Editor finds by comparing it, runs the pass's stages, and spills
// what they leave. All of it is made again when a job resumes.
func (j *job) revise(ctx context.Context, number int, pass *pipeline.Runner, v *verdicts, spills []spill) ([]spill, error) {
	revised := make([]spill, len(spills))
	r := revisions{verdicts: v}
	var stop func()
	r.next, stop = iter.Pull2(j.findRepeats(ctx, v, len(v.steps)-1, spills))
	defer stop()
	if err := r.advance(); err != nil {
		return nil, fmt.Errorf("%s: %w", v.steps[len(v.steps)-1].Name(), err)
	}
	for i := range spills {
		j.report(PhaseRevise, 0, 0)
		var err error
		revised[i], err = j.writeSpills(fmt.Sprintf("pass%d", number), i, pass, func(emit func(pipeline.Result) error) error {
			times, err := pass.Revise(ctx, r.of(ctx, j, spills[i:i+1]), emit)
			for name, t := range times {
				j.stages[name] += t
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return revised, nil
}

// revisions joins the ledger rows of a pass with their documents, the verdicts on
// them, and the places that repeat.
type revisions struct {
	*verdicts
	next func() (pipeline.Repeat, error, bool)
	// repeat is the next one, more whether there is one.
	repeat pipeline.Repeat
	more   bool
	// document is the number of the next one.
	document int
}

func (r *revisions) advance() (err error) {
	r.repeat, err, r.more = r.next()
	return err
}

// of yields the revisions of one file, or of several that follow one another.
func (r *revisions) of(ctx context.Context, j *job, spills []spill) iter.Seq2[pipeline.Revision, error] {
	return func(yield func(pipeline.Revision, error) bool) {
		nextRow, stop := iter.Pull2(j.rows(ctx, spills))
		defer stop()
		for row, err := range j.ledger(ctx, spills) {
			revision := pipeline.Revision{Result: pipeline.Result{Ledger: row}}
			if err == nil && survived(row) {
				err = r.complete(&revision, nextRow)
			}
			if !yield(revision, err) || err != nil {
				return
			}
		}
	}
}

// complete adds the document, or the verdict if it is dropped.
func (r *revisions) complete(v *pipeline.Revision, nextRow func() (contract.Row, error, bool)) error {
	row, err, ok := nextRow()
	if err == nil && !ok {
		err = fmt.Errorf("the ledger has more documents than the rows")
	}
	if err != nil {
		return err
	}
	document := r.document
	r.document++
	if !r.kept(document) {
		v.Ledger = r.apply(v.Ledger, document)
		return nil
	}
	v.Row = &row
	if r.more && int(r.repeat.Document) == document {
		v.Places = append([]uint32(nil), r.repeat.Places...)
		return r.advance()
	}
	return nil
}
