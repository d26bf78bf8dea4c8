package pipeline

import (
	"fmt"
	"strings"

	"finest/pipeline/warc"
)

// StageRead is the first stage of every recipe: taking the page out of its
// record. It is not a Stage, as there is no document before it.
const StageRead = "read"

// Parameters of StageRead.
const (
	paramMaxBlock = "max_block_bytes"
	paramMaxPage  = "max_page_bytes"
	paramMaxRatio = "max_ratio"
)

// ReadSpec returns the first stage of the recipes: a record's block is kept up
// to 64 MiB, a page up to 32 MiB after decoding and 200 times its stored size.
// Common Crawl cuts pages off at 1 MiB, 5 MiB since 2025, so only hostile pages
// meet these limits.
func ReadSpec() StageSpec {
	return StageSpec{
		Name: StageRead,
		Params: map[string]string{
			paramMaxBlock: fmt.Sprint(warc.DefaultMaxBlock),
			paramMaxPage:  fmt.Sprint(warc.DefaultMaxPageBytes),
			paramMaxRatio: fmt.Sprint(warc.DefaultMaxRatio),
		},
	}
}

// NewRunner returns a runner of recipe r, whose first stage is StageRead and
// whose other stages are the given ones, in order.
func NewRunner(r Recipe, stages []Stage) (*Runner, error) {
	if len(r.Stages) == 0 || r.Stages[0].Name != StageRead {
		return nil, fmt.Errorf("run recipe %s: its first stage is not %s", r.Name, StageRead)
	}
	if len(r.Stages) != len(stages)+1 {
		return nil, fmt.Errorf("run recipe %s: %d stages for the %d after %s", r.Name, len(stages), len(r.Stages)-1, StageRead)
	}
	for i, s := range stages {
		if want := r.Stages[i+1].Name; s.Name() != want {
			return nil, fmt.Errorf("run recipe %s: stage %s stands where %s should", r.Name, s.Name(), want)
		}
	}
	p := NewParams(r.Stages[0])
	runner := &Runner{
		Recipe:   r,
		Stages:   stages,
		MaxBlock: int64(p.Int(paramMaxBlock)),
		Page:     warc.PageOptions{MaxBytes: int64(p.Int(paramMaxPage)), MaxRatio: int64(p.Int(paramMaxRatio))},
	}
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("run recipe %s: %w", r.Name, err)
	}
	if runner.MaxBlock < 1 || runner.MaxBlock > 1<<30 || runner.Page.MaxBytes < 1 || runner.Page.MaxBytes > 1<<30 || runner.Page.MaxRatio < 1 {
		return nil, fmt.Errorf("run recipe %s: stage %s: limits must lie between 1 byte and 1 GiB", r.Name, StageRead)
	}
	return runner, nil
}

// FilePath returns the name of a WARC file as rows carry it: the canonical
// address for files of Common Crawl, wherever the bytes were read from, and the
// path itself for others.
func FilePath(path string) string {
	if strings.HasPrefix(path, "crawl-data/") {
		return commonCrawl + path
	}
	return path
}

// BasePath returns the path that FilePath was made of.
func BasePath(filePath string) string { return strings.TrimPrefix(filePath, commonCrawl) }

const commonCrawl = "s3://commoncrawl/"
