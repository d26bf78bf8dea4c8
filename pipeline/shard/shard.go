// Package shard writes and reads the Parquet files of a task: shards, which
// hold kept documents, and ledgers, which say what became of every page.
//
// Files are written with parquet-go. They are read by a strict reader of this
// package, as they come from strangers: it accepts the form below and nothing
// else, holds no more than one row group in memory, and decodes with bounds
// checks only.
//
// The form: the columns of contract.Row or contract.LedgerRow in their order;
// zstd; data pages of version 2 with values in PLAIN or RLE_DICTIONARY encoding;
// row groups of at most 32 MiB before compression, or one row if that is larger.
// After the last row group, within what the manifest calls the footer: a bloom
// filter on id for each row group, the page index, and the metadata with the
// least and greatest value of each column but text. So whoever looks for an id or
// a row reads the footer and then the one row group that has it. The reader of
// this package relies on none of these hints.
package shard

import (
	"fmt"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"finest/internal/canon"
	"finest/internal/contract"
)

const (
	// maxFileBytes bounds the values of one written file, maxGroupBytes those of
	// a row group; a row that is larger alone has its own.
	maxFileBytes  = 512 << 20
	maxGroupBytes = 32 << 20
	maxFiles      = 100_000 // five digits in the name
	// bloomBits per id let a filter err in about one of a hundred cases
	// (https://parquet.apache.org/docs/file-format/bloomfilter/).
	bloomBits = 10
)

// RowLeaf returns the Merkle leaf of a shard's row.
func RowLeaf(r contract.Row) (canon.Hash, error) {
	return leaf(r.Canonical(), r.Text, r.ID, r.Dump, r.URL, r.Date, r.FilePath, r.Language)
}

// LedgerLeaf returns the Merkle leaf of a ledger's row.
func LedgerLeaf(r contract.LedgerRow) (canon.Hash, error) {
	return leaf(r.Canonical(), r.ID, r.Outcome, r.Reason, r.Language)
}

// leaf refuses texts that are not UTF-8: JSON would change them silently, and
// two rows would share a leaf.
func leaf(columns []any, texts ...string) (canon.Hash, error) {
	for _, t := range texts {
		if !utf8.ValidString(t) {
			return canon.Hash{}, fmt.Errorf("hash row: %.40q is not UTF-8", t)
		}
	}
	raw, err := canon.Marshal(columns)
	if err != nil {
		return canon.Hash{}, fmt.Errorf("hash row: %w", err)
	}
	return canon.Leaf(raw), nil
}

// table is what writer and reader must know of a row type.
type table[T any] struct {
	name string
	leaf func(T) (canon.Hash, error)
	// size estimates the bytes of a row before compression.
	size func(T) int64
	// next reads one row's cells in column order.
	next    func(*cells) T
	options []parquet.WriterOption
}

func rowTable() table[contract.Row] {
	return table[contract.Row]{
		name: "shard",
		leaf: RowLeaf,
		size: func(r contract.Row) int64 {
			return int64(len(r.Text)+len(r.ID)+len(r.URL)+len(r.Date)) + 48
		},
		next: func(c *cells) contract.Row {
			return contract.Row{
				Text: c.text(), ID: c.text(), Dump: c.text(), URL: c.text(), Date: c.text(), FilePath: c.text(),
				Language: c.text(), LanguageScore: c.double(), TokenCount: c.int64(),
				WARCOffset: c.int64(), WARCLength: c.int32(),
			}
		},
		options: []parquet.WriterOption{
			// Nobody searches for the first bytes of a text.
			parquet.SkipPageBounds("text"),
		},
	}
}

func ledgerTable() table[contract.LedgerRow] {
	return table[contract.LedgerRow]{
		name: "ledger",
		leaf: LedgerLeaf,
		size: func(r contract.LedgerRow) int64 {
			return int64(len(r.ID)+8*len(r.BandKeys)) + 72
		},
		next: func(c *cells) contract.LedgerRow {
			return contract.LedgerRow{
				File: c.int32(), Offset: c.int64(), Length: c.int64(), ID: c.text(),
				Outcome: c.text(), Reason: c.text(), Value: c.double(), Language: c.text(), LanguageScore: c.double(),
				Characters: c.int64(), BandKeys: c.list(), KeptFile: c.int32(), KeptOffset: c.int64(),
			}
		},
	}
}

func (t table[T]) writerOptions() []parquet.WriterOption {
	return append([]parquet.WriterOption{
		// The same bytes from every build.
		parquet.CreatedBy("finest", "1", "shard"),
		// Buffering is the business of durable.WriteFile.
		parquet.WriteBufferSize(0),
		parquet.DataPageVersion(2),
		// The page index has them.
		parquet.DataPageStatistics(false),
		parquet.BloomFilters(parquet.SplitBlockFilter(bloomBits, "id")),
		// All of them at the end of the file, where one request gets them with the
		// rest of the footer. Until then they are in memory: 7 MiB for the five
		// million rows of a full ledger.
		parquet.DeferBloomFiltersWithBuffers(parquet.NewBufferPool()),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
	}, t.options...)
}
