package validator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"finest/eval"
	"finest/eval/audit"
	"finest/eval/compare"
	"finest/eval/panel"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/pipeline"
	"finest/roles/submission"
)

// drawn is what a comparison trains on and scores with.
type drawn struct {
	Facts                       drawnFacts
	candidate, reference, naive compare.Documents
	crawl                       []panel.Unit
}

// drawnFacts say what was drawn; written last, the file of them says that all of
// it is there.
type drawnFacts struct {
	Tasks int `json:"tasks"`
	// Bytes of WARC files that were compared.
	Bytes     int64    `json:"bytes"`
	Candidate armFacts `json:"candidate"`
	Reference armFacts `json:"reference"`
	Naive     armFacts `json:"naive"`
	HeldOut   int      `json:"held_out"`
}

// Names of the files of one comparison.
const (
	drawnFile     = "drawn.json"
	candidateFile = "candidate.jsonl.zst"
	referenceFile = "reference.jsonl.zst"
	naiveFile     = "naive.jsonl.zst"
	crawlFile     = "crawl.jsonl.zst"
)

// draw writes what a comparison needs to a folder, unless it is there: the rows
// published of drawn bytes, what reference and naive recipe make of these, and
// pages of other files that the models are scored on. What it returns may be
// frauds or an *abstention.
func (v *Validator) draw(ctx context.Context, c *comparison, dir string) (*drawn, error) {
	if d, err := readDrawn(ctx, dir); err == nil {
		return d, nil
	} else if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	} // not finished, or damaged
	if err := v.clearWork(); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	pool, err := v.open(ctx, c, c.pool, purposeBytes, limits{tasks: maxTasks, bytes: drawFrom * wantedBytes(v.o.Quality.Tier)}, contract.Manifest.Shards)
	if err != nil {
		return nil, err
	}
	others, err := v.open(ctx, c, c.others, purposeHeldOut, limits{tasks: heldOutTasks, bytes: drawFrom * heldOutBytes})
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	compared := sourcesOf(pool, seen)
	tasks, heldOut := others, sourcesOf(others, seen)
	if len(heldOut) == 0 {
		if len(compared) < 2 {
			return nil, abstainf("the window has %d WARC files that could be read, and one of them has to be held out", len(compared))
		}
		tasks = pool
		heldOut, compared = setAside(compared, c.seed(purposeHeldOut))
	}
	var facts drawnFacts
	if facts.HeldOut, err = v.drawHeldOut(ctx, tasks, shuffle(heldOut, v.o.Protocol.Slice, c.seed(purposeHeldOut)), filepath.Join(dir, crawlFile)); err != nil {
		return nil, err
	}
	if err := v.drawArms(ctx, pool, shuffle(compared, v.o.Protocol.Slice, c.seed(purposeBytes)), dir, &facts); err != nil {
		return nil, err
	}
	if least := int64(leastBytes * float64(v.o.Quality.Tier.Spec.Tokens)); facts.Reference.Bytes < least {
		return nil, abstainf("the reference recipe keeps %d bytes of text of the %d bytes of WARC that were drawn, and tier %s needs %d",
			facts.Reference.Bytes, facts.Bytes, v.o.Quality.Tier.Name, least)
	}
	raw, err := json.Marshal(facts)
	if err != nil {
		return nil, err
	}
	if err := durable.WriteBytes(filepath.Join(dir, drawnFile), 0o600, raw); err != nil {
		return nil, err
	}
	return readDrawn(ctx, dir)
}

// readDrawn returns what draw wrote; it is an error if it did not finish.
func readDrawn(ctx context.Context, dir string) (*drawn, error) {
	raw, err := os.ReadFile(filepath.Join(dir, drawnFile))
	if err != nil {
		return nil, err
	}
	d := &drawn{
		candidate: documents(filepath.Join(dir, candidateFile)),
		reference: documents(filepath.Join(dir, referenceFile)),
		naive:     documents(filepath.Join(dir, naiveFile)),
	}
	if err := json.Unmarshal(raw, &d.Facts); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, drawnFile), err)
	}
	for page, err := range readArm(ctx, filepath.Join(dir, crawlFile)) {
		if err != nil {
			return nil, err
		}
		d.crawl = append(d.crawl, panel.Unit{ID: page.Key, URL: page.URL, Text: page.Text})
	}
	return d, nil
}

// clearWork removes what earlier comparisons left: those that were killed and are
// not made again, or not finished.
func (v *Validator) clearWork() error {
	if err := os.RemoveAll(filepath.Join(v.qualityDir(), "work")); err != nil {
		return fmt.Errorf("remove what an earlier comparison drew: %w", err)
	}
	return nil
}

// limits bound how many tasks are opened.
type limits struct {
	tasks int
	bytes int64
}

// open opens the first tasks in the order of a seed: their manifests, ledgers, and
// what else of their files is needed. One that cannot be read is waited for as
// long as a verdict may stay undecided, and then left out.
func (v *Validator) open(ctx context.Context, c *comparison, cases []submission.Case, purpose string, most limits, needed ...func(contract.Manifest) []contract.OutputFile) ([]task, error) {
	var out []task
	var bytes int64
	for _, target := range shuffleCases(cases, c.seed(purpose)) {
		if len(out) == most.tasks || bytes >= most.bytes {
			break
		}
		t, err := v.openTask(ctx, target, append(needed, contract.Manifest.Ledgers))
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && c.patient:
			return nil, fmt.Errorf("read task %s of %s: %w", target.Line.Task, target.Address(), err)
		case err != nil:
			continue
		}
		out = append(out, t)
		bytes += t.Manifest.Receipt.Bytes()
	}
	return out, nil
}

func (v *Validator) openTask(ctx context.Context, target submission.Case, needed []func(contract.Manifest) []contract.OutputFile) (task, error) {
	s, files, err := v.resolver.Content(ctx, target)
	if err != nil {
		return task{}, err
	}
	for _, list := range needed {
		for _, f := range list(s.Manifest) {
			file, err := files.Open(ctx, f.Path)
			if err == nil {
				err = file.Close()
			}
			if err != nil {
				return task{}, err
			}
		}
	}
	return task{caseKey{target.Address(), target.Line.Task, target.Line.Generation}, s, files}, nil
}

// drawHeldOut writes the pages that the reference recipe keeps of pieces, in
// order, until there are enough of them.
func (v *Validator) drawHeldOut(ctx context.Context, tasks []task, pieces []cut, path string) (pages int, err error) {
	runner, err := v.o.Runner(v.o.Quality.Reference)
	if err != nil {
		return 0, eval.Blame(eval.FaultOwn, err)
	}
	out, err := createArm(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	made := runners{build: v.o.Runner, made: make(map[string]*pipeline.Runner)}
	// Twice as many as are scored, so that a seed has a choice of hosts.
	wanted, bytes := int64(2*v.o.Quality.Pages), int64(0)
	for _, p := range pieces {
		if out.written.Documents >= wanted || bytes >= heldOutBytes {
			break
		}
		bytes += p.To - p.From
		t := tasks[p.task]
		parts, err := audit.Locate(ctx, t.Submission, t.files, []audit.Cut{p.Cut})
		if err != nil {
			return 0, err
		}
		ranges := &lastRange{Ranges: v.o.Crawl}
		found, err := made.audit(ctx, t, parts, 0, ranges)
		switch {
		case err != nil:
			return 0, err
		case len(found) > 0:
			return 0, found
		case !parts.Whole(0):
			continue
		}
		stretch, err := parts.Fetch(ctx, 0, ranges)
		if err != nil {
			return 0, err
		}
		err = stretch.Scan(ctx, runner, func(r pipeline.Result) error {
			if r.Row == nil || out.written.Documents >= wanted {
				return nil
			}
			return out.add(documentOf(*r.Row))
		})
		if err != nil {
			return 0, err
		}
	}
	if out.written.Documents < leastHeldOut {
		return 0, abstainf("the reference recipe keeps %d pages of the WARC files that are held out, and %d are needed", out.written.Documents, leastHeldOut)
	}
	return int(out.written.Documents), nil
}

// documentOf returns a row as a document; its key is where its record lies.
func documentOf(r contract.Row) document {
	return document{Key: fmt.Sprintf("%s@%d", r.FilePath, r.WARCOffset), URL: r.URL, Text: r.Text}
}
