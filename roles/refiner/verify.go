package refiner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/pipeline/shard"
)

// Outcomes of a RowCheck.
const (
	// RowEqual: the recomputed row is the same in all columns.
	RowEqual = "equal"
	// RowDiffers: it is not; Reason says in what.
	RowDiffers = "differs"
	// RowNoRange: its WARC file gives records no ranges, so it cannot be read
	// again by itself.
	RowNoRange = "no_range"
)

// RowCheck is what verifying one row of a shard came to.
type RowCheck struct {
	Row      int64  `json:"row"`
	ID       string `json:"id"`
	URL      string `json:"url"`
	FilePath string `json:"file_path"`
	Offset   int64  `json:"warc_offset"`
	Length   int32  `json:"warc_length"`
	Outcome  string `json:"outcome"`
	Reason   string `json:"reason,omitempty"`
}

// VerifyOptions describe what to verify.
type VerifyOptions struct {
	// Shard is a Parquet file of Size bytes that messages call Name.
	Name  string
	Shard io.ReaderAt
	Size  int64
	// Row is the number of the row to verify, from 0, or −1 for all. Of the file
	// only what holds the row is read.
	Row int64
	// Base is where the WARC files are read from.
	Base polite.Base
	// Runner is that of the recipe the shard was made with.
	Runner *pipeline.Runner
}

// maxVerifyRows bounds a shard that is verified, as memory grows with row
// groups and not with rows.
const maxVerifyRows = 1 << 40

// Verify reads the record of each row again by its range, recomputes the row
// and compares all columns. emit is called for every row in order.
//
// A row by itself cannot tell whether a step across records should have dropped
// it. For MinHash the ledger can, which validators replay. A recipe with an
// Editor is refused, as its rows depend on all documents.
func Verify(ctx context.Context, o VerifyOptions, emit func(RowCheck) error) error {
	for _, step := range o.Runner.Across() {
		if _, ok := step.(pipeline.Editor); ok {
			return fmt.Errorf("verify %s: stage %s of recipe %s edits a text by what other documents hold, so no row can be recomputed from its record alone",
				o.Name, step.Name(), o.Runner.Recipe.Name)
		}
	}
	n := max(o.Row, 0)
	for row, err := range shard.ReadRowsFrom(o.Shard, o.Size, maxVerifyRows, n) {
		if err != nil {
			return fmt.Errorf("read %s: %w", o.Name, err)
		}
		check, err := verifyRow(ctx, o, row)
		if err != nil {
			return fmt.Errorf("verify row %d of %s: %w", n, o.Name, err)
		}
		check.Row = n
		if err := emit(check); err != nil || o.Row >= 0 {
			return err
		}
		n++
	}
	return nil
}

func verifyRow(ctx context.Context, o VerifyOptions, row contract.Row) (RowCheck, error) {
	check := RowCheck{
		ID: row.ID, URL: row.URL, FilePath: row.FilePath, Offset: row.WARCOffset, Length: row.WARCLength, Outcome: RowNoRange,
		Reason: "its WARC file gives records no ranges, so the record cannot be read again by itself",
	}
	if row.WARCOffset < 0 {
		return check, nil
	}
	if row.WARCLength < 1 {
		check.Outcome, check.Reason = RowDiffers, fmt.Sprintf("its range has %d bytes", row.WARCLength)
		return check, nil
	}
	path := pipeline.BasePath(row.FilePath)
	data, size, err := o.Base.ReadRange(ctx, path, row.WARCOffset, int64(row.WARCLength))
	if err != nil {
		return check, err
	}
	again, err := recompute(ctx, o.Runner, row, data, size)
	if err != nil {
		return check, err
	}
	check.Outcome, check.Reason = RowEqual, ""
	if problem := difference(row, again); problem != "" {
		check.Outcome, check.Reason = RowDiffers, problem
	}
	return check, nil
}

// recompute returns what the recipe makes of one record; a nil row with the
// ledger row that says why it was dropped.
func recompute(ctx context.Context, r *pipeline.Runner, row contract.Row, data []byte, size int64) (pipeline.Result, error) {
	var found pipeline.Result
	file := pipeline.File{Path: row.FilePath, Dump: row.Dump, Start: row.WARCOffset, Bytes: size, Leased: true}
	_, err := r.Scan(ctx, bytes.NewReader(data), file, func(res pipeline.Result) error {
		found = res
		return io.EOF // one record, one row
	})
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return found, err
}

// difference says in what a claimed row is not the recomputed one.
func difference(claimed contract.Row, again pipeline.Result) string {
	if again.Row == nil {
		l := again.Ledger
		if l.Outcome == "" {
			return "there is no page at its range"
		}
		return strings.TrimSpace(fmt.Sprintf("the page at its range is not kept: %s %s", l.Outcome, l.Reason))
	}
	want, got := again.Row.Canonical(), claimed.Canonical()
	names := contract.RowColumns()
	var wrong []string
	for i := range want {
		if want[i] != got[i] {
			wrong = append(wrong, names[i])
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return "recomputed, these columns are different: " + strings.Join(wrong, ", ")
}
