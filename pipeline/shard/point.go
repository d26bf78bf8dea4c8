package shard

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"

	"finest/internal/contract"
)

// ErrNoRow says that a file ends before the row that was asked for.
var ErrNoRow = errors.New("there is no such row")

// ReadRow reads the row with a number, counted from 0, of the shard of size
// bytes in r, and returns how many rows the shard has. It reads the metadata and
// the row group that holds the row, nothing else. Errors are those of ReadRows,
// and ErrNoRow.
func ReadRow(r io.ReaderAt, size, number int64) (row contract.Row, rows int64, err error) {
	t := rowTable()
	row, rows, err = t.point(r, size, number)
	if err != nil {
		err = fmt.Errorf("read %s: %w", t.name, err)
	}
	return row, rows, err
}

func (t table[T]) point(r io.ReaderAt, size, number int64) (row T, rows int64, err error) {
	meta, end, err := readFooter(r, size)
	if err == nil {
		err = t.checkFooter(meta, math.MaxInt64)
	}
	if err != nil {
		return row, 0, err
	}
	inflate, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return row, meta.NumRows, err
	}
	defer inflate.Close()
	first := int64(0) // row of the group
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		if number < first || number-first >= g.NumRows {
			first += g.NumRows
			continue
		}
		cells, err := openGroup(r, end, g, meta.Schema, inflate)
		for ; err == nil && first <= number; first++ {
			row = t.next(cells.rewind())
			err = cells.err
		}
		if err != nil {
			err = fmt.Errorf("row group %d: %w", i, err)
		}
		return row, meta.NumRows, err
	}
	return row, meta.NumRows, fmt.Errorf("row %d of %d: %w", number, meta.NumRows, ErrNoRow)
}
