package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"finest/internal/contract"
	"finest/pipeline/shard"
)

// numbered returns rows that can be told apart.
func numbered(count int) []contract.Row {
	rows := make([]contract.Row, count)
	for i := range rows {
		rows[i] = contract.Row{
			Text: fmt.Sprint("text ", i), ID: fmt.Sprintf("<urn:uuid:%d>", i), Dump: "CC-MAIN-2024-10",
			URL: fmt.Sprintf("https://example.org/%d", i), LanguageScore: 1 / float64(i+1), TokenCount: int64(i), WARCOffset: int64(i) * 100,
		}
	}
	return rows
}

// write counts rows as 100 KiB each, so that 327 are in a row group.
func write(t testing.TB, rows []contract.Row) (contract.OutputFile, []byte) {
	t.Helper()
	dir := t.TempDir()
	files, _, err := shard.WriteRowsCounted(dir, rowPrefix, sequence(rows), 100<<10, nil)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	return files[0], content(t, dir, files)
}

// groups returns 700 numbered rows and their file of three row groups, which is
// written once. They are not to be changed.
func groups(t testing.TB) ([]contract.Row, contract.OutputFile, []byte) {
	t.Helper()
	rows := numbered(700)
	three.Do(func() { three.file, three.raw = write(t, rows) })
	return rows, three.file, three.raw
}

var three struct {
	sync.Once
	file contract.OutputFile
	raw  []byte
}

func openParquet(t testing.TB, raw []byte) *parquet.File {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Spans follow each other from the magic number to the end, so every byte that a
// ranged read gets can be checked; filters and indexes are in the last one.
func TestSpansCoverTheFile(t *testing.T) {
	_, file, raw := groups(t)
	end := int64(4)
	for _, g := range file.RowGroups {
		if g.Offset != end {
			t.Fatalf("a row group begins at %d, the one before ends at %d", g.Offset, end)
		}
		end += g.Length
	}
	if len(file.RowGroups) != 3 || file.Footer.Offset != end || end+file.Footer.Length != file.Bytes {
		t.Fatalf("%d row groups end at %d of %d, footer %+v", len(file.RowGroups), end, file.Bytes, file.Footer)
	}
	for i, g := range openParquet(t, raw).Metadata().RowGroups {
		for _, c := range g.Columns {
			name := c.MetaData.PathInSchema[0]
			if c.ColumnIndexOffset < end || c.OffsetIndexOffset < end {
				t.Errorf("row group %d, %s: no page index in the footer", i, name)
			}
			if has := c.MetaData.BloomFilterLength > 0; has != (name == "id") || has && c.MetaData.BloomFilterOffset < end {
				t.Errorf("row group %d, %s: filter of %d bytes at %d", i, name, c.MetaData.BloomFilterLength, c.MetaData.BloomFilterOffset)
			}
		}
	}
}

// The filter of a row group knows all its ids, and few others.
func TestBloomFilter(t *testing.T) {
	rows, file, raw := groups(t)
	position, wrong := 0, 0
	for i, g := range openParquet(t, raw).RowGroups() {
		filter := g.ColumnChunks()[1].BloomFilter()
		if filter == nil {
			t.Fatalf("row group %d has no filter", i)
		}
		own := rows[position:][:file.RowGroups[i].Rows]
		position += len(own)
		for j, r := range rows {
			has, err := filter.Check(parquet.ValueOf(r.ID))
			if err != nil {
				t.Fatal(err)
			}
			if inGroup := j >= position-len(own) && j < position; inGroup && !has {
				t.Fatalf("row group %d: %s is not in its filter", i, r.ID)
			} else if !inGroup && has {
				wrong++
			}
		}
	}
	if tries := 2 * len(rows); wrong > tries/20 {
		t.Fatalf("filters hold %d of %d ids of other row groups", wrong, tries)
	}
}

func TestStatistics(t *testing.T) {
	_, _, raw := groups(t)
	kinds := map[string]parquet.Kind{"token_count": parquet.Int64, "language_score": parquet.Double, "id": parquet.ByteArray}
	want := map[string][2]string{ // of the second row group, rows 327 to 653
		"token_count":    {"327", "653"},
		"language_score": {fmt.Sprint(1 / 654.), fmt.Sprint(1 / 328.)},
		"id":             {"<urn:uuid:327>", "<urn:uuid:653>"},
	}
	for _, c := range openParquet(t, raw).Metadata().RowGroups[1].Columns {
		s, name := c.MetaData.Statistics, c.MetaData.PathInSchema[0]
		if name == "text" {
			if !reflect.DeepEqual(s, format.Statistics{}) {
				t.Errorf("text has statistics %.200v", s)
			}
			continue
		}
		if s.MinValue == nil || s.MaxValue == nil || s.NullCount != 0 {
			t.Errorf("%s has statistics %+v", name, s)
		}
		if w, ok := want[name]; ok {
			kind := kinds[name]
			if got := [2]string{kind.Value(s.MinValue).String(), kind.Value(s.MaxValue).String()}; got != w {
				t.Errorf("%s lies within %v, want %v", name, got, w)
			}
		}
	}
}

// Files of before filters were written are read as ever.
func TestNoFilter(t *testing.T) {
	rows := numbered(3)
	var old bytes.Buffer
	w := parquet.NewGenericWriter[contract.Row](&old, parquet.DataPageVersion(2), parquet.DataPageStatistics(false),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, shard.ReadRows(bytes.NewReader(old.Bytes()), int64(old.Len()), 3)); !reflect.DeepEqual(got, rows) {
		t.Fatal("read other rows")
	}
}

// touched notes which bytes before the footer are read, the magic number apart.
type touched struct {
	io.ReaderAt
	footer, low, high int64
}

func (r *touched) ReadAt(p []byte, off int64) (int, error) {
	if off > 0 && off < r.footer {
		r.low, r.high = min(r.low, off), max(r.high, off+int64(len(p)))
	}
	return r.ReaderAt.ReadAt(p, off)
}

// One row costs the footer and the row group that has it.
func TestReadRowsFrom(t *testing.T) {
	rows, file, raw := groups(t)
	for _, first := range []int64{0, 1, 326, 327, 653, 654, 699} {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			r := &touched{ReaderAt: bytes.NewReader(raw), footer: file.Footer.Offset, low: file.Bytes}
			for row, err := range shard.ReadRowsFrom(r, file.Bytes, file.Rows, first) {
				if err != nil || row.ID != rows[first].ID {
					t.Fatalf("row %s, error %v", row.ID, err)
				}
				break
			}
			if g := file.RowGroups[first/327]; r.low < g.Offset || r.high > g.Offset+g.Length {
				t.Errorf("read bytes %d to %d for a row group at %d to %d", r.low, r.high, g.Offset, g.Offset+g.Length)
			}
			if got := collect(t, shard.ReadRowsFrom(r, file.Bytes, file.Rows, first)); !reflect.DeepEqual(got, rows[first:]) {
				t.Errorf("read %d other rows", len(got))
			}
		})
	}
}

func TestReadRowsFromNowhere(t *testing.T) {
	file, raw := write(t, numbered(3))
	for _, first := range []int64{-1, 3, 1 << 62} {
		for _, err := range shard.ReadRowsFrom(bytes.NewReader(raw), file.Bytes, file.Rows, first) {
			if err == nil || errors.Is(err, shard.ErrForm) || !strings.Contains(err.Error(), "no row") {
				t.Fatalf("row %d: error %v", first, err)
			}
		}
	}
}

// The groups before the wanted row may be unreadable, even missing.
func TestReadRowsFromDamage(t *testing.T) {
	rows, file, raw := groups(t)
	damaged := bytes.Clone(raw)
	clear(damaged[4:file.RowGroups[1].Offset])
	if got := collect(t, shard.ReadRowsFrom(bytes.NewReader(damaged), file.Bytes, file.Rows, 400)); !reflect.DeepEqual(got, rows[400:]) {
		t.Fatal("read other rows")
	}
	for row, err := range shard.ReadRowsFrom(bytes.NewReader(damaged), file.Bytes, file.Rows, 326) {
		if !errors.Is(err, shard.ErrForm) {
			t.Fatalf("row %s, error %v", row.ID, err)
		}
	}
}

// The same rows give the same bytes, filters included.
func TestSameBytes(t *testing.T) {
	rows, _, once := groups(t)
	_, again := write(t, rows)
	if !bytes.Equal(once, again) {
		t.Fatal("the files differ")
	}
}
