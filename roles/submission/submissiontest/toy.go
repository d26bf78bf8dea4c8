package submissiontest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/minhash"
	"finest/pipeline/shard"
	"finest/pipeline/words"
)

const (
	toyName = "toy"
	// Pages is the number of pages of a task, all of which are kept, where a test
	// does not set another.
	Pages = 12
)

// toy is a stage as cheap as a stage can be: it keeps every page.
type toy struct {
	// keep is the element whose text is taken; empty for all text.
	keep string
}

func (toy) Name() string { return toyName }

func (s toy) Process(d *pipeline.Document) *pipeline.Drop {
	text := d.HTML
	if s.keep != "" {
		_, text, _ = strings.Cut(text, "<"+s.keep+">")
		text, _, _ = strings.Cut(text, "</"+s.keep+">")
	}
	d.Text, d.HTML = tags.Replace(text), ""
	d.Language, d.LanguageScore, d.TokenCount = "en", 0.75, int64(len(d.Text))
	return nil
}

var tags = strings.NewReplacer("<p>", "", "</p>", "\n", "<nav>", "", "</nav>", "\n")

// ToyRecipe is the recipe of tasks; its quality is 1. It keeps the text of the p
// element.
func ToyRecipe() contract.Recipe { return Variant(toyName, "p") }

// Variant is the toy recipe under another name, which takes the text of another
// element, or all text where keep is empty.
func Variant(name, keep string) contract.Recipe {
	return contract.Recipe{Name: name, PipelineVersion: pipeline.Version, Stages: []contract.StageSpec{
		pipeline.ReadSpec(), {Name: toyName, Params: map[string]string{paramKeep: keep}, Assets: []contract.Asset{}},
	}}
}

const paramKeep = "keep"

// Clustered is a variant whose rows are compared with each other, too.
func Clustered(r contract.Recipe) contract.Recipe {
	r.Stages = append(slices.Clone(r.Stages), minhash.Spec())
	return r
}

// Runner returns the toy recipe at work, under whatever name; in the place of a
// recipe that is no variant of it, the one that keeps the p element.
func Runner(r contract.Recipe) (*pipeline.Runner, error) {
	isToy := len(r.Stages) == 2 && r.Stages[1].Name == toyName
	isClustered := len(r.Stages) == 3 && r.Stages[1].Name == toyName && r.Stages[2].Name == minhash.Spec().Name
	if !isToy && !isClustered {
		r = ToyRecipe()
	}
	stages := []pipeline.Stage{toy{keep: r.Stages[1].Params[paramKeep]}}
	if isClustered {
		clusters, err := minhash.New(r.Stages[2], words.NLTK())
		if err != nil {
			return nil, err
		}
		stages = append(stages, clusters)
	}
	runner, err := pipeline.NewRunner(r, stages)
	if err != nil {
		return nil, err
	}
	runner.Workers = 1
	return runner, nil
}

// page is the body of page i of a file, where a test does not say another.
func page(path string, i int) string {
	return fmt.Sprintf("<p>Page %d of %s says: 1 < 2 & so on.</p>", i, path)
}

// warcFile returns a WARC file of small pages.
func warcFile(t testing.TB, path string, pages int, page func(path string, i int) string) []byte {
	t.Helper()
	var out bytes.Buffer
	for i := range pages {
		body := page(path, i)
		response := "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
		z := gzip.NewWriter(&out)
		fmt.Fprintf(z, "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:%s:%d>\r\nWARC-Target-URI: http://x.test/%s?page=%d&lang=en\r\n"+
			"WARC-Date: 2026-11-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
			path, i, path, i, len(response), response)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// Work is what a miner made of a receipt, before it is written down.
type Work struct {
	Receipt contract.Receipt
	Ledger  []contract.LedgerRow
	Rows    []contract.Row
	// Recipe is the one that the manifest states.
	Recipe contract.Recipe
}

// Refine does the work of a receipt honestly, but for duplicates, which stay.
func (w *World) Refine(r contract.Receipt) Work {
	w.T.Helper()
	work := Work{Receipt: r, Recipe: w.Recipe}
	runner, err := w.Runner(w.Recipe)
	w.must(err)
	for i, f := range r.Files {
		file := pipeline.File{Number: int32(i), Path: pipeline.FilePath(f.Path), Dump: r.Crawl, Bytes: f.Bytes, Leased: true}
		_, err := runner.Scan(context.Background(), bytes.NewReader(w.WARC.data[f.Path]), file, func(r pipeline.Result) error {
			work.Ledger = append(work.Ledger, r.Ledger)
			if r.Row != nil {
				work.Rows = append(work.Rows, *r.Row)
			}
			return nil
		})
		w.must(err)
	}
	return work
}

// write writes the Parquet files of some work under dir and returns the
// manifest, not yet signed.
func (w *World) write(dir string, work Work) contract.Manifest {
	w.T.Helper()
	r := work.Receipt
	shards, rowsRoot, err := shard.WriteRows(dir, "data/"+r.Crawl+"/"+r.Task, sequence(work.Rows), nil)
	w.must(err)
	ledgers, ledgerRoot, err := shard.WriteLedger(dir, "ledger/"+r.Crawl+"/"+r.Task, sequence(work.Ledger), nil)
	w.must(err)
	m := contract.Manifest{
		Version: contract.ManifestVersion, PipelineVersion: pipeline.Version, Task: r.Task, Dump: r.Crawl, Recipe: work.Recipe,
		Receipt: &r, Files: slices.Concat(shards, ledgers), RowsRoot: rowsRoot.String(), LedgerRoot: ledgerRoot.String(), Hotkey: r.Hotkey,
		Counts: counts(work.Ledger),
	}
	for i, f := range r.Files {
		in := contract.Input{Path: f.Path, Bytes: f.Bytes, SHA256: strings.Repeat("0", 64)}
		for _, row := range work.Ledger {
			if row.File == int32(i) {
				in.Pages++
				in.Records++
			}
		}
		m.Inputs = append(m.Inputs, in)
	}
	return m
}

func counts(ledger []contract.LedgerRow) []contract.Count {
	n := make(map[contract.Count]int64)
	for _, row := range ledger {
		n[contract.Count{Outcome: row.Outcome, Reason: row.Reason}]++
	}
	var out []contract.Count
	for c, rows := range n {
		c.Rows = rows
		out = append(out, c)
	}
	slices.SortFunc(out, contract.Count.Compare)
	return out
}

func sequence[R any](rows []R) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}
