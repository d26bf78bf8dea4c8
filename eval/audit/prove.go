package audit

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"finest/eval"
	"finest/internal/canon"
	"finest/internal/contract"
)

// wrongSize rejects because the crawl's file is not as long as stated.
func (a slicer) wrongSize(seg segment, wrong *sizeError) (eval.Check, error) {
	p := newProof(a.s, KindSize)
	p.File, p.Reason = seg.file, wrong.Error()
	return p.attach(eval.Reject(eval.CheckSlice, p.Reason).
		With("file", wrong.path).With("bytes", strconv.FormatInt(wrong.real, 10)))
}

// prove makes a proof of what was found: of those that could show it, from the
// shortest on, the first that can be confirmed. The last covers the segment from
// the last good row on, which is what was compared, so one of them holds.
func (a slicer) prove(seg segment, st stretch, f finding) (Proof, error) {
	if f.document {
		return a.proveDocument(st, f)
	}
	edges, err := a.edges(seg, f)
	if err != nil {
		return Proof{}, err
	}
	candidates := a.candidates(f, edges)
	size := rowsIn(a.m.Ledgers())
	var indices []uint64
	for _, p := range candidates {
		indices = append(indices, p.neededLeaves(size)...)
	}
	leaves, err := collectLeaves(ledgerRows(a.ctx, a.files, a.m), size, indices)
	if err != nil {
		return Proof{}, err
	}
	for _, p := range candidates {
		for _, index := range p.neededLeaves(size) {
			p.Leaves = append(p.Leaves, leaves[index])
		}
		p.File, p.Reason = seg.file, f.reason
		if _, err = confirm(a.ctx, p, a.m, a.files, a.cached(st)); err == nil {
			return p, nil
		}
		if eval.FaultOf(err) != eval.FaultNone {
			return Proof{}, err
		}
	}
	return Proof{}, unproven(f, err)
}

func (a slicer) proveDocument(st stretch, f finding) (Proof, error) {
	leaves, err := collectLeaves(shardRows(a.ctx, a.files, a.m, 0), rowsIn(a.m.Shards()), []uint64{f.index})
	if err != nil {
		return Proof{}, err
	}
	p := newProof(a.s, KindDocument)
	p.File, p.Claimed, p.Reason = st.file, int64(f.index), f.reason
	p.Leaves = []Leaf{leaves[f.index]}
	if _, err := confirm(a.ctx, p, a.m, a.files, a.cached(st)); err != nil {
		return Proof{}, unproven(f, err)
	}
	return p, nil
}

// unproven is a fault of this program: nobody is accused without a proof.
func unproven(f finding, err error) error {
	return eval.Blame(eval.FaultOwn, fmt.Errorf("found that %s, but no proof of it holds: %w", f.reason, err))
}

// edge is a place where the range of a ledger proof may end: before row index,
// which is a border or follows the file's last row.
type edge struct {
	index uint64
	to    string
}

// edges returns where a proof about row f.index may end, the nearest first, and
// at the end the segment's own end.
type edges struct {
	ends []edge
	// alone: row f.index is of the file and not damaged, so its own range can be
	// compared with it alone.
	alone bool
}

func (a slicer) edges(seg segment, f finding) (edges, error) {
	var out edges
	var index uint64
	var after bool // a border after f.index was found
	for row, err := range ledgerRows(a.ctx, a.files, a.m) {
		if err != nil {
			return out, err
		}
		if row.File > seg.file {
			break
		}
		if row.File == seg.file && row.Outcome != contract.OutcomeDamaged && index >= f.index {
			out.alone = out.alone || index == f.index
			if !after || index == seg.last {
				out.ends = append(out.ends, edge{index, EdgeBorder})
			}
			after = after || index > f.index
			if index >= seg.last {
				return out, nil
			}
		}
		index++
	}
	out.ends = append(out.ends, edge{index, EdgeFile})
	return out, nil
}

// candidates returns the proofs that could show what was found, without leaves.
func (a slicer) candidates(f finding, e edges) []Proof {
	var out []Proof
	if e.alone {
		p := newProof(a.s, KindLedger)
		p.First, p.Last, p.From, p.To, p.Claimed = f.index, f.index+1, EdgeRow, EdgeRow, int64(f.index)
		out = append(out, p)
	}
	for _, end := range e.ends {
		if end.index == f.anchor && f.from == EdgeRow {
			continue // no bytes between them
		}
		p := newProof(a.s, KindLedger)
		p.First, p.Last, p.From, p.To = f.anchor, end.index, f.from, end.to
		if f.index < end.index {
			p.Claimed = int64(f.index)
		}
		out = append(out, p)
	}
	return out
}

// neededLeaves returns the rows that range and claim follow from, rising.
func (p Proof) neededLeaves(size uint64) []uint64 {
	var out []uint64
	if p.From == EdgeFile && p.First > 0 {
		out = append(out, p.First-1)
	}
	if p.First < p.Last {
		out = append(out, p.First)
	}
	if p.Claimed >= 0 {
		out = append(out, uint64(p.Claimed))
	}
	switch {
	case p.To == EdgeRow && p.Last > 0:
		out = append(out, p.Last-1)
	case p.To == EdgeBorder:
		out = append(out, p.Last)
	case p.To == EdgeFile && p.Last < size:
		out = append(out, p.Last)
		if p.Last > p.First {
			out = append(out, p.Last-1)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// collectLeaves returns the wanted rows of a tree with their paths, in one pass
// and constant memory.
func collectLeaves[R canonicalRow](rows iter.Seq2[R, error], size uint64, indices []uint64) (map[uint64]Leaf, error) {
	leaves := make(map[uint64]Leaf)
	collectors := make(map[uint64]*pathCollector)
	for _, index := range indices {
		collectors[index] = newPathCollector(index, size)
	}
	var index uint64
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		raw, err := encodeRow(row)
		if err != nil {
			return nil, err
		}
		if _, wanted := collectors[index]; wanted {
			leaves[index] = Leaf{Index: index, Row: raw}
		}
		hash := canon.Leaf(raw)
		for _, c := range collectors {
			c.add(index, hash)
		}
		index++
	}
	for i, leaf := range leaves {
		leaf.Path = collectors[i].path()
		leaves[i] = leaf
	}
	return leaves, nil
}

// cached returns a source that answers from the bytes at hand where it can.
func (a slicer) cached(st stretch) Source {
	return Source{Ranges: cachedRanges{a.src.Ranges, st}, Scanner: a.src.Scanner, MaxFetch: a.src.MaxFetch}
}

type cachedRanges struct {
	Ranges
	st stretch
}

func (c cachedRanges) ReadRange(ctx context.Context, path string, offset, length int64) ([]byte, int64, error) {
	end := c.st.from + int64(len(c.st.data))
	if path == c.st.input.Path && offset >= c.st.from && offset <= end && length <= end-offset {
		return c.st.data[offset-c.st.from:][:length], c.st.input.Bytes, nil
	}
	return c.Ranges.ReadRange(ctx, path, offset, length)
}
