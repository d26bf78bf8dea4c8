package audit

import (
	"context"
	"errors"
	"fmt"

	"finest/eval"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
)

// ErrRefuted says that a fraud proof shows nothing: the bytes are as the miner
// claims, or the proof does not fit the manifest.
var ErrRefuted = errors.New("the fraud proof does not hold")

func refuted(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefuted}, args...)...)
}

// Confirm checks a fraud proof that somebody else found, with one range read or
// by replaying the ledger. manifest is the manifest.json whose SHA-256 the proof
// names; that this hash stands in a line of the hotkey's claim log is for the
// caller to know. files are those of the publication; only a clusters proof
// needs them.
//
// Without an error the proof holds, and reason says in one sentence what is
// wrong. An error that wraps ErrRefuted says that the proof shows nothing; one
// that carries an eval.Fault, that it cannot be checked now. No proof against an
// honest submission holds, whoever made it.
func Confirm(ctx context.Context, p Proof, manifest []byte, files Files, src Source) (reason string, err error) {
	m, err := readManifest(manifest, p.Manifest)
	if err != nil {
		return "", refuted("manifest: %w", err)
	}
	if m.Task != p.Task || m.Hotkey != p.Hotkey || m.Receipt == nil || m.Receipt.Generation != p.Generation {
		return "", refuted("manifest %.12s… is not of task %.80s generation %d by %.64s", p.Manifest, p.Task, p.Generation, p.Hotkey)
	}
	reason, err = confirm(ctx, p, m, files, src)
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return reason, err
}

func confirm(ctx context.Context, p Proof, m contract.Manifest, files Files, src Source) (string, error) {
	if p.File < 0 || int(p.File) >= len(m.Inputs) {
		return "", refuted("file %d of a task with %d files", p.File, len(m.Inputs))
	}
	switch p.Kind {
	case KindLedger:
		return confirmLedger(ctx, p, m, src)
	case KindDocument:
		return confirmDocument(ctx, p, m, files, src)
	case KindClusters:
		return confirmClusters(ctx, m, files)
	case KindSize:
		return confirmSize(ctx, p, m, src)
	}
	return "", refuted("unknown kind %.40q", p.Kind)
}

// confirmLedger recomputes the bytes that rows First to Last−1 are claimed to
// stand for. For an honest ledger they give exactly those rows, wherever the
// borders were chosen.
func confirmLedger(ctx context.Context, p Proof, m contract.Manifest, src Source) (string, error) {
	rows, err := ledgerLeaves(p, m)
	if err != nil {
		return "", err
	}
	from, to, err := proofRange(p, m, rows)
	if err != nil {
		return "", err
	}
	count := p.Last - p.First
	claimed, hasClaimed := rows[uint64(max(p.Claimed, 0))]
	hasClaimed = hasClaimed && p.Claimed >= 0
	if p.Claimed >= 0 && (!hasClaimed || uint64(p.Claimed) < p.First || uint64(p.Claimed) >= p.Last || claimed.File != p.File) {
		return "", refuted("row %d is not among rows %d to %d of the file", p.Claimed, p.First, p.Last)
	}
	st, err := src.fetch(ctx, m, p.File, from, to)
	if wrong := (*sizeError)(nil); errors.As(err, &wrong) {
		return "", eval.Blame(eval.FaultCrawl, err)
	} else if err != nil {
		return "", err
	}
	var seen uint64
	var reason string
	err = st.scan(ctx, src.Scanner, func(r pipeline.Result) error {
		switch {
		case seen >= count:
			reason = fmt.Sprintf("bytes %d–%d of %s give more than the %d rows that the ledger has for them, such as %s",
				from, to, st.input.Path, count, describeResult(r, st.input.Path))
		case hasClaimed && p.First+seen == uint64(p.Claimed):
			if ds := ledgerDifferences(claimed, r.Ledger); len(ds) > 0 {
				reason = ledgerReason(uint64(p.Claimed), claimed, r, ds, st.input.Path)
			}
		}
		seen++
		if reason != "" {
			return errStop
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case reason == "" && st.complete && seen < count:
		reason = fmt.Sprintf("bytes %d–%d of %s give %d rows where the ledger has %d", from, to, st.input.Path, seen, count)
	case reason == "":
		return "", refuted("bytes %d–%d of %s give the ledger's rows %d to %d", from, to, st.input.Path, p.First, int64(p.Last)-1)
	}
	return reason, nil
}

// ledgerLeaves verifies and decodes the leaves of a ledger proof, by index.
func ledgerLeaves(p Proof, m contract.Manifest) (map[uint64]contract.LedgerRow, error) {
	root, err := canon.ParseHash(m.LedgerRoot)
	if err != nil {
		return nil, refuted("ledger root: %w", err)
	}
	size := rowsIn(m.Ledgers())
	rows := make(map[uint64]contract.LedgerRow, len(p.Leaves))
	for _, leaf := range p.Leaves {
		if !leaf.verify(size, root) {
			return nil, refuted("ledger row %d is not in the manifest's tree of %d rows", leaf.Index, size)
		}
		row, err := decodeLedgerRow(leaf.Row)
		if err != nil {
			return nil, refuted("ledger row %d: %w", leaf.Index, err)
		}
		rows[leaf.Index] = row
	}
	return rows, nil
}

// proofRange returns the bytes that rows First to Last−1 are claimed to stand
// for. Each end is one that is a border in every honest ledger.
func proofRange(p Proof, m contract.Manifest, rows map[uint64]contract.LedgerRow) (from, to int64, err error) {
	size := m.Inputs[p.File].Bytes
	total := rowsIn(m.Ledgers())
	if p.First > p.Last || p.Last > total {
		return 0, 0, refuted("rows %d to %d of a ledger with %d rows", p.First, p.Last, total)
	}
	row := func(index uint64, bordersOnly bool) (contract.LedgerRow, bool) {
		r, ok := rows[index]
		return r, ok && r.File == p.File && (!bordersOnly || r.Outcome != contract.OutcomeDamaged)
	}
	ok := false
	switch p.From {
	case EdgeRow:
		var first contract.LedgerRow
		first, ok = row(p.First, true)
		from = first.Offset
	case EdgeFile:
		ok = startsFile(p, rows)
	}
	if !ok {
		return 0, 0, refuted("row %d does not show where the range begins", p.First)
	}
	ok = false
	switch p.To {
	case EdgeRow:
		if p.Last > p.First {
			var last contract.LedgerRow
			last, ok = row(p.Last-1, true)
			ok = ok && last.Offset >= 0 && last.Length > 0 && last.Length <= size-last.Offset
			to = last.Offset + last.Length
		}
	case EdgeBorder:
		var next contract.LedgerRow
		next, ok = row(p.Last, true)
		to = next.Offset
	case EdgeFile:
		ok, to = endsFile(p, m, rows), size
	}
	if !ok || from < 0 || from >= to || to > size {
		return 0, 0, refuted("row %d does not show where the range ends", p.Last)
	}
	return from, to, nil
}

// startsFile reports whether row First is the first after those of the files
// before. Every file has a row, so the row before it is of the file before.
func startsFile(p Proof, rows map[uint64]contract.LedgerRow) bool {
	if p.First == 0 {
		return p.File == 0
	}
	before, ok := rows[p.First-1]
	if !ok || before.File != p.File-1 {
		return false
	}
	if p.First == p.Last {
		return true // the end of the range shows whose row First is
	}
	first, ok := rows[p.First]
	return ok && first.File == p.File
}

// endsFile reports whether row Last is the first after those of the file.
func endsFile(p Proof, m contract.Manifest, rows map[uint64]contract.LedgerRow) bool {
	if p.Last == rowsIn(m.Ledgers()) {
		return int(p.File) == len(m.Inputs)-1
	}
	next, ok := rows[p.Last]
	if !ok || next.File <= p.File {
		return false
	}
	if p.Last == p.First {
		return p.From == EdgeFile // row First−1 is of a file before, row First of one after
	}
	last, ok := rows[p.Last-1]
	return ok && last.File == p.File
}

// confirmDocument recomputes the record that a shard row names.
func confirmDocument(ctx context.Context, p Proof, m contract.Manifest, files Files, src Source) (string, error) {
	index, row, err := documentLeaf(ctx, p, m, files)
	if err != nil {
		return "", err
	}
	in := m.Inputs[p.File]
	if row.FilePath != pipeline.FilePath(in.Path) {
		return "", refuted("row %d of the shards is of %.200q, not of %s", index, row.FilePath, in.Path)
	}
	length := int64(row.WARCLength)
	if row.WARCOffset < 0 || length < 1 || row.WARCOffset >= in.Bytes || length > in.Bytes-row.WARCOffset {
		return fmt.Sprintf("row %d of the shards names bytes %d–%d of %s, which has %d",
			index, row.WARCOffset, row.WARCOffset+length, in.Path, in.Bytes), nil
	}
	st, err := src.fetch(ctx, m, p.File, row.WARCOffset, row.WARCOffset+length)
	if wrong := (*sizeError)(nil); errors.As(err, &wrong) {
		return "", eval.Blame(eval.FaultCrawl, err)
	} else if err != nil {
		return "", err
	}
	var seen bool
	var reason string
	err = st.scan(ctx, src.Scanner, func(r pipeline.Result) error {
		seen = true
		reason = documentReason(index, row, r, in.Path)
		return errStop
	})
	switch {
	case err != nil:
		return "", err
	case !seen && st.complete:
		reason = fmt.Sprintf("row %d of the shards (%.120q) stands for bytes %d–%d of %s, which hold no page", index, row.URL, st.from, st.to, in.Path)
	case reason == "":
		return "", refuted("row %d of the shards is what the recipe makes of its record", index)
	}
	return reason, nil
}

// documentLeaf returns the shard row that a document proof is about. A proof
// that would have been too long with its row has none; it is then read from the
// publication.
func documentLeaf(ctx context.Context, p Proof, m contract.Manifest, files Files) (uint64, contract.Row, error) {
	size := rowsIn(m.Shards())
	if len(p.Leaves) == 0 && p.Claimed >= 0 && files != nil {
		leaves, err := collectLeaves(shardRows(ctx, files, m, 0), size, []uint64{uint64(p.Claimed)})
		if err != nil {
			return 0, contract.Row{}, eval.Blame(eval.FaultHub, err)
		}
		if leaf, ok := leaves[uint64(p.Claimed)]; ok {
			p.Leaves = []Leaf{leaf}
		}
	}
	root, err := canon.ParseHash(m.RowsRoot)
	if err != nil || len(p.Leaves) != 1 || !p.Leaves[0].verify(size, root) {
		return 0, contract.Row{}, refuted("its row is not in the manifest's tree of %d documents", size)
	}
	row, err := decodeRow(p.Leaves[0].Row)
	if err != nil {
		return 0, row, refuted("row %d of the shards: %w", p.Leaves[0].Index, err)
	}
	return p.Leaves[0].Index, row, nil
}

func confirmClusters(ctx context.Context, m contract.Manifest, files Files) (string, error) {
	if files == nil {
		return "", eval.Blame(eval.FaultHub, errors.New("replay clusters: the publication is not at hand"))
	}
	r, err := replay(ctx, ledgerRows(ctx, files, m), m)
	switch {
	case err != nil:
		return "", eval.Blame(eval.FaultHub, fmt.Errorf("replay clusters: %w", err))
	case r.root != m.LedgerRoot:
		return "", eval.Blame(eval.FaultHub, errors.New("replay clusters: the ledger at hand is not the manifest's"))
	case r.violation == "":
		return "", refuted("the kept documents are those that the band keys give")
	}
	return r.violation, nil
}

func confirmSize(ctx context.Context, p Proof, m contract.Manifest, src Source) (string, error) {
	_, err := src.fetch(ctx, m, p.File, 0, min(1, m.Inputs[p.File].Bytes))
	if wrong := (*sizeError)(nil); errors.As(err, &wrong) {
		return wrong.Error(), nil
	}
	if err != nil {
		return "", err
	}
	return "", refuted("%s has the %d bytes that the manifest states", m.Inputs[p.File].Path, m.Inputs[p.File].Bytes)
}
