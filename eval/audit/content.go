package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"finest/eval"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
)

// A ledger row of a page stands for a record of its own, and none is shorter
// than minRecord bytes: 16 bytes of random id twice, two digests of 20 bytes and
// a gzip trailer do not compress. Damage may be shorter; spareRows are for that.
const (
	minRecord = 64
	spareRows = 1 << 16
)

// Content is check 2: the manifest is signed by its hotkey, every file it names
// is there with the stated size and hashes, and ledger, shards, roots and counts
// agree with each other. It reads every file twice and holds no more than a row
// group of two of them in memory.
//
// Whoever reads the same publication finds the same, so its rejections carry no
// proof.
func Content(ctx context.Context, s *Submission, files Files, verify Verify) (eval.Check, error) {
	c := content{ctx: ctx, m: s.Manifest, files: files}
	err := signatureProblem(s, verify)
	if err == nil {
		err = c.sizes()
	}
	if err == nil {
		err = c.hashes()
	}
	if err == nil {
		err = c.rows()
	}
	if err != nil {
		return conclude(ctx, eval.CheckContent, err)
	}
	return eval.Pass(eval.CheckContent, fmt.Sprintf("%d files hold what the manifest states: %d ledger rows, %d kept documents",
		len(c.m.Files), rowsIn(c.m.Ledgers()), rowsIn(c.m.Shards()))).
		With("ledger_rows", fmt.Sprint(rowsIn(c.m.Ledgers()))).
		With("kept", fmt.Sprint(rowsIn(c.m.Shards()))), nil
}

func signatureProblem(s *Submission, verify Verify) error {
	message, err := canon.Marshal(s.Manifest.Unsigned())
	if err != nil {
		return err
	}
	if !verifyHex(verify, s.Hotkey, message, s.Manifest.Signature) {
		return fmt.Errorf("the manifest's signature is not by %s", s.Hotkey)
	}
	return nil
}

type content struct {
	ctx   context.Context
	m     contract.Manifest
	files Files
}

// sizes refuses ledgers that claim more rows than the input can have records,
// before anything is read.
func (c content) sizes() error {
	var bytes int64
	for _, in := range c.m.Inputs {
		bytes += in.Bytes
	}
	if most := uint64(bytes/minRecord + spareRows); rowsIn(c.m.Ledgers()) > most {
		return fmt.Errorf("the ledger states %d rows, but %d bytes of WARC cannot hold more than %d records", rowsIn(c.m.Ledgers()), bytes, most)
	}
	if rowsIn(c.m.Shards()) > rowsIn(c.m.Ledgers()) {
		return fmt.Errorf("the shards state %d rows, more than the ledger's %d", rowsIn(c.m.Shards()), rowsIn(c.m.Ledgers()))
	}
	return nil
}

// hashes compares every file with the manifest: first what the commit says of
// it, then the bytes.
func (c content) hashes() error {
	for _, f := range c.m.Files {
		info, err := c.files.Stat(c.ctx, f.Path)
		switch {
		case isMissing(err):
			return fmt.Errorf("the publication does not hold %s", f.Path)
		case err != nil:
			return eval.Blame(eval.FaultHub, fmt.Errorf("look up %s: %w", f.Path, err))
		case info.Size != f.Bytes:
			return fmt.Errorf("%s has %d bytes where the manifest states %d", f.Path, info.Size, f.Bytes)
		case info.SHA256 != f.SHA256:
			return fmt.Errorf("%s has SHA-256 %.12s… where the manifest states %.12s…", f.Path, info.SHA256, f.SHA256)
		}
	}
	for _, f := range c.m.Files {
		if err := c.fileHashes(f); err != nil {
			return err
		}
	}
	return nil
}

func (c content) fileHashes(f contract.OutputFile) error {
	file, err := openFile(c.ctx, c.files, f.Path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum, err := c.hashSpan(file, contract.Span{Length: file.Size()})
	if err != nil {
		return eval.Blame(eval.FaultOwn, fmt.Errorf("read %s: %w", f.Path, err))
	}
	if sum != f.SHA256 || file.Size() != f.Bytes {
		// The commit holds other bytes than those that came.
		return eval.Blame(eval.FaultHub, fmt.Errorf("%s came with SHA-256 %.12s…, not the %.12s… of its commit", f.Path, sum, f.SHA256))
	}
	spans := []contract.Span{f.Footer}
	for _, g := range f.RowGroups {
		spans = append(spans, contract.Span{Offset: g.Offset, Length: g.Length, SHA256: g.SHA256})
	}
	for _, span := range spans {
		sum, err := c.hashSpan(file, span)
		if err != nil {
			return eval.Blame(eval.FaultOwn, fmt.Errorf("read %s: %w", f.Path, err))
		}
		if sum != span.SHA256 {
			return fmt.Errorf("bytes %d–%d of %s have SHA-256 %.12s… where the manifest states %.12s…",
				span.Offset, span.Offset+span.Length, f.Path, sum, span.SHA256)
		}
	}
	return nil
}

func (c content) hashSpan(r io.ReaderAt, span contract.Span) (string, error) {
	h := sha256.New()
	section := io.NewSectionReader(r, span.Offset, span.Length)
	for {
		if err := c.ctx.Err(); err != nil {
			return "", err
		}
		if _, err := io.CopyN(h, section, 8<<20); errors.Is(err, io.EOF) {
			return canon.Hash(h.Sum(nil)).String(), nil
		} else if err != nil {
			return "", err
		}
	}
}

// rows walks ledger and shards side by side.
func (c content) rows() error {
	nextRow, stop := iter.Pull2(shardRows(c.ctx, c.files, c.m, 0))
	defer stop()
	form := newLedgerForm(c.m)
	var ledgerTree, rowsTree canon.Tree
	counts := make(map[[2]string]int64)
	pages := make([]int64, len(c.m.Inputs))
	opaque := make([]bool, len(c.m.Inputs)) // files with members that could not be looked into
	for row, err := range ledgerRows(c.ctx, c.files, c.m) {
		if err != nil {
			return err
		}
		if err := form.add(row); err != nil {
			return err
		}
		if err := addLeaf(&ledgerTree, row); err != nil {
			return fmt.Errorf("ledger row %d: %w", form.index-1, err)
		}
		counts[[2]string{row.Outcome, row.Reason}]++
		if row.IsPage() {
			pages[row.File]++
		}
		opaque[row.File] = opaque[row.File] || row.Outcome == contract.OutcomeNoRanges
		if row.Outcome != contract.OutcomeKept {
			continue
		}
		kept, err, ok := nextRow()
		if !ok {
			return fmt.Errorf("the ledger calls more documents kept than the shards' %d rows", rowsTree.Size())
		}
		if err == nil {
			err = c.keptProblem(row, kept, rowsTree.Size())
		}
		if err != nil {
			return err
		}
		if err := addLeaf(&rowsTree, kept); err != nil {
			return fmt.Errorf("row %d of the shards: %w", rowsTree.Size(), err)
		}
	}
	if err := form.finish(); err != nil {
		return err
	}
	if _, err, more := nextRow(); err != nil {
		return err
	} else if more {
		return fmt.Errorf("the shards hold more rows than the %d documents that the ledger calls kept", rowsTree.Size())
	}
	for i, in := range c.m.Inputs {
		if !opaque[i] && pages[i] != in.Pages {
			return fmt.Errorf("the manifest states %d pages in %s, but the ledger has %d", in.Pages, in.Path, pages[i])
		}
	}
	return c.totals(ledgerTree.Root(), rowsTree.Root(), counts)
}

func (c content) totals(ledger, rows canon.Hash, counts map[[2]string]int64) error {
	if got := ledger.String(); got != c.m.LedgerRoot {
		return fmt.Errorf("the ledger's root is %.12s… where the manifest states %.12s…", got, c.m.LedgerRoot)
	}
	if got := rows.String(); got != c.m.RowsRoot {
		return fmt.Errorf("the shards' root is %.12s… where the manifest states %.12s…", got, c.m.RowsRoot)
	}
	var want []contract.Count
	for k, n := range counts {
		want = append(want, contract.Count{Outcome: k[0], Reason: k[1], Rows: n})
	}
	slices.SortFunc(want, func(a, b contract.Count) int {
		return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	if !slices.Equal(want, c.m.Counts) {
		return fmt.Errorf("the manifest's counts are not those of its ledger")
	}
	return nil
}

// keptProblem compares a kept ledger row with the shard row that must be its.
func (c content) keptProblem(l contract.LedgerRow, r contract.Row, index uint64) error {
	in := c.m.Inputs[l.File]
	var d differences
	d.text("file_path", r.FilePath, pipeline.FilePath(in.Path))
	d.number("warc_offset", r.WARCOffset, l.Offset)
	d.number("warc_length", int64(r.WARCLength), l.Length)
	d.text("id", r.ID, l.ID)
	d.text("dump", r.Dump, c.m.Dump)
	d.text("language", r.Language, l.Language)
	d.float("language_score", r.LanguageScore, l.LanguageScore)
	if len(d) > 0 {
		return fmt.Errorf("row %d of the shards (%.120q) is not the ledger's next kept document at byte %d of %s: %s is %s there and %s in the shard",
			index, r.URL, l.Offset, in.Path, d[0].column, d[0].computed, d[0].claimed)
	}
	return nil
}

func addLeaf(t *canon.Tree, r canonicalRow) error {
	raw, err := encodeRow(r)
	if err != nil {
		return err
	}
	t.Add(canon.Leaf(raw))
	return nil
}
