package shard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"finest/internal/contract"
)

const (
	// maxFooterBytes bounds the metadata. They hold the smallest and largest value
	// of most columns of up to 33 row groups; a record's names have up to 64 KiB.
	maxFooterBytes = 16 << 20
	maxHeaderBytes = 64 << 10
	// maxLoadedBytes bounds the stored bytes of a row group, and apart from that
	// what its pages inflate to. Written row groups have 32 MiB, or one row.
	maxLoadedBytes = 128 << 20
)

// ErrForm is wrapped by errors that say a file is not what this package writes.
var ErrForm = errors.New("not in the form of a shard or ledger")

// ReadRows reads the shard of size bytes in r, row by row. Its rows end with the
// first error. A file that is not in the form of the package, or has more than
// maxRows rows, yields an error that wraps ErrForm; no file makes it panic or
// take more memory than 256 MiB.
func ReadRows(r io.ReaderAt, size, maxRows int64) iter.Seq2[contract.Row, error] {
	return read(r, size, maxRows, 0, rowTable())
}

// ReadRowsFrom reads as ReadRows does, from the row at position first (0 is the
// file's first) on. Of the row groups before the one that holds it nothing is
// read, and nothing of those after it unless the caller goes on to their rows:
// the row alone costs the footer and one row group.
func ReadRowsFrom(r io.ReaderAt, size, maxRows, first int64) iter.Seq2[contract.Row, error] {
	return read(r, size, maxRows, first, rowTable())
}

// ReadLedger reads a ledger as ReadRows reads a shard.
func ReadLedger(r io.ReaderAt, size, maxRows int64) iter.Seq2[contract.LedgerRow, error] {
	return read(r, size, maxRows, 0, ledgerTable())
}

func read[T any](r io.ReaderAt, size, maxRows, first int64, t table[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := t.read(r, size, maxRows, first, yield); err != nil {
			var none T
			yield(none, fmt.Errorf("read %s: %w", t.name, err))
		}
	}
}

// read yields rows until the last one, an error, which it returns, or until
// yield has enough.
func (t table[T]) read(r io.ReaderAt, size, maxRows, first int64, yield func(T, error) bool) error {
	meta, end, err := readFooter(r, size)
	if err != nil {
		return err
	}
	if err := t.checkFooter(meta, maxRows); err != nil {
		return err
	}
	if first < 0 || first > 0 && first >= meta.NumRows {
		return fmt.Errorf("there is no row %d among %d, counted from 0", first, meta.NumRows)
	}
	inflate, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return err
	}
	defer inflate.Close()
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		if first >= g.NumRows {
			first -= g.NumRows
			continue
		}
		cells, err := openGroup(r, end, g, meta.Schema, inflate)
		if err == nil {
			var more bool
			if more, err = t.readGroup(cells, g.NumRows, first, yield); err == nil && !more {
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("row group %d: %w", i, err)
		}
		first = 0
	}
	return nil
}

// readGroup yields the rows of a row group but for the first skip ones. It
// reports whether more rows are wanted.
func (t table[T]) readGroup(c *cells, rows, skip int64, yield func(T, error) bool) (more bool, err error) {
	for i := range rows {
		row := t.next(c.rewind())
		if c.err != nil {
			return false, c.err
		}
		if i >= skip && !yield(row, nil) {
			return false, nil
		}
	}
	return true, c.finish()
}

func formError(problem string, args ...any) error {
	return fmt.Errorf("%w: "+problem, append([]any{ErrForm}, args...)...)
}

// readFooter returns the file's metadata and the offset where it begins.
func readFooter(r io.ReaderAt, size int64) (*format.FileMetaData, int64, error) {
	const tail = 4 + len(magic)
	if size < int64(len(magic)+tail) {
		return nil, 0, formError("%d bytes are too few", size)
	}
	var head [len(magic)]byte
	var foot [tail]byte
	if err := readAt(r, head[:], 0); err != nil {
		return nil, 0, err
	}
	if err := readAt(r, foot[:], size-int64(tail)); err != nil {
		return nil, 0, err
	}
	if string(head[:]) != magic || string(foot[4:]) != magic {
		return nil, 0, formError("no Parquet file")
	}
	length := int64(binary.LittleEndian.Uint32(foot[:]))
	begin := size - int64(tail) - length
	if length > maxFooterBytes || begin < int64(len(magic)) {
		return nil, 0, formError("metadata of %d bytes", length)
	}
	raw := make([]byte, length)
	if err := readAt(r, raw, begin); err != nil {
		return nil, 0, err
	}
	meta := new(format.FileMetaData)
	if err := decode(raw, meta); err != nil {
		return nil, 0, err
	}
	return meta, begin, nil
}

// decode decodes exactly the Thrift struct in raw.
func decode(raw []byte, v any) (err error) {
	n, err := thriftLength(raw)
	if err != nil || n != len(raw) {
		return formError("%w", errThrift)
	}
	defer func() {
		if recover() != nil {
			err = formError("%w", errThrift)
		}
	}()
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), raw, v); err != nil {
		return formError("%w", err)
	}
	return nil
}

func readAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return formError("the file ends at byte %d", off+int64(n))
	}
	return err
}

// checkFooter compares the metadata with those of a file without rows that the
// writer makes, and bounds the numbers in it.
func (t table[T]) checkFooter(meta *format.FileMetaData, maxRows int64) error {
	want, err := t.emptyFooter()
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(meta.Schema, want.Schema) {
		return formError("columns or their types differ")
	}
	if meta.NumRows > maxRows {
		return formError("%d rows where at most %d are allowed", meta.NumRows, maxRows)
	}
	var rows int64
	for i, g := range meta.RowGroups {
		if len(g.Columns) != len(meta.Schema)-1 {
			return formError("row group %d has %d columns", i, len(g.Columns))
		}
		if g.NumRows < 1 || g.NumRows > meta.NumRows-rows {
			return formError("row group %d: %d rows of %d", i, g.NumRows, meta.NumRows)
		}
		rows += g.NumRows
		for j := range g.Columns {
			if err := checkColumn(&g.Columns[j], &meta.Schema[j+1], g.NumRows); err != nil {
				return fmt.Errorf("row group %d: column %s: %w", i, meta.Schema[j+1].Name, err)
			}
		}
	}
	if rows != meta.NumRows {
		return formError("row groups have %d rows, the file %d", rows, meta.NumRows)
	}
	return nil
}

func checkColumn(c *format.ColumnChunk, s *format.SchemaElement, rows int64) error {
	m := &c.MetaData
	switch {
	case m.Type != s.Type.V || len(m.PathInSchema) != 1 || m.PathInSchema[0] != s.Name:
		return formError("is not the column of the schema")
	case m.Codec != format.Zstd:
		return formError("codec %s", m.Codec)
	case c.FilePath != "":
		return formError("lies in another file")
	case !isRepeated(s) && m.NumValues != rows, m.NumValues < rows, m.NumValues/contract.Bands > rows:
		return formError("%d values in %d rows", m.NumValues, rows)
	}
	return nil
}

func isRepeated(s *format.SchemaElement) bool { return s.RepetitionType.V == format.Repeated }

func (t table[T]) emptyFooter() (*format.FileMetaData, error) {
	var empty bytes.Buffer
	if err := parquet.NewGenericWriter[T](&empty, t.writerOptions()...).Close(); err != nil {
		return nil, fmt.Errorf("write empty %s: %w", t.name, err)
	}
	meta, _, err := readFooter(bytes.NewReader(empty.Bytes()), int64(empty.Len()))
	return meta, err
}
