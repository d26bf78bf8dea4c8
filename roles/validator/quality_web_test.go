package validator_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/recipes"
	"finest/pipeline/warc"
)

// webPages returns pages of real sites.
func webPages(t *testing.T, n int) []string {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA is not set: no pages to judge recipes by")
	}
	files, err := filepath.Glob(filepath.Join(dir, "web", "*.warc.gz"))
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		for r := warc.NewReader(file, 0, warc.Options{}); len(pages) < n; {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if page, ok := record.Page(warc.PageOptions{}); ok && page.Problem == "" && len(page.HTML) < 40_000 {
				pages = append(pages, page.HTML)
			}
		}
	}
	if len(pages) < n {
		t.Fatalf("%d pages, want %d", len(pages), n)
	}
	return pages
}

// TestRealRecipes: real stages on real pages. A recipe that only extracts is
// compared with the reference, which filters and joins duplicates, and with naive
// text, all of the same pages.
func TestRealRecipes(t *testing.T) {
	if testing.Short() {
		t.Skip("extracts pages by the dozen and trains models")
	}
	t.Parallel()
	const files, each, twice = 3, 24, 4 // of a file's pages so many are there twice
	pages := webPages(t, files*each)
	s := newSchool(t)
	s.Pages = each
	s.Page = func(path string, i int) string {
		file, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".warc.gz"))
		if err != nil {
			t.Fatal(err)
		}
		if i >= each-twice {
			i -= each - twice
		}
		return pages[file*each+i]
	}
	s.Runner = func(r contract.Recipe) (*pipeline.Runner, error) { return recipes.Build(r, "") }
	var err error
	if s.quality.Reference, err = recipes.Named(recipes.FineWebNoLists); err != nil {
		t.Fatal(err)
	}
	if s.quality.Naive, err = recipes.Named(recipes.Naive); err != nil {
		t.Fatal(err)
	}
	s.Protocol.ReferenceRecipe = recipes.FineWebNoLists
	of := s.quality.Reference.Stages
	plain := contract.Recipe{Name: "plain", PipelineVersion: pipeline.Version}
	for _, stage := range of {
		if stage.Name == pipeline.StageRead || stage.Name == extract.Name || stage.Name == "language" || stage.Name == "tokens" {
			plain.Stages = append(plain.Stages, stage)
		}
	}
	bert := s.Miner("//Bert")
	block := s.claim(bert, plain, files)
	s.judged(block)
	s.windowOver(block)
	s.once()
	got := s.judgement()
	var candidate, naive, reference int
	if _, err := fmt.Sscanf(got.Facts["documents"], "%d; naive %d, reference %d", &candidate, &naive, &reference); err != nil {
		t.Fatal(err)
	}
	if reference >= candidate || reference >= naive || got.Comparison == nil {
		t.Errorf("documents: %s", got.Facts["documents"])
	}
	if want := survivors(t, s, pages, files, each, twice); !slices.Contains(want, reference) {
		t.Errorf("the reference keeps %d pages, want %d, by which file is held out, with every page once", reference, want)
	}
	for _, a := range got.Comparison.Arms {
		if len(a.Runs) != 2 || a.Score <= 0 || a.Documents == 0 {
			t.Errorf("arm %s has %d runs and score %v", a.Role, len(a.Runs), a.Score)
		}
	}
}

// survivors returns how many different pages the reference keeps of all files but
// one, for each of them.
func survivors(t *testing.T, s *school, pages []string, files, each, twice int) []int {
	t.Helper()
	runner, err := s.Runner(s.quality.Reference)
	if err != nil {
		t.Fatal(err)
	}
	total, of := 0, make([]int, files)
	for f := range files {
		for i := range each - twice {
			if outcome, _, _, _ := runner.Process(&pipeline.Document{HTML: pages[f*each+i]}); outcome == contract.OutcomeKept {
				of[f]++
				total++
			}
		}
	}
	for f := range of {
		of[f] = total - of[f]
	}
	return of
}
