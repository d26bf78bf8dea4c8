package refiner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"finest/internal/contract"
	"finest/internal/durable"
	"finest/pipeline"
	"finest/pipeline/shard"
)

// spillFolder is the folder under WorkDir with what files yielded. Spills have
// the form of shards and ledgers, so that every bit survives.
const spillFolder = "spill"

// spill is what one pass made of a file: shard rows of the documents that
// survived and ledger rows, before they are compared, in Parquet files under
// WorkDir, and the keys they are compared by, if any are.
type spill struct {
	Rows   []contract.OutputFile `json:"rows"`
	Ledger []contract.OutputFile `json:"ledger"`
	Keys   *keysFile             `json:"keys,omitempty"`
}

func spillPrefix(set, kind string, file int) string {
	return fmt.Sprintf("%s/%s-%s-%06d", spillFolder, set, kind, file)
}

// scanFunc emits the results of one file.
type scanFunc func(emit func(pipeline.Result) error) error

var errStopped = errors.New("writing has stopped")

// writeSpills runs scan, a pass over one file, and writes its rows, ledger rows
// and keys side by side, under the name of a set.
func (j *job) writeSpills(set string, file int, pass *pipeline.Runner, scan scanFunc) (s spill, err error) {
	rows, ledger := spillPrefix(set, "rows", file), spillPrefix(set, "ledger", file)
	if len(pass.Across()) == 0 {
		s.Rows, s.Ledger, err = j.writeTables(rows, ledger, scan)
		return s, err
	}
	s.Keys = &keysFile{Path: spillPrefix(set, "keys", file)}
	var tablesErr error // says by itself what was going on, and not only with the keys
	err = durable.WriteFile(filepath.Join(j.WorkDir, filepath.FromSlash(s.Keys.Path)), 0o644, func(w io.Writer) error {
		keys := keysWriter{w: w}
		s.Rows, s.Ledger, tablesErr = j.writeTables(rows, ledger, func(emit func(pipeline.Result) error) error {
			return scan(func(r pipeline.Result) error {
				if r.Row != nil {
					if err := keys.add(r.Keys); err != nil {
						return err
					}
				}
				return emit(r)
			})
		})
		s.Keys.Bytes = keys.bytes
		return tablesErr
	})
	if tablesErr != nil {
		err = tablesErr
	}
	return s, err
}

func (j *job) writeTables(rowsPrefix, ledgerPrefix string, scan scanFunc) (rows, ledger []contract.OutputFile, err error) {
	type item struct {
		row contract.LedgerRow
		err error
	}
	items := make(chan item, 64)
	done := make(chan struct{})
	var ledgerErr error
	go func() {
		defer close(done)
		ledger, _, ledgerErr = shard.WriteLedger(j.WorkDir, ledgerPrefix, func(yield func(contract.LedgerRow, error) bool) {
			for i := range items {
				if !yield(i.row, i.err) {
					return
				}
			}
		}, nil)
	}()
	send := func(i item) error {
		select {
		case items <- i:
			return nil
		case <-done:
			return errStopped
		}
	}
	var rowsErr, scanErr error
	rows, _, rowsErr = shard.WriteRows(j.WorkDir, rowsPrefix, func(yield func(contract.Row, error) bool) {
		scanErr = scan(func(r pipeline.Result) error {
			if err := send(item{row: r.Ledger}); err != nil {
				return err
			}
			if r.Row != nil && !yield(*r.Row, nil) {
				return errStopped
			}
			return nil
		})
		if scanErr != nil && !errors.Is(scanErr, errStopped) {
			yield(contract.Row{}, scanErr)
		}
	}, nil)
	if rowsErr != nil {
		_ = send(item{err: rowsErr})
	}
	close(items)
	<-done
	switch {
	case scanErr != nil && !errors.Is(scanErr, errStopped):
		return nil, nil, scanErr
	case rowsErr != nil:
		return nil, nil, rowsErr
	}
	return rows, ledger, ledgerErr
}

// spillsExist reports whether a finished file's spills are still there.
func (j *job) spillsExist(s spill) bool {
	sizes := make(map[string]int64)
	for _, files := range [][]contract.OutputFile{s.Rows, s.Ledger} {
		for _, f := range files {
			sizes[f.Path] = f.Bytes
		}
	}
	if s.Keys != nil {
		sizes[s.Keys.Path] = s.Keys.Bytes
	}
	for path, size := range sizes {
		info, err := os.Stat(filepath.Join(j.WorkDir, filepath.FromSlash(path)))
		if err != nil || info.Size() != size {
			return false
		}
	}
	return true
}

// rows yields the rows of all documents that survived a pass, in order.
func (j *job) rows(ctx context.Context, spills []spill) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, s := range spills {
			if !readSpills(ctx, j.WorkDir, s.Rows, shard.ReadRows, yield) {
				return
			}
		}
	}
}

// ledger yields the ledger rows of a pass, in order, as before its comparisons.
func (j *job) ledger(ctx context.Context, spills []spill) iter.Seq2[contract.LedgerRow, error] {
	return func(yield func(contract.LedgerRow, error) bool) {
		for _, s := range spills {
			if !readSpills(ctx, j.WorkDir, s.Ledger, shard.ReadLedger, yield) {
				return
			}
		}
	}
}

// readSpills yields the rows of some files and reports whether to go on.
func readSpills[T any](ctx context.Context, dir string, files []contract.OutputFile,
	read func(io.ReaderAt, int64, int64) iter.Seq2[T, error], yield func(T, error) bool) bool {
	var none T
	for _, file := range files {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(file.Path)))
		if err != nil {
			yield(none, err)
			return false
		}
		goOn := true
		for row, err := range read(f, file.Bytes, file.Rows) {
			if err == nil {
				err = ctx.Err()
			}
			if goOn = yield(row, err) && err == nil; !goOn {
				break
			}
		}
		_ = f.Close()
		if !goOn {
			return false
		}
	}
	return true
}
