package shard_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/shard"
)

const (
	rowPrefix    = "data/CC-MAIN-2024-10/CC-MAIN-2024-10-000001"
	ledgerPrefix = "ledger/CC-MAIN-2024-10/CC-MAIN-2024-10-000001"
)

func sequence[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func collect[T any](t testing.TB, rows iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for r, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// integer draws what canonical JSON can hold.
var integer = rapid.Int64Range(-1<<53+1, 1<<53-1)

func drawRow(t *rapid.T) contract.Row {
	word := rapid.StringN(-1, -1, 40)
	return contract.Row{
		Text: rapid.StringN(-1, -1, 3000).Draw(t, "text"), ID: word.Draw(t, "id"), Dump: word.Draw(t, "dump"),
		URL: word.Draw(t, "url"), Date: word.Draw(t, "date"), FilePath: word.Draw(t, "file_path"),
		Language: rapid.SampledFrom([]string{"en", "de", ""}).Draw(t, "language"), LanguageScore: rapid.Float64().Draw(t, "score"),
		TokenCount: integer.Draw(t, "tokens"), WARCOffset: integer.Draw(t, "offset"), WARCLength: rapid.Int32().Draw(t, "length"),
	}
}

func drawLedgerRow(t *rapid.T) contract.LedgerRow {
	var keys []uint64
	if rapid.Bool().Draw(t, "signed") {
		keys = rapid.SliceOfN(rapid.Uint64(), 1, contract.Bands).Draw(t, "keys")
	}
	return contract.LedgerRow{
		File: rapid.Int32().Draw(t, "file"), Offset: integer.Draw(t, "offset"), Length: integer.Draw(t, "length"),
		ID: rapid.String().Draw(t, "id"), Outcome: rapid.SampledFrom([]string{"kept", "language", "skipped"}).Draw(t, "outcome"),
		Reason: rapid.SampledFrom([]string{"", "too_short"}).Draw(t, "reason"), Value: rapid.Float64().Draw(t, "value"),
		Language: "en", LanguageScore: rapid.Float64().Draw(t, "score"), Characters: integer.Draw(t, "characters"),
		BandKeys: keys, KeptFile: rapid.Int32().Draw(t, "kept_file"), KeptOffset: integer.Draw(t, "kept_offset"),
	}
}

// What is written is read back, by the strict reader and by parquet-go, and the
// returned root and spans are those of the rows and bytes.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	t.Run("shard", rapid.MakeCheck(func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 1, 40).Draw(rt, "rows")
		files, root, err := shard.WriteRows(dir, rowPrefix, sequence(rows), nil)
		if err != nil {
			rt.Fatal(err)
		}
		checkFiles(rt, dir, files, rows, shard.ReadRows)
		checkRoot(rt, root, rows, shard.RowLeaf)
	}))
	t.Run("ledger", rapid.MakeCheck(func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawLedgerRow), 1, 200).Draw(rt, "rows")
		files, root, err := shard.WriteLedger(dir, ledgerPrefix, sequence(rows), nil)
		if err != nil {
			rt.Fatal(err)
		}
		checkFiles(rt, dir, files, rows, shard.ReadLedger)
		checkRoot(rt, root, rows, shard.LedgerLeaf)
	}))
}

func checkRoot[T any](t *rapid.T, root canon.Hash, rows []T, leaf func(T) (canon.Hash, error)) {
	var tree canon.Tree
	for _, r := range rows {
		l, err := leaf(r)
		if err != nil {
			t.Fatal(err)
		}
		tree.Add(l)
	}
	if root != tree.Root() {
		t.Fatalf("root %s, want %s", root, tree.Root())
	}
}

func checkFiles[T any](t *rapid.T, dir string, files []contract.OutputFile, want []T, read func(io.ReaderAt, int64, int64) iter.Seq2[T, error]) {
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	f := files[0]
	raw, err := os.ReadFile(filepath.Join(dir, f.Path))
	if err != nil {
		t.Fatal(err)
	}
	if f.Bytes != int64(len(raw)) || f.SHA256 != canon.Sum(raw) || f.Rows != int64(len(want)) {
		t.Fatalf("file is described as %+v", f)
	}
	for _, g := range f.RowGroups {
		if canon.Sum(raw[g.Offset:][:g.Length]) != g.SHA256 {
			t.Fatalf("row group %+v", g)
		}
	}
	if canon.Sum(raw[f.Footer.Offset:][:f.Footer.Length]) != f.Footer.SHA256 || f.Footer.Offset+f.Footer.Length != f.Bytes {
		t.Fatalf("footer %+v", f.Footer)
	}
	var got []T
	for r, err := range read(bytes.NewReader(raw), f.Bytes, f.Rows) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("read %+v\nwrote %+v", got, want)
	}
	other, err := parquet.Read[T](bytes.NewReader(raw), f.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%#v", other) != fmt.Sprintf("%#v", normalized(other, want)) {
		t.Fatal("parquet-go reads other rows")
	}
}

// normalized returns want with empty lists as parquet-go spells them.
func normalized[T any](_ []T, want []T) []T {
	out := append([]T(nil), want...)
	for i := range out {
		if r, ok := any(&out[i]).(*contract.LedgerRow); ok && r.BandKeys == nil {
			r.BandKeys = []uint64{}
		}
	}
	return out
}

// Each file is told of once it stands, and before the next one is begun.
func TestFinished(t *testing.T) {
	dir := t.TempDir()
	var told []contract.OutputFile
	files, _, err := shard.WriteRowsCounted(dir, rowPrefix, sequence(make([]contract.Row, 5)), 200<<20, func(f contract.OutputFile) {
		told = append(told, f)
		stand, err := filepath.Glob(filepath.Join(dir, filepath.Dir(rowPrefix), "*"))
		if err != nil || len(stand) != len(told) {
			t.Errorf("when told of file %d, there are %v, error %v", len(told), stand, err)
		}
		if info, err := os.Stat(filepath.Join(dir, f.Path)); err != nil || info.Size() != f.Bytes {
			t.Errorf("told of %s, error %v", f.Path, err)
		}
	})
	if err != nil || len(files) != 3 || !reflect.DeepEqual(told, files) {
		t.Fatalf("wrote %d files, told of %d, error %v", len(files), len(told), err)
	}
}

func TestNoRows(t *testing.T) {
	dir := t.TempDir()
	files, root, err := shard.WriteRows(dir, rowPrefix, sequence[contract.Row](nil), nil)
	if err != nil || len(files) != 0 || root != sha256.Sum256(nil) {
		t.Fatalf("%v, root %s, error %v", files, root, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Fatalf("left %v, error %v", entries, err)
	}
}

// Row groups stay below 32 MiB but for rows that are larger alone.
func TestRowGroups(t *testing.T) {
	const mib = 1 << 20
	var rows []contract.Row
	for i, size := range []int{20 * mib, 11 * mib, 2 * mib, 40 * mib, 1, 1} {
		rows = append(rows, contract.Row{Text: strings.Repeat("x", size), WARCOffset: int64(i)})
	}
	dir := t.TempDir()
	files, _, err := shard.WriteRows(dir, rowPrefix, sequence(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, g := range files[0].RowGroups {
		got = append(got, g.Rows)
	}
	if want := []int64{2, 1, 1, 2}; !reflect.DeepEqual(got, want) {
		t.Fatalf("rows per group %v, want %v", got, want)
	}
	f := open(t, filepath.Join(dir, files[0].Path))
	if back := collect(t, shard.ReadRows(f, files[0].Bytes, 6)); !reflect.DeepEqual(back, rows) {
		t.Fatal("read other rows")
	}
}

func open(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// An earlier run's files and a killed run's temporary files go; others stay.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, filepath.Dir(rowPrefix))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	base := filepath.Base(rowPrefix)
	for _, name := range []string{base + "-00000.parquet", base + "-00007.parquet", "." + base + "-00001.parquet.tmp-123",
		"CC-MAIN-2024-10-000002-00003.parquet", base + "-notes.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := shard.WriteRows(dir, rowPrefix, sequence([]contract.Row{{Text: "a"}}), nil); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{base + "-00000.parquet", base + "-notes.txt", "CC-MAIN-2024-10-000002-00003.parquet"}
	if !reflect.DeepEqual(names, want) {
		t.Fatalf("left %v, want %v", names, want)
	}
}

func TestWriteErrors(t *testing.T) {
	failed := errors.New("source failed")
	for name, rows := range map[string]iter.Seq2[contract.Row, error]{
		"first row": func(yield func(contract.Row, error) bool) { yield(contract.Row{}, failed) },
		"later row": func(yield func(contract.Row, error) bool) {
			_ = yield(contract.Row{Text: "a"}, nil) && yield(contract.Row{}, failed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, _, err := shard.WriteRows(dir, rowPrefix, rows, nil); !errors.Is(err, failed) {
				t.Fatalf("error %v", err)
			}
			if left, err := filepath.Glob(filepath.Join(dir, filepath.Dir(rowPrefix), "*")); err != nil || len(left) > 0 {
				t.Fatalf("left %v, error %v", left, err)
			}
		})
	}
	if _, _, err := shard.WriteRows(t.TempDir(), rowPrefix, sequence([]contract.Row{{Text: "\xff"}}), nil); err == nil {
		t.Fatal("wrote a text that is not UTF-8")
	}
	if _, err := shard.LedgerLeaf(contract.LedgerRow{Value: math.NaN(), ID: "\xff"}); err == nil {
		t.Fatal("hashed an id that is not UTF-8")
	}
}
