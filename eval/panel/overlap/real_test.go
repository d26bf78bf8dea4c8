package overlap_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/eval/panel"
	"finest/eval/panel/overlap"
	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/warc"
)

// document is one of a dataset.
type document struct {
	ID   string `json:"record_id"`
	URL  string `json:"url"`
	Text string `json:"text"`
}

func all(list []document) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, d := range list {
			if !yield(d.URL, d.Text) {
				return
			}
		}
	}
}

// world is real pages and held-out text.
type world struct {
	held []document // URL is the unit
	// truth is what people found on pages, c4 filtered pages of a crawl.
	truth, c4 []document
	data      string
}

// realWorld reads the test data. Held out are the panel, where FINEST_ASSETS has
// it, else the benchmarks and every fifth page of the test data.
func realWorld(t testing.TB) world {
	t.Helper()
	data := os.Getenv("FINEST_TESTDATA")
	if data == "" {
		t.Skip("FINEST_TESTDATA is not set: no pages to screen")
	}
	w := world{data: data}
	w.truth = readDocuments(t, filepath.Join(data, "web", "wcxb-dev-truth.jsonl"))
	w.c4 = readDocuments(t, filepath.Join(data, "text", "c4_sample.jsonl"))
	if dir := os.Getenv("FINEST_ASSETS"); dir != "" {
		p, err := panel.Load(dir, panel.Public(panel.CPU))
		if err != nil {
			t.Fatal(err)
		}
		w.hold(p)
		return w
	}
	d := panel.Definition{Name: "benchmarks"}
	for i, s := range panel.Public(panel.CPU).Suites[3:] {
		s.Weight = []int{250, 250, 250, 250}[i]
		d.Suites = append(d.Suites, s)
	}
	p, err := panel.Load(filepath.Join(data, "evalsets"), d)
	if err != nil {
		t.Fatal(err)
	}
	w.hold(p)
	var rest []document
	for i, page := range w.truth {
		if i%5 == 0 {
			w.held = append(w.held, document{URL: "pages/" + page.ID, Text: page.Text})
		} else {
			rest = append(rest, page)
		}
	}
	w.truth = rest
	return w
}

func (w *world) hold(p *panel.Panel) {
	for source, text := range p.Texts() {
		w.held = append(w.held, document{URL: source, Text: text})
	}
}

func readDocuments(t testing.TB, name string) []document {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var list []document
	for dec := json.NewDecoder(bufio.NewReader(file)); ; {
		var d document
		if err := dec.Decode(&d); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
}

// visible reads all text on the pages of WARC files.
func visible(t testing.TB, files ...string) []document {
	t.Helper()
	stage, err := extract.NewVisible(extract.VisibleSpec())
	if err != nil {
		t.Fatal(err)
	}
	var list []document
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for r := warc.NewReader(file, 0, warc.Options{}); ; {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if p, ok := record.Page(warc.PageOptions{}); ok && p.Problem == "" {
				if d := (&pipeline.Document{ID: p.ID, URL: p.URL, HTML: p.HTML}); stage.Process(d) == nil {
					list = append(list, document{p.ID, p.URL, d.Text})
				}
			}
		}
		_ = file.Close()
	}
	return list
}

// TestRealPages counts false alarms: pages that nobody put held-out text into.
// Some share sentences with held-out pages of the same sites.
func TestRealPages(t *testing.T) {
	w := realWorld(t)
	files := []string{filepath.Join(w.data, "web", "wcxb-dev-00003.warc.gz")}
	if os.Getenv("FINEST_ASSETS") != "" {
		files, _ = filepath.Glob(filepath.Join(w.data, "web", "*.warc.gz"))
	}
	raw := visible(t, files...)
	// The text of a page is compared with all that is to be seen on it.
	seen := make(map[string]bool)
	for _, d := range raw {
		seen[d.ID] = true
	}
	if os.Getenv("FINEST_ASSETS") == "" {
		held := make(map[string]bool)
		for _, d := range w.held {
			held[strings.TrimPrefix(d.URL, "pages/")] = true
		}
		raw = slices.DeleteFunc(raw, func(d document) bool { return held[d.ID] })
	}
	truth := slices.DeleteFunc(slices.Clone(w.truth), func(d document) bool { return !seen[d.ID] })
	x := overlap.New(all(w.held))
	excused := x.Excuse(all(raw))
	for _, set := range []struct {
		name           string
		list           []document
		index          *overlap.Index
		shared, accuse float64 // at most, as shares
	}{
		{"C4", w.c4, x, 0.002, 0.002},
		{"main text", w.truth, x, 0.05, 0.05},
		{"main text, what pages say excused", truth, excused, 0.05, 0.002},
		{"all visible text", raw, x, 0.08, 0.08},
	} {
		shared, accused, n := 0, 0, float64(len(set.list))
		for _, d := range set.list {
			if _, found := set.index.Find(d.Text); found {
				shared++
			}
			if m, found := set.index.Accuse(d.Text); found {
				accused++
				t.Logf("  %d words of %s in %s: %.100s", m.Words, m.Source, d.URL, m.Excerpt)
			}
		}
		t.Logf("%s: of %d documents %d share held-out text, %d are accused", set.name, len(set.list), shared, accused)
		if n < 100 || float64(shared) > set.shared*n || float64(accused) > set.accuse*n {
			t.Errorf("%s: more of them than expected", set.name)
		}
	}
}

// spellings are ways to put held-out text into a document.
var spellings = map[string]func(string) string{
	"as it is":      func(s string) string { return s },
	"lower case":    strings.ToLower,
	"upper case":    strings.ToUpper,
	"one line":      func(s string) string { return strings.Join(strings.Fields(s), " ") },
	"a word a line": func(s string) string { return strings.Join(strings.Fields(s), "\n") },
	"no punctuation": func(s string) string {
		words := strings.Fields(s)
		for i, word := range words {
			words[i] = strings.Trim(word, `.,;:!?"()`)
		}
		return strings.Join(words, " ")
	},
	"typographic": strings.NewReplacer("'", "’", `"`, "”", " - ", " — ").Replace,
}

// TestInsertedText: a document with held-out text in it, in any spelling, is
// found and accused, whether all of a unit is put in or one paragraph.
func TestInsertedText(t *testing.T) {
	w := realWorld(t)
	x := overlap.New(all(w.held)).Excuse(all(w.truth[:50]))
	carrier := w.c4[0].Text
	middle := len(carrier) / 2
	tried := make(map[string]int)
	try := func(what, source, text string) {
		if len(strings.Fields(text)) < overlap.ShortGram+2 {
			return
		}
		for name, spell := range spellings {
			tried[what]++
			if _, accused := x.Accuse(carrier[:middle] + "\n\n" + spell(text) + "\n\n" + carrier[middle:]); !accused {
				t.Errorf("%s of %s, %s, is not accused: %.200q", what, source, name, text)
			}
		}
	}
	for i := 0; i < len(w.held); i += 1 + len(w.held)/500 {
		d := w.held[i]
		try("all", d.URL, d.Text)
		for paragraph := range strings.SplitSeq(d.Text, "\n\n") {
			if n := len(strings.Fields(paragraph)); n >= overlap.Gram && n < 200 {
				try("a paragraph", d.URL, paragraph)
				break
			}
		}
	}
	t.Logf("tried %v", tried)
	if tried["all"] < 1000 || tried["a paragraph"] < 100 {
		t.Errorf("tried %v", tried)
	}
}
