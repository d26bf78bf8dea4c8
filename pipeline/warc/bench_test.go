package warc_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// BenchmarkSizes shows that the time per byte of reading a record and decoding
// its page does not grow with the page.
func BenchmarkSizes(b *testing.B) {
	for _, size := range []int{1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20} {
		var text strings.Builder
		for i := 0; text.Len() < size; i++ {
			fmt.Fprintf(&text, "<p>Paragraph %d speaks of the weather – and of %x.</p>\n", i, i*7919)
		}
		file := member(page("https://example.org/", text.String()))
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				rec, err := warc.NewReader(strings.NewReader(file), 0, warc.Options{}).Next()
				if err != nil {
					b.Fatal(err)
				}
				if p, ok := rec.Page(warc.PageOptions{}); !ok || p.Problem != "" {
					b.Fatal(p.Problem)
				}
			}
		})
	}
}
