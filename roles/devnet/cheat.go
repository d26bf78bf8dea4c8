package devnet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/shard"
)

// refined is the result of a task as a cheat may change it.
type refined struct {
	rows   []contract.Row
	ledger []contract.LedgerRow
}

// fabricate claims that every page which was dropped had been kept, with text
// that is in no WARC file.
func fabricate(r *refined) {
	template := r.rows
	if len(template) == 0 {
		return
	}
	var invented []contract.Row
	r.ledger = slices.Clone(r.ledger)
	for i := range r.ledger {
		row := &r.ledger[i]
		if !row.IsPage() || row.ReachedMinHash() {
			continue
		}
		like := template[len(invented)%len(template)]
		like.Text = "Written by nobody, published nowhere. " + like.Text[:len(like.Text)/2]
		like.Text = strings.ToValidUTF8(like.Text, "")
		like.ID, like.URL = row.ID, "https://invented.invalid/"+fmt.Sprint(row.Offset)
		like.WARCOffset, like.WARCLength = row.Offset, int32(row.Length)
		invented = append(invented, like)
		row.Outcome, row.Reason, row.Value = contract.OutcomeKept, "", 0
		row.Language, row.LanguageScore = like.Language, like.LanguageScore
	}
	r.rows = append(slices.Clone(r.rows), invented...)
	slices.SortStableFunc(r.rows, func(a, b contract.Row) int { return int(a.WARCOffset - b.WARCOffset) })
}

// withhold leaves nine pages of ten out of shards and ledger.
func withhold(r *refined) {
	keep := make(map[int64]bool)
	pages := 0
	r.ledger = slices.DeleteFunc(slices.Clone(r.ledger), func(row contract.LedgerRow) bool {
		if !row.IsPage() {
			return false
		}
		pages++
		keep[row.Offset] = pages%10 == 1
		return !keep[row.Offset]
	})
	r.rows = slices.DeleteFunc(slices.Clone(r.rows), func(row contract.Row) bool { return !keep[row.WARCOffset] })
}

// tamper edits the text of every row.
func tamper(r *refined) {
	r.rows = slices.Clone(r.rows)
	for i := range r.rows {
		r.rows[i].Text = "Buy now! " + r.rows[i].Text
	}
}

// relabel makes the rows of another miner look like those of this receipt.
func relabel(r *refined, receipt contract.Receipt) {
	file := receipt.Files[0]
	r.rows = slices.DeleteFunc(slices.Clone(r.rows), func(row contract.Row) bool {
		return row.WARCOffset+int64(row.WARCLength) > file.Bytes
	})
	for i := range r.rows {
		r.rows[i].FilePath, r.rows[i].Dump = file.Path, receipt.Crawl
	}
	r.ledger = slices.DeleteFunc(slices.Clone(r.ledger), func(row contract.LedgerRow) bool {
		return row.End() > file.Bytes
	})
}

// rewrite replaces the files of a refined task by others made of r, and what
// the manifest says of them.
func rewrite(dir string, m *contract.Manifest, r refined) error {
	for _, folder := range []string{"data", "ledger"} {
		if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
			return err
		}
	}
	shards, rowsRoot, err := shard.WriteRows(dir, "data/"+m.Dump+"/"+m.Task, sequence(r.rows), nil)
	if err != nil {
		return err
	}
	ledgers, ledgerRoot, err := shard.WriteLedger(dir, "ledger/"+m.Dump+"/"+m.Task, sequence(r.ledger), nil)
	if err != nil {
		return err
	}
	m.Files = append(shards, ledgers...)
	m.RowsRoot, m.LedgerRoot = rowsRoot.String(), ledgerRoot.String()
	m.Counts = counts(r.ledger)
	pages := make([]int64, len(m.Inputs))
	for _, row := range r.ledger {
		if row.IsPage() {
			pages[row.File]++
		}
	}
	for i := range m.Inputs {
		m.Inputs[i].Pages = pages[i]
	}
	return nil
}

func counts(ledger []contract.LedgerRow) []contract.Count {
	seen := make(map[contract.Count]int64)
	for _, row := range ledger {
		seen[contract.Count{Outcome: row.Outcome, Reason: row.Reason}]++
	}
	var out []contract.Count
	for c, n := range seen {
		c.Rows = n
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b contract.Count) int {
		return strings.Compare(a.Outcome+"\x00"+a.Reason, b.Outcome+"\x00"+b.Reason)
	})
	return out
}

func sequence[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

// opener returns a file of a task by its path in the manifest.
type opener func(f contract.OutputFile) ([]byte, error)

func inFolder(dir string) opener {
	return func(f contract.OutputFile) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
	}
}

func onHub(ctx context.Context, h hub.Hub, ref hub.Ref) opener {
	return func(f contract.OutputFile) ([]byte, error) {
		r, err := h.Open(ctx, ref, f.Path, 0, f.Bytes)
		if err != nil {
			return nil, err
		}
		defer func() { _ = r.Close() }()
		return io.ReadAll(r)
	}
}

// load reads all rows of a task.
func load(m contract.Manifest, open opener) (refined, error) {
	var r refined
	for _, f := range m.Files {
		raw, err := open(f)
		if err != nil {
			return r, err
		}
		src := bytes.NewReader(raw)
		if strings.HasPrefix(f.Path, "data/") {
			rows, err := collect(shard.ReadRows(src, f.Bytes, f.Rows))
			if err != nil {
				return r, fmt.Errorf("read %s: %w", f.Path, err)
			}
			r.rows = append(r.rows, rows...)
			continue
		}
		ledger, err := collect(shard.ReadLedger(src, f.Bytes, f.Rows))
		if err != nil {
			return r, fmt.Errorf("read %s: %w", f.Path, err)
		}
		r.ledger = append(r.ledger, ledger...)
	}
	return r, nil
}

// loadPublished reads a task that somebody published.
func loadPublished(ctx context.Context, h hub.Hub, ref hub.Ref, task string) (contract.Manifest, refined, error) {
	var m contract.Manifest
	raw, err := hub.ReadFile(ctx, h, ref, contract.ManifestPath(task), 64<<20)
	if err != nil {
		return m, refined{}, err
	}
	if err := canon.Unmarshal(raw, &m); err != nil {
		return m, refined{}, fmt.Errorf("read %s of %s: %w", contract.ManifestPath(task), ref, err)
	}
	r, err := load(m, onHub(ctx, h, ref))
	return m, r, err
}
