package extract_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/warc"
)

// webPages returns the first n pages of the test data, or skips the test.
func webPages(t testing.TB, n int) (pages []string) {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA is not set: no pages to extract")
	}
	f, err := os.Open(filepath.Join(dir, "web", "wcxb-dev-00003.warc.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for r := warc.NewReader(f, 0, warc.Options{}); len(pages) < n; {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if page, ok := record.Page(warc.PageOptions{}); ok && page.Problem == "" {
			pages = append(pages, page.HTML)
		}
	}
	return pages
}

// Real pages pass the budgets, and two runs at a time give the same texts.
func TestWebPages(t *testing.T) {
	s := newStage(t)
	n := 30
	if testing.Short() {
		n = 10
	}
	empty := 0
	for i, page := range webPages(t, n) {
		var documents [2]pipeline.Document
		var drops [2]*pipeline.Drop
		done := make(chan struct{})
		for j := range documents {
			documents[j].HTML = page
			go func() {
				defer func() { done <- struct{}{} }()
				drops[j] = s.Process(&documents[j])
			}()
		}
		<-done
		<-done
		if documents[0].Text != documents[1].Text {
			t.Errorf("page %d has two texts, of %d and %d bytes", i, len(documents[0].Text), len(documents[1].Text))
		}
		switch drop := drops[0]; {
		case drop == nil:
		case drop.Reason == extract.ReasonEmpty:
			empty++
		default:
			t.Errorf("page %d is dropped: %+v", i, drop)
		}
	}
	if empty > n/10 {
		t.Errorf("%d of %d pages have no text", empty, n)
	}
}

func BenchmarkWebPages(b *testing.B) {
	s := newStage(b)
	pages := webPages(b, 60)
	size := 0
	for _, page := range pages {
		size += len(page)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, page := range pages {
			s.Process(&pipeline.Document{HTML: page})
		}
	}
	b.ReportMetric(float64(len(pages)*b.N)/b.Elapsed().Seconds(), "pages/s")
}

// BenchmarkSizes shows that the time per byte does not grow with an article, up
// to where the budget ends.
func BenchmarkSizes(b *testing.B) {
	s := newStage(b)
	for _, size := range []int{1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20} {
		var text strings.Builder
		text.WriteString("<html><body><nav><ul><li><a href=/>Home</a></ul></nav><article>")
		for i := 0; text.Len() < size; i++ {
			fmt.Fprintf(&text, "<p class=text>Paragraph %d speaks of the weather, and of what number %x of the <b>almanac</b> says of it; "+
				"it goes on <a href=/%d>for a while</a>, as paragraphs do. Then it ends, and the next one begins.</p>\n", i, i*7919, i)
			if i%20 == 19 {
				fmt.Fprintf(&text, "<h2>Chapter %d</h2><ul><li>One of the items<li>The other of the items</ul>\n", i)
			}
		}
		page := text.String() + "</article></body></html>"
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			kept := 0.0
			for b.Loop() {
				if s.Process(&pipeline.Document{HTML: page}) == nil {
					kept = 1
				}
			}
			b.ReportMetric(kept, "kept")
		})
	}
}
