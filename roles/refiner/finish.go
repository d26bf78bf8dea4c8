package refiner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"runtime/debug"
	"slices"

	"finest/internal/contract"
	"finest/internal/durable"
	"finest/pipeline"
	"finest/pipeline/shard"
)

const runFile = "run.json"

// finish compares the documents of the task, runs what passes of the recipe are
// left, and writes everything.
func (j *job) finish(ctx context.Context) (*Report, error) {
	spills := make([]spill, len(j.finished))
	for i, s := range j.finished {
		spills[i] = s.spill
	}
	j.report(PhaseCluster, 0, 0)
	v, err := j.compare(ctx, j.passes[0], spills)
	if err != nil {
		return nil, err
	}
	for i, pass := range j.passes[1:] {
		if spills, err = j.revise(ctx, i+2, pass, v, spills); err != nil {
			return nil, err
		}
		j.report(PhaseCluster, 0, 0)
		if v, err = j.compare(ctx, pass, spills); err != nil {
			return nil, err
		}
	}
	j.report(PhaseWrite, 0, 0)
	r := &Report{Manifest: contract.Manifest{
		Version: contract.ManifestVersion, PipelineVersion: pipeline.Version, Task: j.Task, Dump: j.dump(), Recipe: j.Runner.Recipe,
	}}
	r.Damage, r.Skipped, r.StageSeconds = make(map[string]int64), make(map[string]int64), make(map[string]float64)
	r.Languages = make(map[string]int64)
	for i, s := range j.finished {
		r.add(j.Inputs[i], s)
	}
	f := funnel{verdicts: v, counts: make(map[contract.Count]int64)}
	ledgers, ledgerRoot, err := shard.WriteLedger(j.OutDir, j.prefix("ledger", r.Manifest.Dump), f.decide(j.ledger(ctx, spills), r.Files), j.Finished)
	if err != nil {
		return nil, err
	}
	shards, rowsRoot, err := shard.WriteRows(j.OutDir, j.prefix("data", r.Manifest.Dump), f.keep(j.rows(ctx, spills), r), j.Finished)
	if err != nil {
		return nil, err
	}
	r.Manifest.Files = slices.Concat(shards, ledgers)
	r.Manifest.RowsRoot, r.Manifest.LedgerRoot = rowsRoot.String(), ledgerRoot.String()
	r.Manifest.Counts = f.sorted()
	for name, t := range j.stages {
		r.StageSeconds[name] = t.Seconds()
	}
	r.Elapsed = j.Now().Sub(j.start)
	if err := r.Manifest.Validate(); err != nil {
		return nil, err
	}
	return r, j.writeRun(r)
}

func (j *job) prefix(folder, dump string) string { return folder + "/" + dump + "/" + j.Task }

// dump is the task's dump: as asked for, else as the first warcinfo record that
// says so calls the crawl.
func (j *job) dump() string {
	if j.Dump != "" {
		return j.Dump
	}
	for _, s := range j.finished {
		if contract.ValidCrawl(s.IsPartOf) {
			return s.IsPartOf
		}
	}
	return contract.LocalTask
}

// add takes the report of a file.
func (r *Report) add(in Input, s *scanned) {
	r.Manifest.Inputs = append(r.Manifest.Inputs, contract.Input{
		Path: in.Path, Bytes: s.Bytes, SHA256: s.SHA256, Records: s.Records, Pages: s.Pages,
	})
	r.Files = append(r.Files, FileReport{
		Path: in.Path, Bytes: s.Bytes, Records: s.Records, Pages: s.Pages,
		Damage: s.Damage, Skipped: s.Skipped, Resumed: s.resumed, Seconds: s.Seconds,
	})
	for cause, n := range s.Damage {
		r.Damage[cause] += n
	}
	for cause, n := range s.Skipped {
		r.Skipped[cause] += n
	}
}

// funnel counts what became of the pages.
type funnel struct {
	*verdicts
	counts map[contract.Count]int64 // keys have no Rows
}

// decide yields the final ledger rows.
func (f *funnel) decide(rows iter.Seq2[contract.LedgerRow, error], files []FileReport) iter.Seq2[contract.LedgerRow, error] {
	return func(yield func(contract.LedgerRow, error) bool) {
		document := 0
		for row, err := range rows {
			if err == nil {
				if survived(row) {
					row = f.apply(row, document)
					document++
				}
				f.counts[contract.Count{Outcome: row.Outcome, Reason: row.Reason}]++
				if row.Outcome == contract.OutcomeKept {
					files[row.File].Kept++
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// keep yields the rows of documents that are kept.
func (f *funnel) keep(rows iter.Seq2[contract.Row, error], r *Report) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		document := 0
		for row, err := range rows {
			if err == nil && document == len(f.places) {
				err = errors.New("more documents than the ledger has")
			}
			if err != nil {
				yield(contract.Row{}, err)
				return
			}
			document++
			if !f.kept(document - 1) {
				continue
			}
			row.Dump = r.Manifest.Dump
			r.TextBytes += int64(len(row.Text))
			r.Tokens += row.TokenCount
			r.Languages[row.Language]++
			if !yield(row, nil) {
				return
			}
		}
		if document < len(f.places) {
			yield(contract.Row{}, fmt.Errorf("%d documents, the ledger has %d", document, len(f.places)))
		}
	}
}

func (f *funnel) sorted() []contract.Count {
	counts := make([]contract.Count, 0, len(f.counts))
	for c, n := range f.counts {
		c.Rows = n
		counts = append(counts, c)
	}
	slices.SortFunc(counts, contract.Count.Compare)
	return counts
}

// run is the form of run.json: what may differ between two runs of a job.
type run struct {
	Seconds      float64            `json:"seconds"`
	Workers      int                `json:"workers"`
	Program      string             `json:"program"`
	TextBytes    int64              `json:"text_bytes"`
	StageSeconds map[string]float64 `json:"stage_seconds"`
	Files        []FileReport       `json:"files"`
}

func (j *job) writeRun(r *Report) error {
	program := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		program = info.Main.Path + " " + info.Main.Version + " " + info.GoVersion
	}
	return durable.WriteFile(filepath.Join(j.OutDir, runFile), 0o644, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(run{r.Elapsed.Seconds(), j.Runner.Workers, program, r.TextBytes, r.StageSeconds, r.Files})
	})
}
