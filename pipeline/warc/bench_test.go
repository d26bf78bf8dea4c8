package warc_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"finest/pipeline/warc"
)

// BenchmarkReader reads real pages; its rate is of compressed bytes.
func BenchmarkReader(b *testing.B) {
	for _, decode := range []bool{false, true} {
		name := "records"
		if decode {
			name = "pages"
		}
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(testdata(b), "web", "wcxb-dev-00000.warc.gz")
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				f, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				r := warc.NewReader(f, 0, warc.Options{})
				for {
					rec, err := r.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					if decode {
						_, _ = rec.Page(warc.PageOptions{})
					}
				}
				_ = f.Close()
			}
		})
	}
}
