package refiner

import (
	"context"
	"fmt"
	"iter"
	"math"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
)

// place is where a document stands in the task.
type place struct {
	file   int32
	offset int64
}

// verdicts say what the steps across records of a pass made of the documents
// that survived it, in order. They take 21 bytes for each.
type verdicts struct {
	steps  []pipeline.Across
	places []place
	// by is the number of the step that dropped the document, from 1; 0 if none
	// did. repeats is the document it repeats then.
	by      []uint8
	repeats []uint32
}

// survived reports whether a ledger row in a spill is of a document that every
// stage kept.
func survived(row contract.LedgerRow) bool { return row.Outcome == contract.OutcomeKept }

// compare runs the steps across records of a pass over what it left, one after
// the other. An Editor's step is left to revise.
func (j *job) compare(ctx context.Context, pass *pipeline.Runner, spills []spill) (*verdicts, error) {
	v := &verdicts{steps: pass.Across()}
	for row, err := range j.ledger(ctx, spills) {
		if err != nil {
			return nil, err
		}
		if survived(row) {
			v.places = append(v.places, place{row.File, row.Offset})
		}
	}
	if int64(len(v.places)) > math.MaxUint32 {
		return nil, fmt.Errorf("compare %d documents: more than the %d that have numbers", len(v.places), uint32(math.MaxUint32))
	}
	v.by, v.repeats = make([]uint8, len(v.places)), make([]uint32, len(v.places))
	for i, step := range v.steps {
		if _, edits := step.(pipeline.Editor); edits {
			continue
		}
		for repeat, err := range j.findRepeats(ctx, v, i, spills) {
			if err != nil {
				return nil, fmt.Errorf("%s: %w", step.Name(), err)
			}
			v.by[repeat.Document], v.repeats[repeat.Document] = uint8(i+1), repeat.Keeper
		}
	}
	return v, nil
}

// findRepeats compares the documents that no step before has dropped.
func (j *job) findRepeats(ctx context.Context, v *verdicts, step int, spills []spill) iter.Seq2[pipeline.Repeat, error] {
	return func(yield func(pipeline.Repeat, error) bool) {
		comparison := v.steps[step].Compare(keysort.Options{Dir: j.WorkDir, Budget: j.KeyBudget})
		defer func() { _ = comparison.Close() }()
		n := 0
		for keys, err := range j.keys(ctx, spills, step, len(v.steps)) {
			if err == nil && n == len(v.places) {
				err = fmt.Errorf("there are keys of more than the ledger's %d documents", n)
			}
			if err == nil {
				if v.by[n] != 0 {
					keys = nil
				}
				err = comparison.Add(keys)
			}
			if err != nil {
				yield(pipeline.Repeat{}, err)
				return
			}
			n++
		}
		if n < len(v.places) {
			yield(pipeline.Repeat{}, fmt.Errorf("there are keys of %d of %d documents", n, len(v.places)))
			return
		}
		for repeat, err := range comparison.Repeats(ctx) {
			if !yield(repeat, err) || err != nil {
				return
			}
		}
	}
}

// kept reports whether no step has dropped the document.
func (v *verdicts) kept(document int) bool { return v.by[document] == 0 }

// apply returns the ledger row of a document after the comparisons. Only of a
// document that MinHash has compared does it say the band keys, so that the
// ledger's keys are those the clusters came of.
func (v *verdicts) apply(row contract.LedgerRow, document int) contract.LedgerRow {
	if v.kept(document) {
		return row
	}
	by := int(v.by[document]) - 1
	row.Outcome, row.Reason, row.Value = v.steps[by].Name(), contract.ReasonDuplicate, 0
	keeper := v.places[v.repeats[document]]
	row.KeptFile, row.KeptOffset = keeper.file, keeper.offset
	for _, later := range v.steps[by+1:] {
		if later.Name() == contract.OutcomeMinHash {
			row.BandKeys = nil
		}
	}
	return row
}
