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
	"finest/pipeline"
	"finest/pipeline/shard"
)

// spillFolder is the folder under WorkDir with what files yielded. Spills have
// the form of shards and ledgers, so that every bit survives.
const spillFolder = "spill"

func spillPrefix(kind string, file int) string {
	return fmt.Sprintf("%s/%s-%06d", spillFolder, kind, file)
}

// scanFunc emits the results of one file.
type scanFunc func(emit func(pipeline.Result) error) error

var errStopped = errors.New("writing has stopped")

// writeSpills runs scan and writes its rows and ledger rows side by side.
func (j *job) writeSpills(s *scanned, scan scanFunc) error {
	type item struct {
		row contract.LedgerRow
		err error
	}
	ledger := make(chan item, 64)
	done := make(chan struct{})
	var ledgerErr error
	go func() {
		defer close(done)
		s.Ledger, _, ledgerErr = shard.WriteLedger(j.WorkDir, spillPrefix("ledger", s.File), func(yield func(contract.LedgerRow, error) bool) {
			for i := range ledger {
				if !yield(i.row, i.err) {
					return
				}
			}
		})
	}()
	send := func(i item) error {
		select {
		case ledger <- i:
			return nil
		case <-done:
			return errStopped
		}
	}
	var rowsErr, scanErr error
	s.Rows, _, rowsErr = shard.WriteRows(j.WorkDir, spillPrefix("rows", s.File), func(yield func(contract.Row, error) bool) {
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
	})
	if rowsErr != nil {
		_ = send(item{err: rowsErr})
	}
	close(ledger)
	<-done
	switch {
	case scanErr != nil && !errors.Is(scanErr, errStopped):
		return scanErr
	case rowsErr != nil:
		return rowsErr
	}
	return ledgerErr
}

// spillsExist reports whether a finished file's spills are still there.
func (j *job) spillsExist(s *scanned) bool {
	for _, files := range [][]contract.OutputFile{s.Rows, s.Ledger} {
		for _, f := range files {
			info, err := os.Stat(filepath.Join(j.WorkDir, filepath.FromSlash(f.Path)))
			if err != nil || info.Size() != f.Bytes {
				return false
			}
		}
	}
	return true
}

// rows yields the rows of all files that survived, in order.
func (j *job) rows(ctx context.Context) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, s := range j.finished {
			if !readSpills(ctx, j.WorkDir, s.Rows, shard.ReadRows, yield) {
				return
			}
		}
	}
}

// ledger yields the ledger rows of all files, in order, as before clustering.
func (j *job) ledger(ctx context.Context) iter.Seq2[contract.LedgerRow, error] {
	return func(yield func(contract.LedgerRow, error) bool) {
		for _, s := range j.finished {
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
