package extract_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/markusmobius/go-htmldate"
	"github.com/markusmobius/go-trafilatura"
	"golang.org/x/net/html"

	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/warc"
)

// Of the pages with a text that people have checked, the mean token F1 of the
// reference, trafilatura 1.11.0 with precision favoured, is 0.777. The bounds lie
// just below what the stage reaches, in all and on every tenth page.
const (
	minF1      = 0.805
	minF1Short = 0.77
)

// truthPage is a page with the text that people found in it.
type truthPage struct{ html, text string }

// truthPages calls f for the pages of the test data that have a known text, and
// for all others, whose text is then empty.
func truthPages(t *testing.T, f func(truthPage)) {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA is not set: no pages to extract")
	}
	texts := readTruth(t, filepath.Join(dir, "web", "wcxb-dev-truth.jsonl"))
	files, err := filepath.Glob(filepath.Join(dir, "web", "*.warc.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		r := warc.NewReader(file, 0, warc.Options{})
		for {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if page, ok := record.Page(warc.PageOptions{}); ok && page.Problem == "" {
				f(truthPage{page.HTML, texts[page.ID]})
			}
		}
		_ = file.Close()
	}
}

func readTruth(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	texts := make(map[string]string)
	for lines := json.NewDecoder(bufio.NewReader(file)); ; {
		var row struct {
			RecordID string `json:"record_id"`
			Text     string `json:"text"`
		}
		if err := lines.Decode(&row); errors.Is(err, io.EOF) {
			return texts
		} else if err != nil {
			t.Fatal(err)
		}
		texts[row.RecordID] = row.Text
	}
}

// tokens counts the runs of letters, digits and underscores, in lower case.
func tokens(text string) (counts map[string]int, total int) {
	counts = make(map[string]int)
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsNumber(c) && c != '_'
	}) {
		counts[word]++
		total++
	}
	return counts, total
}

// tokenF1 is the harmonic mean of the tokens' precision and recall.
func tokenF1(got, want string) float64 {
	a, na := tokens(got)
	b, nb := tokens(want)
	common := 0
	for word, n := range a {
		common += min(n, b[word])
	}
	if common == 0 {
		return 0
	}
	return float64(2*common) / float64(na+nb)
}

// libraryText is what the library itself finds, called as a program would that
// wants a text as FineWeb's.
func libraryText(page string) string {
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	result, err := trafilatura.ExtractDocument(tree, trafilatura.Options{
		Focus:            trafilatura.FavorPrecision,
		EnableFallback:   true,
		ExcludeComments:  true,
		HtmlDateOverride: &htmldate.Result{},
	})
	if err != nil {
		return ""
	}
	return result.ContentText
}

// The text is closer to the one that people found than the reference's, and no
// real page is beyond a budget. With -v the library's own text is measured too.
func TestTextsAgainstTruth(t *testing.T) {
	every, bound := 1, minF1
	if testing.Short() {
		every, bound = 10, minF1Short
	}
	s := newStage(t)
	work := make(chan truthPage)
	var running sync.WaitGroup
	var mu sync.Mutex
	pages, sum, library := 0, 0.0, 0.0
	drops, lost := make(map[string]int), make(map[string]float64)
	for range 2 {
		running.Go(func() {
			for p := range work {
				d := &pipeline.Document{HTML: p.html}
				drop := s.Process(d)
				f1, plain := tokenF1(d.Text, p.text), 0.0
				if testing.Verbose() {
					plain = tokenF1(libraryText(p.html), p.text)
				}
				mu.Lock()
				reason := ""
				if drop != nil {
					reason = drop.Reason
				}
				drops[reason]++
				if p.text != "" {
					pages++
					sum += f1
					library += plain
					lost[reason] += 1 - f1
				}
				mu.Unlock()
			}
		})
	}
	n := 0
	truthPages(t, func(p truthPage) {
		if n++; n%every == 0 {
			work <- p
		}
	})
	close(work)
	running.Wait()
	mean := sum / float64(pages)
	t.Logf("mean token F1 %.4f over %d pages; the library alone %.4f", mean, pages, library/float64(pages))
	for reason, n := range drops {
		t.Logf("%q: %d pages, F1 lost %.4f", reason, n, lost[reason]/float64(pages))
		if reason != "" && reason != extract.ReasonEmpty {
			t.Errorf("%d pages are dropped as %s", n, reason)
		}
	}
	if mean < bound {
		t.Errorf("mean token F1 is %.4f, want at least %g", mean, bound)
	}
}
