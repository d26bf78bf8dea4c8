package shard

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"

	"finest/internal/contract"
)

// maxDictionary bounds the bytes of a dictionary: its entries are short names.
const maxDictionary = 1 << 20

// group is the row group being read: its stored bytes, and how much its pages
// may still inflate to.
type group struct {
	inflate *zstd.Decoder
	budget  int64
}

// chunk reads the values of one column of a row group, one after the other.
type chunk struct {
	group      *group
	name       string
	kind       format.Type
	repeated   bool
	stored     []byte // pages not yet read
	valuesLeft int64
	rowsLeft   int64
	dictionary [][]byte

	// The present page.
	left     int    // values not yet read
	data     []byte // values in PLAIN encoding
	index    *runs  // or places in the dictionary
	rep, def *runs  // levels of a repeated column
	nextRep  uint32 // repetition level of the next value, if left > 0
}

// openGroup loads a row group of a file whose row groups end at or before end.
func openGroup(r io.ReaderAt, end int64, g *format.RowGroup, schema []format.SchemaElement, inflate *zstd.Decoder) (*cells, error) {
	state := &group{inflate: inflate, budget: maxLoadedBytes}
	c := &cells{columns: make([]*chunk, len(g.Columns))}
	stored := int64(maxLoadedBytes)
	for i := range g.Columns {
		m := &g.Columns[i].MetaData
		begin := m.DataPageOffset
		if m.DictionaryPageOffset != 0 {
			begin = m.DictionaryPageOffset
		}
		size := m.TotalCompressedSize
		if begin < int64(len(magic)) || size < 1 || size > stored || begin > end-size {
			return nil, formError("column %s: %d bytes at byte %d", m.PathInSchema[0], size, begin)
		}
		stored -= size
		b := make([]byte, size)
		if err := readAt(r, b, begin); err != nil {
			return nil, err
		}
		c.columns[i] = &chunk{
			group: state, name: m.PathInSchema[0], kind: m.Type, repeated: isRepeated(&schema[i+1]),
			stored: b, valuesLeft: m.NumValues, rowsLeft: g.NumRows,
		}
	}
	return c, nil
}

// page reads the next data page, and a dictionary before it.
func (c *chunk) page() error {
	for {
		if len(c.stored) == 0 {
			return formError("pages end before the rows")
		}
		n, err := thriftLength(c.stored[:min(len(c.stored), maxHeaderBytes)])
		if err != nil {
			return formError("page header: %w", err)
		}
		var h format.PageHeader
		if err := decode(c.stored[:n], &h); err != nil {
			return err
		}
		size := int64(h.CompressedPageSize)
		if size < 0 || size > int64(len(c.stored)-n) || h.UncompressedPageSize < 0 {
			return formError("page of %d bytes", size)
		}
		body := c.stored[n:][:size]
		c.stored = c.stored[n:][size:]
		switch {
		case h.Type == format.DictionaryPage && h.DictionaryPageHeader.Valid && c.dictionary == nil && c.left == 0:
			if err := c.readDictionary(&h, body); err != nil {
				return err
			}
		case h.Type == format.DataPageV2 && h.DataPageHeaderV2.Valid:
			return c.readPage(&h.DataPageHeaderV2.V, int64(h.UncompressedPageSize), body)
		default:
			return formError("page of type %s", h.Type)
		}
	}
}

// unpack inflates body to exactly size bytes.
func (c *chunk) unpack(body []byte, size int64) ([]byte, error) {
	if size < 0 || size > c.group.budget {
		return nil, formError("pages inflate to more than %d bytes", maxLoadedBytes)
	}
	c.group.budget -= size
	b, err := c.group.inflate.DecodeAll(body, make([]byte, 0, size))
	if err != nil {
		return nil, formError("inflate page: %w", err)
	}
	if int64(len(b)) != size {
		return nil, formError("page inflates to %d bytes instead of %d", len(b), size)
	}
	return b, nil
}

func (c *chunk) readDictionary(h *format.PageHeader, body []byte) error {
	e := h.DictionaryPageHeader.V.Encoding
	//nolint:staticcheck // parquet-go still writes the old name of the encoding
	if c.kind != format.ByteArray || e != format.Plain && e != format.PlainDictionary || h.UncompressedPageSize > maxDictionary {
		return formError("dictionary of %d bytes in encoding %s", h.UncompressedPageSize, e)
	}
	b, err := c.unpack(body, int64(h.UncompressedPageSize))
	if err != nil {
		return err
	}
	c.dictionary = make([][]byte, 0, min(int(max(0, h.DictionaryPageHeader.V.NumValues)), len(b)/4))
	for len(b) > 0 {
		var entry []byte
		if entry, b, err = cutBytes(b); err != nil {
			return err
		}
		c.dictionary = append(c.dictionary, entry)
	}
	if len(c.dictionary) != int(h.DictionaryPageHeader.V.NumValues) {
		return formError("dictionary of %d entries instead of %d", len(c.dictionary), h.DictionaryPageHeader.V.NumValues)
	}
	return nil
}

func (c *chunk) readPage(h *format.DataPageHeaderV2, size int64, body []byte) error {
	rep, def := int64(h.RepetitionLevelsByteLength), int64(h.DefinitionLevelsByteLength)
	if h.NumValues < 1 || int64(h.NumValues) > c.valuesLeft || h.NumRows < 1 || int64(h.NumRows) > c.rowsLeft {
		return formError("page of %d values in %d rows", h.NumValues, h.NumRows)
	}
	if rep < 0 || def < 0 || rep+def > int64(len(body)) || !c.repeated && rep+def > 0 {
		return formError("levels of %d and %d bytes", rep, def)
	}
	c.valuesLeft -= int64(h.NumValues)
	c.rowsLeft -= int64(h.NumRows)
	c.left = int(h.NumValues)
	if c.repeated {
		c.rep, c.def = newRuns(body[:rep], 1), newRuns(body[rep:rep+def], 1)
		var err error
		if c.nextRep, err = c.rep.next(); err != nil || c.nextRep != 0 {
			return formError("page begins within a row")
		}
	} else if h.NumValues != h.NumRows || h.NumNulls != 0 {
		return formError("page of %d values and %d nulls in %d rows", h.NumValues, h.NumNulls, h.NumRows)
	}
	data := body[rep+def:]
	if h.IsCompressed.Valid && !h.IsCompressed.V {
		if size-rep-def != int64(len(data)) {
			return formError("page of %d bytes instead of %d", len(data), size-rep-def)
		}
	} else {
		var err error
		if data, err = c.unpack(data, size-rep-def); err != nil {
			return err
		}
	}
	c.data, c.index = data, nil
	switch {
	case h.Encoding == format.Plain:
		return nil
	case h.Encoding == format.RLEDictionary && c.dictionary != nil && len(data) > 0 && data[0] <= 32:
		c.index = newRuns(data[1:], uint(data[0]))
		return nil
	}
	return formError("encoding %s", h.Encoding)
}

// cutBytes cuts a byte array in PLAIN encoding off b.
func cutBytes(b []byte) (value, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, formError("values end early")
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, formError("value of %d bytes", n)
	}
	return b[4:][:n], b[4:][n:], nil
}

// fixed returns the next value of size bytes.
func (c *chunk) fixed(size int) ([]byte, error) {
	if c.left == 0 {
		if err := c.page(); err != nil {
			return nil, err
		}
	}
	c.left--
	return c.take(size)
}

func (c *chunk) take(size int) ([]byte, error) {
	if c.index != nil || len(c.data) < size {
		return nil, formError("values end early")
	}
	v := c.data[:size]
	c.data = c.data[size:]
	return v, nil
}

func (c *chunk) bytes() ([]byte, error) {
	if c.left == 0 {
		if err := c.page(); err != nil {
			return nil, err
		}
	}
	c.left--
	if c.index == nil {
		var v []byte
		var err error
		v, c.data, err = cutBytes(c.data)
		return v, err
	}
	i, err := c.index.next()
	if err != nil {
		return nil, formError("%w", err)
	}
	if uint64(i) >= uint64(len(c.dictionary)) {
		return nil, formError("entry %d of a dictionary of %d", i, len(c.dictionary))
	}
	return c.dictionary[i], nil
}

// list returns the next row of a repeated column.
func (c *chunk) list() ([]uint64, error) {
	if c.left == 0 {
		if err := c.page(); err != nil {
			return nil, err
		}
	}
	var values []uint64
	for first := true; c.left > 0 && (first || c.nextRep == 1); first = false {
		def, err := c.def.next()
		if err != nil {
			return nil, formError("%w", err)
		}
		c.left--
		if c.left > 0 {
			if c.nextRep, err = c.rep.next(); err != nil {
				return nil, formError("%w", err)
			}
		}
		if def == 0 {
			if !first || c.left > 0 && c.nextRep == 1 {
				return nil, formError("empty list with values")
			}
			return nil, nil
		}
		if len(values) == contract.Bands {
			return nil, formError("list of more than %d values", contract.Bands)
		}
		b, err := c.take(8)
		if err != nil {
			return nil, err
		}
		values = append(values, binary.LittleEndian.Uint64(b))
	}
	return values, nil
}

// done reports whether all values were read.
func (c *chunk) done() bool {
	return c.left == 0 && c.valuesLeft == 0 && c.rowsLeft == 0 && len(c.stored) == 0 && (c.index != nil || len(c.data) == 0)
}

// cells reads the cells of a row group's rows in column order. The first error
// sticks.
type cells struct {
	columns []*chunk
	column  int
	err     error
}

func (c *cells) rewind() *cells {
	c.column = 0
	return c
}

func (c *cells) chunk() *chunk {
	c.column++
	return c.columns[c.column-1]
}

func (c *cells) fixed(size int) uint64 {
	col := c.chunk()
	if c.err != nil {
		return 0
	}
	b, err := col.fixed(size)
	if err != nil {
		c.fail(col, err)
		return 0
	}
	if size == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

func (c *cells) int32() int32    { return int32(uint32(c.fixed(4))) }
func (c *cells) int64() int64    { return int64(c.fixed(8)) }
func (c *cells) double() float64 { return math.Float64frombits(c.fixed(8)) }

func (c *cells) text() string {
	col := c.chunk()
	if c.err != nil {
		return ""
	}
	b, err := col.bytes()
	if err == nil && !utf8.Valid(b) {
		err = formError("text is not UTF-8")
	}
	if err != nil {
		c.fail(col, err)
		return ""
	}
	return string(b)
}

func (c *cells) list() []uint64 {
	col := c.chunk()
	if c.err != nil {
		return nil
	}
	v, err := col.list()
	if err != nil {
		c.fail(col, err)
	}
	return v
}

func (c *cells) fail(col *chunk, err error) {
	c.err = fmt.Errorf("column %s: %w", col.name, err)
}

// finish checks that the row group holds nothing beyond its rows.
func (c *cells) finish() error {
	for _, col := range c.columns {
		if !col.done() {
			return formError("column %s: values after the last row", col.name)
		}
	}
	return nil
}
