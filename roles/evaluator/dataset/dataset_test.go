package dataset_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"finest/eval/compare"
	"finest/internal/contract"
	"finest/pipeline/shard"
	"finest/pipeline/shard/guard"
	"finest/roles/evaluator/dataset"
)

// TestMain makes this binary the process that Parquet files are read in first.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == guard.Arg {
		os.Exit(guard.Main(os.Args[2:], dataset.Guarded))
	}
	os.Exit(m.Run())
}

// folder writes files and returns their folder.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gzipped(t testing.TB, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, content string) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(content), nil)
}

// table writes rows of any type as Parquet.
func table[T any](t testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read opens a dataset, checks it in a child and reads it whole.
func read(t *testing.T, path string, o dataset.Options) ([]compare.Document, dataset.Stats, error) {
	t.Helper()
	s, err := dataset.Open(path, o)
	if err != nil {
		return nil, dataset.Stats{}, err
	}
	if err := s.Check(context.Background(), nil); err != nil {
		return nil, dataset.Stats{}, err
	}
	var stats dataset.Stats
	var all []compare.Document
	for d, err := range s.Read(context.Background(), &stats) {
		if err != nil {
			return all, stats, err
		}
		all = append(all, d)
	}
	return all, stats, nil
}

type page struct {
	ID   string `parquet:"id"`
	URL  string `parquet:"url"`
	Text string `parquet:"text"`
}

func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	one := []byte(`{"id":"1","url":"http://a/","text":"one"}` + "\n")
	hello, lone := "hello", "alone"
	shards := folder(t, nil)
	row := contract.Row{Text: "kept", ID: "<urn:uuid:1>", Dump: "d", URL: "http://k/", Date: "2024-01-01T00:00:00Z", FilePath: "f", Language: "en"}
	_, _, err := shard.WriteRows(shards, "data/d/t", func(yield func(contract.Row, error) bool) { yield(row, nil) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	ledger := func(yield func(contract.LedgerRow, error) bool) {
		yield(contract.LedgerRow{Outcome: contract.OutcomeKept}, nil)
	}
	if _, _, err := shard.WriteLedger(shards, "ledger/d/t", ledger, nil); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		path string
		text string
		want []compare.Document
	}{
		"JSON lines": {
			path: folder(t, map[string][]byte{"a.jsonl": []byte("\uFEFF" + `{"text":"x","id":7}` + "\r\n\n" + `{"text":"y","url":"http://y/","more":[1]}` + "\n" + `{"text":"z","metadata":{"url":"http://z/"}}` + "\n" + `{"text":null}`)}),
			want: []compare.Document{{Key: "7", Text: "x"}, {Key: "http://y/", URL: "http://y/", Text: "y"}, {Key: "http://z/", URL: "http://z/", Text: "z"}, {Key: "3"}},
		},
		"compressed, in order of their paths": {
			path: folder(t, map[string][]byte{"b/1.jsonl.gz": gzipped(t, string(one)), "a/2.json.zst": zstandard(t, `{"text":"two"}`), "a/10.ndjson": []byte(`{"text":"ten"}`)}),
			want: []compare.Document{{Key: "0", Text: "ten"}, {Key: "1", Text: "two"}, {Key: "1", URL: "http://a/", Text: "one"}},
		},
		"two gzip members": {
			path: filepath.Join(folder(t, map[string][]byte{"x.json.gz": append(gzipped(t, string(one)), gzipped(t, `{"text":"more"}`)...)}), "x.json.gz"),
			want: []compare.Document{{Key: "1", URL: "http://a/", Text: "one"}, {Key: "1", Text: "more"}},
		},
		"a JSON file by name": {
			path: filepath.Join(folder(t, map[string][]byte{"x.json": one}), "x.json"),
			want: []compare.Document{{Key: "1", URL: "http://a/", Text: "one"}},
		},
		"another field": {
			path: folder(t, map[string][]byte{"a.jsonl": []byte(`{"content":"x","text":"no"}`)}), text: "content",
			want: []compare.Document{{Key: "0", Text: "x"}},
		},
		"texts": {
			path: folder(t, map[string][]byte{"b.txt": []byte("\uFEFFbee"), "sub/a.txt.gz": gzipped(t, "ay"), "c.md": []byte("no")}),
			want: []compare.Document{{Key: "b.txt", Text: "bee"}, {Key: "sub/a.txt.gz", Text: "ay"}},
		},
		"Parquet before everything else": {
			path: folder(t, map[string][]byte{"README.txt": []byte("no"), "info.json": []byte("{}"), "x.jsonl": one, ".hidden/y.parquet": []byte("no"), "z.parquet": table(t, []page{{"1", "http://a/", "one"}, {"", "http://b/", ""}, {"", "", "three"}})}),
			want: []compare.Document{{Key: "1", URL: "http://a/", Text: "one"}, {Key: "http://b/", URL: "http://b/"}, {Key: "2", Text: "three"}},
		},
		"Parquet with nulls, dictionaries and other columns": {
			path: folder(t, map[string][]byte{"z.parquet": table(t, []struct {
				Score float64  `parquet:"score"`
				Text  *string  `parquet:"text,optional,dict"`
				ID    int64    `parquet:"id"`
				Tags  []string `parquet:"tags,list"`
			}{{1, &hello, 5, []string{"a", "b"}}, {2, nil, 6, nil}, {3, &hello, 7, nil}}, parquet.Compression(&parquet.Gzip))}),
			want: []compare.Document{{Key: "5", Text: "hello"}, {Key: "6"}, {Key: "7", Text: "hello"}},
		},
		"Parquet of texts alone": {
			path: folder(t, map[string][]byte{"z.parquet": table(t, []struct {
				Content *string  `parquet:"content,optional"`
				ID      []string `parquet:"id"`
				URL     float64  `parquet:"url"`
			}{{Content: &lone}}, parquet.Compression(&parquet.Snappy))}), text: "content",
			want: []compare.Document{{Key: "0", Text: "alone"}},
		},
		"what refine writes, without its ledger": {path: shards, want: []compare.Document{{Key: "<urn:uuid:1>", URL: "http://k/", Text: "kept"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, stats, err := read(t, tc.path, dataset.Options{TextColumn: tc.text, Guard: &guard.Guard{}})
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Fatalf("read %q, %v\nwant %q", got, err, tc.want)
			}
			if stats.Documents != int64(len(tc.want)) || stats.Files < 1 || stats.TooLong+stats.Repaired != 0 {
				t.Errorf("counted %+v", stats)
			}
		})
	}
}

func TestManyRowGroups(t *testing.T) {
	t.Parallel()
	var rows []page
	for i := range 1000 {
		rows = append(rows, page{ID: strings.Repeat("k", i%7) + string(rune('a'+i%26)), Text: strings.Repeat("word ", i%50)})
	}
	path := folder(t, map[string][]byte{"a.parquet": table(t, rows, parquet.MaxRowsPerRowGroup(77), parquet.PageBufferSize(512), parquet.DataPageVersion(1))})
	got, stats, err := read(t, path, dataset.Options{})
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d documents, %v", len(got), err)
	}
	for i, d := range got {
		if d.Key != rows[i].ID || d.Text != rows[i].Text {
			t.Fatalf("row %d is %+v instead of %+v", i, d, rows[i])
		}
	}
	if stats.TextBytes == 0 {
		t.Error("no bytes counted")
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	good := table(t, []page{{Text: strings.Repeat("a", 1000)}})
	for name, tc := range map[string]struct {
		files map[string][]byte
		path  string // within the folder
		text  string
		want  string
	}{
		"nothing there":           {path: "nowhere", want: "no such file"},
		"an empty folder":         {want: "no file with documents in it: wanted is .parquet"},
		"a run that kept nothing": {files: map[string][]byte{"ledger/d/t-00000.parquet": good, "manifest.json": []byte("{}")}, want: "no document was kept"},
		"another kind of file":    {files: map[string][]byte{"a.pdf": nil}, path: "a.pdf", want: "not known by its name"},
		"no JSON":                 {files: map[string][]byte{"a.jsonl": []byte(`{"text":"x"}` + "\nno\n")}, want: "a.jsonl: line 2: no JSON object"},
		"no object":               {files: map[string][]byte{"a.jsonl": []byte(`3`)}, want: "line 1: no JSON object: "},
		"an array":                {files: map[string][]byte{"a.json": []byte("[\n{\"text\":\"x\"}]")}, path: "a.json", want: "line 1: no JSON object but an array: one object a line is wanted"},
		"an object of many lines": {files: map[string][]byte{"a.json": []byte("\uFEFF{\n \"text\":\"x\"}")}, path: "a.json", want: "line 1: no JSON object but one of several lines"},
		"no text":                 {files: map[string][]byte{"a.jsonl": []byte(`{"Text":"x","n":1,"body":"y"}`)}, want: `line 1: has no field "text"; those with strings: Text, body`},
		"nothing but numbers":     {files: map[string][]byte{"a.jsonl": []byte(`{"n":1}`)}, want: `line 1: has no field "text"; those with strings: none`},
		"no string":               {files: map[string][]byte{"a.jsonl": []byte(`{"text":1}`)}, want: `line 1: field "text" is not a string`},
		"a cut gzip file":         {files: map[string][]byte{"a.jsonl.gz": gzipped(t, strings.Repeat(`{"text":"x"}`+"\n", 9))[:40]}, want: "unexpected EOF"},
		"no gzip file":            {files: map[string][]byte{"a.txt.gz": []byte("plain text that is long enough")}, want: "gzip: invalid header"},
		"no zstd file":            {files: map[string][]byte{"a.jsonl.zst": []byte("plain text that is long enough")}, want: "a.jsonl.zst: "},
		"no Parquet file":         {files: map[string][]byte{"a.parquet": []byte("plain text")}, want: "a.parquet: no Parquet file"},
		"an empty Parquet":        {files: map[string][]byte{"a.parquet": nil}, want: "a.parquet: "},
		"a cut Parquet file":      {files: map[string][]byte{"a.parquet": good[:len(good)/2]}, want: "a.parquet: "},
		"no such column":          {files: map[string][]byte{"a.parquet": good}, text: "content", want: `no column "content"; those with strings: id, text, url`},
		"a column of lists": {files: map[string][]byte{"a.parquet": table(t, []struct {
			Text []string `parquet:"text"`
		}{{}})}, want: `column "text" has no strings, one a row`},
		"a column of numbers": {files: map[string][]byte{"a.parquet": table(t, []struct {
			Text int64 `parquet:"text"`
		}{{}})}, want: `column "text" has no strings, one a row`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, g := range []*guard.Guard{nil, {}} {
				_, _, err := read(t, filepath.Join(folder(t, tc.files), tc.path), dataset.Options{TextColumn: tc.text, Guard: g})
				if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "ledger") {
					t.Errorf("guarded %v: %v", g != nil, err)
				}
			}
		})
	}
}

// Rows of one page have one key, whatever form they are stored in.
func TestLongKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 5000)
	path := folder(t, map[string][]byte{"a.jsonl": []byte(`{"id":"` + long + `","url":"` + long + `","text":"x"}`)})
	lines, _, err1 := read(t, path, dataset.Options{})
	rows, _, err2 := read(t, folder(t, map[string][]byte{"a.parquet": table(t, []page{{long, long, "x"}})}), dataset.Options{})
	if err1 != nil || err2 != nil || !reflect.DeepEqual(lines, rows) || len(lines[0].Key) >= len(long) || len(lines[0].URL) >= len(long) {
		t.Errorf("%v, %v: %.50v, %.50v", err1, err2, lines, rows)
	}
}

// A file whose texts inflate to more than the child may have does not reach this
// process.
func TestBombsEndInTheChild(t *testing.T) {
	t.Parallel()
	rows := make([]page, 300)
	for i := range rows {
		rows[i].Text = strings.Repeat("a", 1<<20)
	}
	bomb := table(t, rows, parquet.Compression(&parquet.Zstd), parquet.PageBufferSize(1<<30))
	path := folder(t, map[string][]byte{"a.parquet": bomb})
	_, _, err := read(t, path, dataset.Options{Guard: &guard.Guard{Memory: 64 << 20}})
	if err == nil || !strings.Contains(err.Error(), "memory") && !strings.Contains(err.Error(), "child") {
		t.Errorf("%d bytes that inflate to 300 MiB: %v", len(bomb), err)
	}
}

func TestLongAndBrokenTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", dataset.MaxDocument+1)
	for name, files := range map[string]map[string][]byte{
		"JSON lines": {"a.jsonl": []byte(`{"text":"` + long + `"}` + "\n" + `{"text":"b` + "\xff" + `"}` + "\n")},
		"Parquet":    {"a.parquet": table(t, []page{{Text: long}, {Text: "b\xff"}}, parquet.Compression(&parquet.Snappy))},
		"texts":      {"a.txt": []byte(long), "b.txt": []byte("b\xff")},
	} {
		got, stats, err := read(t, folder(t, files), dataset.Options{})
		want := dataset.Stats{Files: len(files), Documents: 1, TextBytes: 4, TooLong: 1, Repaired: 1}
		if err != nil || len(got) != 1 || got[0].Text != "b\uFFFD" || stats != want {
			t.Errorf("%s: %d documents, %+v, %v", name, len(got), stats, err)
		}
		if key := got[0].Key; name != "texts" && key != "1" {
			t.Errorf("%s: the second row is called %q", name, key)
		}
	}
}

func TestReadingEndsEarly(t *testing.T) {
	t.Parallel()
	path := folder(t, map[string][]byte{"a.jsonl": []byte(strings.Repeat(`{"text":"x"}`+"\n", 10)), "b.jsonl": []byte("broken")})
	s, err := dataset.Open(path, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var stats dataset.Stats
	for _, err := range s.Read(context.Background(), &stats) {
		if err != nil {
			t.Fatal(err)
		}
		if stats.Documents == 3 {
			break
		}
	}
	if stats.Documents != 3 {
		t.Errorf("counted %+v", stats)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for _, err := range s.Read(ctx, &stats) {
		if n++; n == 2 {
			cancel()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if n != 3 {
		t.Errorf("%d steps after the end of the context at the second", n)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	one := folder(t, map[string][]byte{"a.txt": []byte("x"), "sub/b.jsonl": []byte("x")})
	open := func(path string) *dataset.Set {
		s, err := dataset.Open(path, dataset.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(one, link); err != nil {
		t.Fatal(err)
	}
	if !open(one).Same(open(link)) || !open(filepath.Join(one, "sub")).Same(open(filepath.Join(one, "sub", "b.jsonl"))) {
		t.Error("the same files by other names are not the same")
	}
	other := folder(t, map[string][]byte{"a.txt": []byte("x")})
	if open(other).Same(open(filepath.Join(one, "sub", "b.jsonl"))) {
		t.Error("other files of the same content are the same")
	}
	if s := open(one); s.Others() != 1 || s.Kind() != "JSON lines" || s.Bytes() != 1 || s.Path() != one {
		t.Errorf("files of %s, %d bytes, in %s, and %d others", s.Kind(), s.Bytes(), s.Path(), s.Others())
	}
	if s := open(filepath.Join(one, "a.txt")); s.Others() != 0 || s.Kind() != "text" {
		t.Errorf("a file of %s with %d others", s.Kind(), s.Others())
	}
}
