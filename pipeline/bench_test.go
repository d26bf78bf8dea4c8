package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"finest/pipeline"
	"finest/pipeline/recipes"
	"finest/pipeline/selftest"
	"finest/pipeline/warc"
	"finest/pipeline/words"
)

// webPages is how many pages of the web set are measured: about 30 MB of HTML.
const webPages = 100

// corpus is a WARC file and its pages.
type corpus struct {
	name  string
	file  []byte
	pages []pipeline.Document
}

// corpora returns the pages in the program and, with FINEST_TESTDATA, the first
// ones of the web set.
func corpora(b *testing.B) []corpus {
	b.Helper()
	own, err := selftest.Pack()
	if err != nil {
		b.Fatal(err)
	}
	all := []corpus{readCorpus(b, "own", own.Bytes, -1)}
	if dir := os.Getenv("FINEST_TESTDATA"); dir != "" {
		web, err := os.ReadFile(filepath.Join(dir, "web", "wcxb-dev-00000.warc.gz"))
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, readCorpus(b, "web", web, webPages))
	}
	return all
}

// readCorpus reads at most limit pages of file, all if limit is negative, and
// cuts the file off behind them.
func readCorpus(b *testing.B, name string, file []byte, limit int) corpus {
	b.Helper()
	c := corpus{name: name}
	r := warc.NewReader(bytes.NewReader(file), 0, warc.Options{})
	for limit < 0 || len(c.pages) < limit {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		c.file = file[:rec.End()]
		if p, isHTML := rec.Page(warc.PageOptions{}); isHTML && p.Problem == "" {
			c.pages = append(c.pages, pipeline.Document{ID: p.ID, URL: p.URL, Date: p.Date, HTML: p.HTML})
		}
	}
	return c
}

func (c corpus) htmlBytes() (n int64) {
	for _, p := range c.pages {
		n += int64(len(p.HTML))
	}
	return n
}

// cpuTime returns what the process has used, as the operating system counts it:
// the collector's work and other goroutines' included.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs work over and over; it handles n bytes a time. Beside the rate
// by the clock it reports the one by processor time, which other programs on the
// machine disturb less.
func measure(b *testing.B, n int64, work func()) {
	b.Helper()
	b.SetBytes(n)
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		work()
	}
	used := cpuTime(b) - before
	b.ReportMetric(float64(n)*float64(b.N)/1e6/used.Seconds(), "MB/cpu-s")
}

func buildRunner(b *testing.B) *pipeline.Runner {
	b.Helper()
	r, err := recipes.Named(recipes.FineWebNoLists)
	if err != nil {
		b.Fatal(err)
	}
	runner, err := recipes.Build(r, "")
	if err != nil {
		b.Fatal(err)
	}
	return runner
}

// BenchmarkStage measures every stage alone. Rates are of HTML for read and
// extract, and of text for the others, all of which get every text there is,
// with its words: splitting is measured apart.
func BenchmarkStage(b *testing.B) {
	runner := buildRunner(b)
	for _, c := range corpora(b) {
		run := func(stage string, n int64, work func()) {
			b.Run(fmt.Sprintf("pages=%s/stage=%s", c.name, stage), func(b *testing.B) { measure(b, n, work) })
		}
		run(pipeline.StageRead, c.htmlBytes(), func() { readCorpus(b, c.name, c.file, -1) })
		var texts []pipeline.Document
		var textBytes int64
		for _, s := range runner.Stages {
			if s.Name() == "extract" {
				run(s.Name(), c.htmlBytes(), func() { process(s, c.pages) })
				texts = extracted(s, c.pages)
				for _, d := range texts {
					textBytes += int64(len(d.Text))
				}
				run("words", textBytes, func() {
					for _, d := range texts {
						d.Words(words.NLTK())
					}
				})
				for i := range texts {
					texts[i].Words(words.NLTK())
				}
				continue
			}
			run(s.Name(), textBytes, func() { process(s, texts) })
		}
	}
}

// process runs a stage over copies of documents.
func process(s pipeline.Stage, documents []pipeline.Document) {
	for _, d := range documents {
		s.Process(&d)
	}
}

// extracted returns the documents that have a text.
func extracted(s pipeline.Stage, pages []pipeline.Document) []pipeline.Document {
	var texts []pipeline.Document
	for _, d := range pages {
		if s.Process(&d) == nil {
			texts = append(texts, d)
		}
	}
	return texts
}

// BenchmarkScan measures WARC bytes to rows, all stages, in bytes of HTML.
func BenchmarkScan(b *testing.B) {
	runner := buildRunner(b)
	for _, c := range corpora(b) {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("pages=%s/workers=%d", c.name, workers), func(b *testing.B) {
				runner.Workers = workers
				f := pipeline.File{Path: "bench.warc.gz", Dump: "BENCH", Bytes: int64(len(c.file))}
				measure(b, c.htmlBytes(), func() {
					_, err := runner.Scan(context.Background(), bytes.NewReader(c.file), f, func(pipeline.Result) error { return nil })
					if err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}
