package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"finest/eval"
	"finest/internal/contract"
	"finest/pipeline/shard"
)

// FileInfo is what the commit of a publication says of one file.
type FileInfo struct {
	Size   int64
	SHA256 string
}

// Files are the files of a publication at one commit. An error that wraps
// fs.ErrNotExist says that the commit does not hold the file, which is the
// miner's doing, and so does one that wraps shard.ErrForm of a file that cannot be
// read. Any other error leaves a check undecided, as the hub's fault unless it
// carries another (eval.Blame).
type Files interface {
	// Stat returns size and hash without reading the file.
	Stat(ctx context.Context, path string) (FileInfo, error)
	// Open gives random access to the bytes that Stat described.
	Open(ctx context.Context, path string) (File, error)
}

// File is an open file of a publication. Bytes that cannot be read are the
// validator's own fault, as files are fetched before they are checked.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// openFile opens a file and blames whoever is to blame if it does not open.
func openFile(ctx context.Context, files Files, path string) (File, error) {
	f, err := files.Open(ctx, path)
	switch {
	case err == nil:
		return f, nil
	case isMissing(err):
		return nil, fmt.Errorf("the publication does not hold %s", path)
	case errors.Is(err, shard.ErrForm) && eval.FaultOf(err) == eval.FaultNone:
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	default:
		return nil, eval.Blame(eval.FaultHub, fmt.Errorf("open %s: %w", path, err))
	}
}

// isMissing reports whether err says that the commit does not hold a file. One that
// carries a fault does not, whatever it comes from: a file that the validator's
// own disk misses, say.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) && eval.FaultOf(err) == eval.FaultNone
}

// rowReader reads the rows of a Parquet file from one on; shard.ReadRowsFrom is
// one.
type rowReader[R any] func(file io.ReaderAt, size, rows, first int64) iter.Seq2[R, error]

// fileRows yields the rows of one Parquet file from row first on; exactly as many
// as the manifest states, or an error.
func fileRows[R any](ctx context.Context, files Files, f contract.OutputFile, first int64, read rowReader[R]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		file, err := openFile(ctx, files, f.Path)
		if err != nil {
			yield(none, err)
			return
		}
		defer func() { _ = file.Close() }()
		n := first
		for row, err := range read(file, file.Size(), f.Rows, first) {
			switch {
			case err == nil:
				err = ctx.Err()
			case errors.Is(err, shard.ErrForm):
				err = fmt.Errorf("%s cannot be read: %w", f.Path, err)
			default:
				err = eval.Blame(eval.FaultOwn, fmt.Errorf("%s: %w", f.Path, err))
			}
			if err != nil {
				yield(none, err)
				return
			}
			n++
			if !yield(row, nil) {
				return
			}
		}
		if n != f.Rows {
			yield(none, fmt.Errorf("%s holds %d rows where the manifest states %d", f.Path, n, f.Rows))
		}
	}
}

// ledgerRows yields the ledger of a manifest, all files in order.
func ledgerRows(ctx context.Context, files Files, m contract.Manifest) iter.Seq2[contract.LedgerRow, error] {
	return allRows(ctx, files, m.Ledgers(), 0, func(file io.ReaderAt, size, rows, _ int64) iter.Seq2[contract.LedgerRow, error] {
		return shard.ReadLedger(file, size, rows)
	})
}

// shardRows yields the rows of a manifest's shards from row first on. Row groups
// before that row are not read.
func shardRows(ctx context.Context, files Files, m contract.Manifest, first int64) iter.Seq2[contract.Row, error] {
	return allRows(ctx, files, m.Shards(), first, shard.ReadRowsFrom)
}

func allRows[R any](ctx context.Context, files Files, list []contract.OutputFile, first int64, read rowReader[R]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for _, f := range list {
			if first >= f.Rows {
				first -= f.Rows
				continue
			}
			for row, err := range fileRows(ctx, files, f, first, read) {
				if !yield(row, err) || err != nil {
					return
				}
			}
			first = 0
		}
	}
}
