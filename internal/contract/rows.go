package contract

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"reflect"
	"strings"
)

// Row is one kept document: a row of a shard. Column order is field order.
type Row struct {
	Text          string  `parquet:"text,zstd"`
	ID            string  `parquet:"id,zstd"`
	Dump          string  `parquet:"dump,dict,zstd"`
	URL           string  `parquet:"url,zstd"`
	Date          string  `parquet:"date,zstd"`
	FilePath      string  `parquet:"file_path,dict,zstd"`
	Language      string  `parquet:"language,dict,zstd"`
	LanguageScore float64 `parquet:"language_score,zstd"`
	TokenCount    int64   `parquet:"token_count,zstd"`
	// WARCOffset and WARCLength are the record's gzip member in the file as
	// stored; −1 and 0 where records of the file have no ranges.
	WARCOffset int64 `parquet:"warc_offset,zstd"`
	WARCLength int32 `parquet:"warc_length,zstd"`
}

// Canonical returns the row as the array whose canonical JSON is its Merkle
// leaf.
func (r Row) Canonical() []any {
	return []any{r.Text, r.ID, r.Dump, r.URL, r.Date, r.FilePath, r.Language, FloatBits(r.LanguageScore),
		r.TokenCount, r.WARCOffset, r.WARCLength}
}

// RowColumns returns the names of a shard's columns in the order of Canonical.
func RowColumns() []string { return columns[Row]() }

// LedgerColumns returns the names of a ledger's columns in the order of
// Canonical.
func LedgerColumns() []string { return columns[LedgerRow]() }

func columns[T any]() []string {
	t := reflect.TypeFor[T]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
	}
	return names
}

// Outcomes of a ledger row that are not the name of a stage.
const (
	OutcomeKept     = "kept"
	OutcomeSkipped  = "skipped"   // a span without pages
	OutcomeDamaged  = "damaged"   // a span that could not be read
	OutcomeNoRanges = "no_ranges" // a file whose records have no ranges
	// OutcomeMinHash marks a near-duplicate: in what others can check, the one
	// outcome that depends on other documents.
	OutcomeMinHash = "minhash"
)

// ReasonDuplicate is the reason of every MinHash drop, and of others for what
// another document holds.
const ReasonDuplicate = "duplicate"

// Bands is the number of MinHash band keys of a document.
const Bands = 14

// NoKeeper stands in KeptFile and KeptOffset of rows without a kept document.
const NoKeeper = -1

// LedgerRow says what became of one span of a WARC file.
type LedgerRow struct {
	// File is the number of the WARC file in the receipt.
	File int32 `parquet:"file,zstd"`
	// Offset and Length are bytes of the file as stored. Spans rise and never
	// overlap.
	Offset int64  `parquet:"offset,zstd"`
	Length int64  `parquet:"length,zstd"`
	ID     string `parquet:"id,zstd"`
	// Outcome is "kept", the stage that dropped the page, or one of the
	// outcomes above; Reason and Value explain it.
	Outcome       string  `parquet:"outcome,dict,zstd"`
	Reason        string  `parquet:"reason,dict,zstd"`
	Value         float64 `parquet:"value,zstd"`
	Language      string  `parquet:"language,dict,zstd"`
	LanguageScore float64 `parquet:"language_score,zstd"`
	// Characters counts the code points of the text when its fate was decided.
	Characters int64 `parquet:"characters,zstd"`
	// BandKeys are the document's MinHash band keys, or empty.
	BandKeys []uint64 `parquet:"band_keys,zstd"`
	// KeptFile and KeptOffset name the document kept for the cluster; −1 where
	// the document has no band keys. Where another step drops it as a repeat of
	// one before, they name that one.
	KeptFile   int32 `parquet:"kept_file,zstd"`
	KeptOffset int64 `parquet:"kept_offset,zstd"`
}

// IsPage reports whether the row is of a page, rather than of a span without
// readable pages.
func (r LedgerRow) IsPage() bool {
	switch r.Outcome {
	case OutcomeSkipped, OutcomeDamaged, OutcomeNoRanges:
		return false
	}
	return true
}

// ReachedMinHash reports whether the document survived every stage that looks
// at it alone, so that only the clustering decides its outcome.
func (r LedgerRow) ReachedMinHash() bool {
	return r.Outcome == OutcomeKept || r.Outcome == OutcomeMinHash
}

// End returns the offset after the span.
func (r LedgerRow) End() int64 { return r.Offset + r.Length }

// Canonical returns the row as the array whose canonical JSON is its Merkle
// leaf. Band keys are one string of hex digits, as JSON has no such integers.
func (r LedgerRow) Canonical() []any {
	keys := make([]byte, 0, 8*len(r.BandKeys))
	for _, k := range r.BandKeys {
		keys = binary.BigEndian.AppendUint64(keys, k)
	}
	return []any{r.File, r.Offset, r.Length, r.ID, r.Outcome, r.Reason, FloatBits(r.Value), r.Language,
		FloatBits(r.LanguageScore), r.Characters, hex.EncodeToString(keys), r.KeptFile, r.KeptOffset}
}

// FloatBits returns the IEEE 754 bits of f as 16 hex digits.
func FloatBits(f float64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, math.Float64bits(f)))
}
