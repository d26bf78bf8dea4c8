package audit

import (
	"fmt"
	"math"

	"finest/internal/contract"
)

// ledgerForm checks, row by row, what every ledger must obey whatever the bytes
// are: spans rise, never overlap and end within their file, every file has a
// row, and outcome, keys and keeper of a row go together.
type ledgerForm struct {
	inputs   []contract.Input
	outcomes map[string]bool
	index    uint64
	file     int32 // of the last row; −1 before the first
	end      int64 // of the last row
}

func newLedgerForm(m contract.Manifest) *ledgerForm {
	f := &ledgerForm{inputs: m.Inputs, file: -1, outcomes: map[string]bool{
		contract.OutcomeKept: true, contract.OutcomeSkipped: true, contract.OutcomeDamaged: true,
		contract.OutcomeNoRanges: true, contract.OutcomeMinHash: true,
	}}
	for _, s := range m.Recipe.Stages {
		f.outcomes[s.Name] = true
	}
	return f
}

// add takes the next row and says in a sentence what is wrong with it.
func (f *ledgerForm) add(r contract.LedgerRow) error {
	if err := f.span(r); err != nil {
		return err
	}
	problem := f.fate(r)
	if problem == "" && len(r.BandKeys) > 0 {
		problem = keeperProblem(r)
	}
	if problem != "" {
		return fmt.Errorf("%s %s", describeRow(f.index, r, f.inputs[r.File].Path), problem)
	}
	f.file, f.end = r.File, r.End()
	f.index++
	return nil
}

// span checks where the row lies.
func (f *ledgerForm) span(r contract.LedgerRow) error {
	if r.File < 0 || int(r.File) >= len(f.inputs) {
		return fmt.Errorf("ledger row %d is of file %d, but the task has %d files", f.index, r.File, len(f.inputs))
	}
	path := f.inputs[r.File].Path
	if r.File < f.file {
		return fmt.Errorf("ledger row %d (%s) is of file %d, but follows a row of file %d", f.index, path, r.File, f.file)
	}
	if r.File > f.file {
		if r.File > f.file+1 {
			return fmt.Errorf("the ledger has no row for %s", f.inputs[f.file+1].Path)
		}
		f.end = 0
	}
	size := f.inputs[r.File].Bytes
	switch {
	case r.Offset < 0:
		return fmt.Errorf("ledger row %d (%s) has offset %d, but every row of a leased task has a range", f.index, path, r.Offset)
	case r.Length < 1:
		return fmt.Errorf("ledger row %d (%s, offset %d) spans %d bytes", f.index, path, r.Offset, r.Length)
	case r.Offset > size || r.Length > size-r.Offset:
		return fmt.Errorf("ledger row %d (%s, offset %d, length %d) ends after the file's %d bytes", f.index, path, r.Offset, r.Length, size)
	case r.Offset < f.end:
		return fmt.Errorf("ledger row %d (%s, offset %d) begins before the row before it ends at %d", f.index, path, r.Offset, f.end)
	}
	return nil
}

// fate checks that the row's outcome, reason, value and keys go together.
func (f *ledgerForm) fate(r contract.LedgerRow) string {
	keys := len(r.BandKeys)
	switch {
	case !f.outcomes[r.Outcome]:
		return fmt.Sprintf("has outcome %.40q, which is no stage of the recipe", r.Outcome)
	case keys != 0 && keys != contract.Bands:
		return fmt.Sprintf("has %d band keys, not %d or none", keys, contract.Bands)
	case keys != 0 && !r.ReachedMinHash():
		return fmt.Sprintf("has band keys, but was dropped by %s before it had any", r.Outcome)
	case keys == 0 && r.Outcome == contract.OutcomeMinHash:
		return "is called a duplicate, but has no band keys to tell by"
	case keys == 0 && (r.KeptFile != contract.NoKeeper || r.KeptOffset != contract.NoKeeper):
		return "has no band keys, but names a kept document"
	case r.Outcome == contract.OutcomeKept && (r.Reason != "" || math.Float64bits(r.Value) != 0):
		return fmt.Sprintf("is kept, but gives reason %.40q and value %v", r.Reason, r.Value)
	case r.Outcome == contract.OutcomeKept && r.Length > math.MaxInt32:
		return "is kept, but longer than a shard can say"
	case r.Outcome == contract.OutcomeMinHash && (r.Reason != contract.ReasonDuplicate || math.Float64bits(r.Value) != 0):
		return fmt.Sprintf("is a duplicate, but gives reason %.40q and value %v", r.Reason, r.Value)
	case r.Characters < 0:
		return fmt.Sprintf("states %d characters", r.Characters)
	}
	return ""
}

// keeperProblem checks the keeper of a row with band keys as far as the row
// alone says.
func keeperProblem(r contract.LedgerRow) string {
	self := r.KeptFile == r.File && r.KeptOffset == r.Offset
	before := r.KeptFile >= 0 && r.KeptOffset >= 0 &&
		(r.KeptFile < r.File || r.KeptFile == r.File && r.KeptOffset < r.Offset)
	switch {
	case r.Outcome == contract.OutcomeKept && !self:
		return fmt.Sprintf("is kept, but names file %d, offset %d as the kept document of its cluster", r.KeptFile, r.KeptOffset)
	case r.Outcome == contract.OutcomeMinHash && !before:
		return fmt.Sprintf("is a duplicate of file %d, offset %d, which does not come before it", r.KeptFile, r.KeptOffset)
	}
	return ""
}

// finish checks that no file is left without a row.
func (f *ledgerForm) finish() error {
	if int(f.file)+1 < len(f.inputs) {
		return fmt.Errorf("the ledger has no row for %s", f.inputs[f.file+1].Path)
	}
	return nil
}
