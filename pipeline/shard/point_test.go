package shard_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline/shard"
)

// readRecorder notes which bytes are read.
type readRecorder struct {
	io.ReaderAt
	spans [][2]int64
}

func (r *readRecorder) ReadAt(p []byte, off int64) (int, error) {
	r.spans = append(r.spans, [2]int64{off, off + int64(len(p))})
	return r.ReaderAt.ReadAt(p, off)
}

// Every row is found by its number, out of its own row group.
func TestReadRow(t *testing.T) {
	var rows []contract.Row
	for i, size := range []int{30 << 20, 1, 1, 31 << 20, 5} {
		rows = append(rows, contract.Row{Text: strings.Repeat("x", size), WARCOffset: int64(i)})
	}
	dir := t.TempDir()
	files, _, err := shard.WriteRows(dir, rowPrefix, sequence(rows), nil)
	if err != nil || len(files[0].RowGroups) < 2 {
		t.Fatalf("%d row groups, error %v", len(files[0].RowGroups), err)
	}
	f := files[0]
	raw, err := os.ReadFile(filepath.Join(dir, f.Path))
	if err != nil {
		t.Fatal(err)
	}
	first := int64(0)
	for _, g := range f.RowGroups {
		for number := first; number < first+g.Rows; number++ {
			seen := &readRecorder{ReaderAt: bytes.NewReader(raw)}
			row, n, err := shard.ReadRow(seen, f.Bytes, number)
			if err != nil || n != f.Rows || !reflect.DeepEqual(row, rows[number]) {
				t.Errorf("row %d is at %d of %d rows, error %v", number, row.WARCOffset, n, err)
			}
			for _, s := range seen.spans {
				if s[0] >= 4 && s[0] < f.Footer.Offset && (s[0] < g.Offset || s[1] > g.Offset+g.Length) {
					t.Errorf("row %d: bytes %v are read, its row group is %+v", number, s, g)
				}
			}
		}
		first += g.Rows
	}
	for _, number := range []int64{-1, 5, 1 << 40} {
		if _, n, err := shard.ReadRow(bytes.NewReader(raw), f.Bytes, number); !errors.Is(err, shard.ErrNoRow) || n != 5 {
			t.Errorf("row %d of %d: %v, want ErrNoRow", number, n, err)
		}
	}
	for _, cut := range []int64{0, 3, f.Bytes / 2, f.Bytes - 1} {
		if _, _, err := shard.ReadRow(bytes.NewReader(raw[:cut]), cut, 0); !errors.Is(err, shard.ErrForm) {
			t.Errorf("the first %d bytes: %v, want ErrForm", cut, err)
		}
	}
}
