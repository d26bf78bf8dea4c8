package shard

import (
	"iter"

	"finest/internal/canon"
	"finest/internal/contract"
)

// WriteRowsCounted is WriteRows with every row counted as size bytes.
func WriteRowsCounted(dir, prefix string, rows iter.Seq2[contract.Row, error], size int64, finished func(contract.OutputFile)) ([]contract.OutputFile, canon.Hash, error) {
	t := rowTable()
	t.size = func(contract.Row) int64 { return size }
	return write(dir, prefix, rows, t, finished)
}
