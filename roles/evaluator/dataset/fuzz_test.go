package dataset_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"finest/pipeline/shard/guard"
	"finest/roles/evaluator/dataset"
)

// readAny reads a file of a name with any content: documents of valid UTF-8 or
// an error.
func readAny(t *testing.T, name string, content []byte) {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := dataset.Open(path, dataset.Options{Guard: &guard.Guard{Memory: 64 << 20, CPU: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Check(context.Background(), nil) != nil {
		return
	}
	var stats dataset.Stats
	n := int64(0)
	for d, err := range s.Read(context.Background(), &stats) {
		if err != nil {
			return
		}
		n++
		if !utf8.ValidString(d.Text) || d.Key == "" {
			t.Fatalf("document %d is %q with key %q", n, d.Text, d.Key)
		}
	}
	if n != stats.Documents || stats.Files != 1 {
		t.Fatalf("%d documents counted as %+v", n, stats)
	}
}

func FuzzLines(f *testing.F) {
	for _, line := range []string{
		`{"text":"x","id":1,"url":"u","metadata":{"url":2}}`, `{"text":"\ud800"}`, "{\"text\":\"\xff\"}\r\n\n{\"text\":null,\"id\":[]}", `{"text":{}}`, "\uFEFF{}",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, content []byte) { readAny(t, "a.jsonl", content) })
}

// Parquet files are read in a child first: some end that, none this process.
func FuzzParquet(f *testing.F) {
	rows := []page{{"1", "u", "text"}, {"2", "", "text"}}
	f.Add(table(f, rows))
	f.Add(table(f, rows, parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1)))
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, content []byte) { readAny(t, "a.parquet", content) })
}
