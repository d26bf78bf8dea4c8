package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"finest/eval"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
)

// DrawSlice chooses what an audit looks at: a file with weight bytes + slice, d
// uniformly in [0, bytes + slice), and of it the bytes [d − slice, d) that lie
// in the file. So every byte of the task is as likely as every other.
func DrawSlice(seed eval.Seed, inputs []contract.Input, slice int64) (file int32, from, to int64) {
	var weight uint64
	for _, in := range inputs {
		weight += uint64(in.Bytes + slice)
	}
	x := seed.Stream().Below(weight)
	for i, in := range inputs {
		if w := uint64(in.Bytes + slice); x >= w {
			x -= w
			continue
		}
		d := int64(x)
		return int32(i), max(d-slice, 0), min(d, in.Bytes)
	}
	panic("audit: drew beyond the last file")
}

// segment is a slice widened to borders: rows first to last−1 of the ledger are
// those of the bytes [from, to).
type segment struct {
	file        int32
	from, to    int64
	first, last uint64
	// begin is EdgeRow if from is the offset of row first, EdgeFile if it is the
	// file's start.
	begin string
	// kept counts the kept rows before first.
	kept int64
}

// widen finds the borders around [from, to): the offsets of rows that are not
// damaged, and both ends of the file.
func widen(rows iter.Seq2[contract.LedgerRow, error], m contract.Manifest, file int32, from, to int64) (segment, error) {
	seg := segment{file: file, to: m.Inputs[file].Bytes, begin: EdgeFile}
	var index uint64
	var kept int64
	for row, err := range rows {
		if err != nil {
			return seg, err
		}
		border := row.File == file && row.Outcome != contract.OutcomeDamaged
		switch {
		case row.File < file:
			seg.first, seg.kept = index+1, kept
			if row.Outcome == contract.OutcomeKept {
				seg.kept++
			}
		case border && row.Offset <= from:
			seg.from, seg.first, seg.kept, seg.begin = row.Offset, index, kept, EdgeRow
		case border && row.Offset >= to && row.Offset > seg.from:
			seg.to, seg.last = row.Offset, index
			return seg, nil
		case row.File > file:
			seg.last = index
			return seg, nil
		}
		if row.Outcome == contract.OutcomeKept {
			kept++
		}
		index++
	}
	seg.last = index
	return seg, nil
}

// Slice is check 3: a slice of the crawl that seed chooses (AuditSeed of
// eval.PurposeSlice) is recomputed, and the ledger's rows for it and the kept
// documents must be exactly what comes out. It relies on Content having passed.
//
// A rejection is confirmed before it is returned: the bytes are read a second
// time, and the proof must hold on its own.
func Slice(ctx context.Context, s *Submission, files Files, src Source, seed eval.Seed, slice int64) (eval.Check, error) {
	a := slicer{ctx: ctx, s: s, m: s.Manifest, files: files, src: src}
	file, from, to := DrawSlice(seed, a.m.Inputs, slice)
	check, err := a.audit(file, from, to)
	if err != nil {
		return conclude(ctx, eval.CheckSlice, err)
	}
	return check, nil
}

type slicer struct {
	ctx   context.Context
	s     *Submission
	m     contract.Manifest
	files Files
	src   Source
}

func (a slicer) audit(file int32, from, to int64) (eval.Check, error) {
	seg, err := widen(ledgerRows(a.ctx, a.files, a.m), a.m, file, from, to)
	if err != nil {
		return eval.Check{}, err
	}
	st, err := a.src.fetch(a.ctx, a.m, seg.file, seg.from, seg.to)
	if wrong := (*sizeError)(nil); errors.As(err, &wrong) {
		return a.wrongSize(seg, wrong)
	} else if err != nil {
		return eval.Check{}, err
	}
	facts := func(c eval.Check) eval.Check {
		return c.With("file", st.input.Path).
			With("range", fmt.Sprintf("%d-%d", seg.from, seg.from+int64(len(st.data)))).
			With("sha256", canon.Sum(st.data)).
			With("ledger_rows", fmt.Sprintf("%d-%d", seg.first, seg.last))
	}
	found, err := a.compare(seg, st)
	if err != nil {
		return eval.Check{}, err
	}
	if found == nil {
		return facts(eval.Pass(eval.CheckSlice, fmt.Sprintf("bytes %d–%d of %s give exactly the ledger's %d rows and their documents",
			seg.from, seg.from+int64(len(st.data)), st.input.Path, seg.last-seg.first))), nil
	}
	again, err := a.src.fetch(a.ctx, a.m, seg.file, seg.from, seg.to)
	if err == nil && !bytes.Equal(again.data, st.data) {
		err = fmt.Errorf("bytes %d–%d of %s differ from one read to the next", seg.from, seg.to, st.input.Path)
	}
	if err != nil {
		return eval.Check{}, eval.Blame(eval.FaultCrawl, err)
	}
	proof, err := a.prove(seg, st, *found)
	if err != nil {
		return eval.Check{}, err
	}
	return proof.attach(facts(eval.Reject(eval.CheckSlice, proof.Reason)))
}

// finding is the first thing in a slice that is not as claimed.
type finding struct {
	// document: a row of the shards is wrong, at this index; else the ledger is.
	document bool
	index    uint64
	// anchor is the last row before index that was right and is not damaged, from
	// EdgeRow; else the segment's first row and how the segment begins.
	anchor uint64
	from   string
	reason string
}

// compare walks the claimed rows of the segment and the recomputed ones side by
// side, row by row, so that neither is held in memory.
func (a slicer) compare(seg segment, st stretch) (*finding, error) {
	claimed, stopLedger := iter.Pull2(ledgerRows(a.ctx, a.files, a.m))
	defer stopLedger()
	kept, stopRows := iter.Pull2(shardRows(a.ctx, a.files, a.m, seg.kept))
	defer stopRows()
	for range seg.first {
		if _, err, _ := claimed(); err != nil {
			return nil, err
		}
	}
	c := comparison{slicer: a, seg: seg, st: st, claimed: claimed, kept: kept, index: seg.first, keptIndex: uint64(seg.kept), anchor: seg.first, from: seg.begin}
	var rowsErr error
	err := st.scan(a.ctx, a.src.Scanner, func(r pipeline.Result) error {
		if rowsErr = c.add(r); rowsErr != nil || c.found != nil {
			return errStop
		}
		return nil
	})
	if err == nil {
		err = rowsErr
	}
	if err == nil && c.found == nil && st.complete && c.index < seg.last {
		err = c.invented()
	}
	return c.found, err
}

type comparison struct {
	slicer
	seg       segment
	st        stretch
	claimed   func() (contract.LedgerRow, error, bool)
	kept      func() (contract.Row, error, bool)
	index     uint64 // of the next claimed row
	keptIndex uint64 // of the next kept row
	anchor    uint64
	from      string
	found     *finding
}

// fail notes that the ledger is wrong at the next row.
func (c *comparison) fail(reason string) {
	c.found = &finding{index: c.index, anchor: c.anchor, from: c.from, reason: reason}
}

func (c *comparison) next() (contract.LedgerRow, error) {
	row, err, ok := c.claimed()
	if err == nil && !ok {
		err = fmt.Errorf("the ledger ends at row %d", c.index)
	}
	return row, err
}

// add compares the next recomputed row.
func (c *comparison) add(r pipeline.Result) error {
	path := c.st.input.Path
	if c.index == c.seg.last {
		c.fail(fmt.Sprintf("%s is missing from the ledger before row %d", describeResult(r, path), c.index))
		return nil
	}
	claimed, err := c.next()
	if err != nil {
		return err
	}
	if ds := ledgerDifferences(claimed, r.Ledger); len(ds) > 0 {
		c.fail(ledgerReason(c.index, claimed, r, ds, path))
		return nil
	}
	if claimed.Outcome == contract.OutcomeKept {
		row, err, ok := c.kept()
		if err == nil && !ok {
			err = fmt.Errorf("the shards end at row %d", c.keptIndex)
		}
		if err != nil {
			return err
		}
		if reason := documentReason(c.keptIndex, row, r, path); reason != "" {
			c.found = &finding{document: true, index: c.keptIndex, reason: reason}
			return nil
		}
		c.keptIndex++
	}
	if claimed.Outcome != contract.OutcomeDamaged {
		c.anchor, c.from = c.index, EdgeRow
	}
	c.index++
	return nil
}

// invented notes that the bytes give no row where the ledger has one.
func (c *comparison) invented() error {
	claimed, err := c.next()
	if err != nil {
		return err
	}
	c.fail(describeRow(c.index, claimed, c.st.input.Path) + " stands for bytes that give no such row")
	return nil
}

// ledgerReason says in a sentence why a claimed row is not the recomputed one
// that should stand in its place.
func ledgerReason(index uint64, claimed contract.LedgerRow, r pipeline.Result, ds []difference, path string) string {
	switch l := r.Ledger; {
	case claimed.Offset >= l.End():
		return fmt.Sprintf("%s is missing from the ledger before row %d", describeResult(r, path), index)
	case claimed.End() <= l.Offset:
		return describeRow(index, claimed, path) + " stands for bytes that give no such row"
	case claimed.Offset != l.Offset || claimed.Length != l.Length || claimed.IsPage() != l.IsPage():
		return fmt.Sprintf("%s is claimed to be %.40q where the bytes hold %s",
			describeRow(index, claimed, path), claimed.Outcome, describeResult(r, path))
	case claimed.IsPage() && claimed.ReachedMinHash() && !l.ReachedMinHash():
		return fmt.Sprintf("%s is of a page that is claimed to pass every stage, but the recipe drops it (%s)",
			describeRow(index, claimed, path), describeFate(l))
	case claimed.IsPage() && claimed.Outcome != l.Outcome && !claimed.ReachedMinHash():
		return fmt.Sprintf("%s is of a page that is claimed to be dropped (%s), but the recipe finds otherwise (%s)",
			describeRow(index, claimed, path), describeFate(claimed), describeFate(l))
	default:
		return describeRow(index, claimed, path) + ": " + sentence(ds)
	}
}

// documentReason says why a shard row is not the recomputed one; empty if it is.
func documentReason(index uint64, claimed contract.Row, r pipeline.Result, path string) string {
	where := fmt.Sprintf("row %d of the shards (%.120q, byte %d of %s)", index, claimed.URL, claimed.WARCOffset, path)
	if r.Row == nil {
		return fmt.Sprintf("%s is kept, but the recipe drops it: %s", where, describeFate(r.Ledger))
	}
	if ds := rowDifferences(claimed, *r.Row); len(ds) > 0 {
		return where + ": " + sentence(ds)
	}
	return ""
}

// describeResult names what the bytes hold.
func describeResult(r pipeline.Result, path string) string {
	l := r.Ledger
	if !l.IsPage() {
		return fmt.Sprintf("a %s span at bytes %d–%d of %s", l.Outcome, l.Offset, l.End(), path)
	}
	name := l.ID
	if r.Row != nil {
		name = r.Row.URL
	}
	return fmt.Sprintf("the page %.120q at bytes %d–%d of %s (%s)", name, l.Offset, l.End(), path, describeFate(l))
}

func describeFate(l contract.LedgerRow) string {
	if l.ReachedMinHash() {
		return "it passes every stage before the clustering"
	}
	return fmt.Sprintf("%s: %s, value %v", l.Outcome, l.Reason, l.Value)
}
