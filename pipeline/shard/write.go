package shard

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
)

// WriteRows writes rows to shards named dir/prefix-00000.parquet and so on;
// prefix is "data/{dump}/{task}". It returns the files, their paths relative to
// dir, and the Merkle root over all rows. Without rows there is no file.
//
// Each file appears whole or not at all. Files of the same prefix that an
// earlier run left are replaced or removed. The bytes depend on the rows alone.
//
// Unless it is nil, finished is told of each file as soon as it stands, in
// order; the next one waits until it returns.
func WriteRows(dir, prefix string, rows iter.Seq2[contract.Row, error], finished func(contract.OutputFile)) ([]contract.OutputFile, canon.Hash, error) {
	return write(dir, prefix, rows, rowTable(), finished)
}

// WriteLedger writes ledger rows as WriteRows writes documents; prefix is
// "ledger/{dump}/{task}".
func WriteLedger(dir, prefix string, rows iter.Seq2[contract.LedgerRow, error], finished func(contract.OutputFile)) ([]contract.OutputFile, canon.Hash, error) {
	return write(dir, prefix, rows, ledgerTable(), finished)
}

func write[T any](dir, prefix string, rows iter.Seq2[T, error], t table[T], finished func(contract.OutputFile)) ([]contract.OutputFile, canon.Hash, error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	w := &writer[T]{table: t, next: next}
	var files []contract.OutputFile
	for w.advance(); w.more && w.err == nil; {
		if len(files) == maxFiles {
			return nil, canon.Hash{}, fmt.Errorf("write %s %s: more than %d files", t.name, prefix, maxFiles)
		}
		f := contract.OutputFile{Path: fmt.Sprintf("%s-%05d.parquet", prefix, len(files))}
		err := durable.WriteFile(filepath.Join(dir, filepath.FromSlash(f.Path)), 0o644, func(out io.Writer) error {
			return w.file(out, &f)
		})
		if err != nil {
			return nil, canon.Hash{}, fmt.Errorf("write %s: %w", t.name, err)
		}
		files = append(files, f)
		if finished != nil {
			finished(f)
		}
	}
	if w.err != nil {
		return nil, canon.Hash{}, fmt.Errorf("write %s %s: %w", t.name, prefix, w.err)
	}
	if err := removeLeftovers(filepath.Join(dir, filepath.FromSlash(prefix)), len(files)); err != nil {
		return nil, canon.Hash{}, fmt.Errorf("write %s %s: %w", t.name, prefix, err)
	}
	return files, w.tree.Root(), nil
}

// writer pulls rows and keeps one ahead, so that it knows where a file ends.
type writer[T any] struct {
	table table[T]
	next  func() (T, error, bool)
	row   T
	size  int64
	more  bool
	err   error
	tree  canon.Tree
}

func (w *writer[T]) advance() {
	w.row, w.err, w.more = w.next()
	w.size = w.table.size(w.row)
}

// file writes rows until the file is full or none is left.
func (w *writer[T]) file(out io.Writer, f *contract.OutputFile) error {
	spans := newSpanWriter(out)
	pw := parquet.NewGenericWriter[T](spans, w.table.writerOptions()...)
	var group, total, rows int64
	flush := func() error {
		if rows == 0 {
			return nil
		}
		if err := pw.Flush(); err != nil {
			return err
		}
		s := spans.cut()
		f.RowGroups = append(f.RowGroups, contract.RowGroup{Offset: s.Offset, Length: s.Length, Rows: rows, SHA256: s.SHA256})
		f.Rows += rows
		group, rows = 0, 0
		return nil
	}
	for ; w.more && w.err == nil; w.advance() {
		if total > 0 && total+w.size > maxFileBytes {
			break
		}
		if group > 0 && group+w.size > maxGroupBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		leaf, err := w.table.leaf(w.row)
		if err != nil {
			return err
		}
		if _, err := pw.Write([]T{w.row}); err != nil {
			return err
		}
		w.tree.Add(leaf)
		group += w.size
		total += w.size
		rows++
	}
	if w.err != nil {
		return w.err
	}
	if err := flush(); err != nil {
		return err
	}
	if err := pw.Close(); err != nil {
		return err
	}
	f.Footer = spans.cut()
	f.Bytes, f.SHA256 = spans.n, canon.Hash(spans.whole.Sum(nil)).String()
	return nil
}

// magic begins and ends every Parquet file.
const magic = "PAR1"

// spanWriter hashes what passes as a whole and span by span. The magic number
// at the beginning belongs to no span.
type spanWriter struct {
	w           io.Writer
	n, start    int64
	whole, span hash.Hash
}

func newSpanWriter(w io.Writer) *spanWriter {
	return &spanWriter{w: w, start: int64(len(magic)), whole: sha256.New(), span: sha256.New()}
}

func (s *spanWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.whole.Write(p[:n])
	s.span.Write(p[min(int64(n), max(0, int64(len(magic))-s.n)):n])
	s.n += int64(n)
	return n, err
}

// cut ends the present span.
func (s *spanWriter) cut() contract.Span {
	span := contract.Span{Offset: s.start, Length: s.n - s.start, SHA256: canon.Hash(s.span.Sum(nil)).String()}
	s.start = s.n
	s.span.Reset()
	return span
}

var leftover = regexp.MustCompile(`^-([0-9]{5})\.parquet$`)

// removeLeftovers removes the files of an earlier run that wrote more than count
// files, and temporary files of one that was killed.
func removeLeftovers(prefix string, count int) error {
	dir, base := filepath.Split(prefix)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	temporary := regexp.MustCompile(`^\.` + regexp.QuoteMeta(base) + `-[0-9]{5}\.parquet\.tmp-[0-9]+$`)
	removed := false
	for _, e := range entries {
		stale := temporary.MatchString(e.Name())
		if len(e.Name()) > len(base) && e.Name()[:len(base)] == base {
			if m := leftover.FindStringSubmatch(e.Name()[len(base):]); m != nil {
				n, _ := strconv.Atoi(m[1])
				stale = n >= count
			}
		}
		if stale {
			removed = true
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if removed {
		return durable.SyncDir(dir)
	}
	return nil
}
