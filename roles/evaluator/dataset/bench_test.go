package dataset_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"finest/roles/evaluator/dataset"
)

// BenchmarkRead reads 1,000 pages of 6 kB, in bytes of text.
func BenchmarkRead(b *testing.B) {
	text := strings.Repeat("It was said that \"nobody\" had seen the pages of this book. ", 100)
	var rows []page
	var jsonl strings.Builder
	for i := range 1000 {
		rows = append(rows, page{ID: strconv.Itoa(i), URL: "http://a/", Text: text})
		jsonl.WriteString(`{"id":"` + strconv.Itoa(i) + `","url":"http://a/","text":` + strconv.Quote(text) + "}\n")
	}
	for name, content := range map[string][]byte{
		"a.jsonl": []byte(jsonl.String()), "a.jsonl.gz": gzipped(b, jsonl.String()), "a.parquet": table(b, rows, parquet.Compression(&parquet.Zstd)),
	} {
		b.Run(name, func(b *testing.B) {
			s, err := dataset.Open(folder(b, map[string][]byte{name: content}), dataset.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text) * len(rows)))
			for b.Loop() {
				var stats dataset.Stats
				for _, err := range s.Read(context.Background(), &stats) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
