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
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/shard"
)

const runFile = "run.json"

// place is where a document stands in the task.
type place struct {
	file   int32
	offset int64
}

// clustering is the fate of the documents with band keys, in order.
type clustering struct {
	places  []place
	keepers []uint32
}

// finish clusters the task and writes everything.
func (j *job) finish(ctx context.Context) (*Report, error) {
	j.report(PhaseCluster, 0, 0)
	c, err := j.cluster(ctx)
	if err != nil {
		return nil, err
	}
	j.report(PhaseWrite, 0, 0)
	r := &Report{Manifest: contract.Manifest{
		Version: contract.ManifestVersion, PipelineVersion: pipeline.Version, Task: j.Task, Dump: j.dump(), Recipe: j.Runner.Recipe,
	}}
	r.Damage, r.Skipped, r.StageSeconds = make(map[string]int64), make(map[string]int64), make(map[string]float64)
	for i, s := range j.finished {
		r.add(j.Inputs[i], s)
	}
	f := fates{counts: make(map[contract.Count]int64)}
	ledgers, ledgerRoot, err := shard.WriteLedger(j.OutDir, j.prefix("ledger", r.Manifest.Dump), f.decide(j.ledger(ctx), c, r.Files))
	if err != nil {
		return nil, err
	}
	shards, rowsRoot, err := shard.WriteRows(j.OutDir, j.prefix("data", r.Manifest.Dump), f.keep(j.rows(ctx), r))
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

func (j *job) cluster(ctx context.Context) (clustering, error) {
	var c clustering
	clusterer := minhash.NewClusterer(keysort.Options{Dir: j.WorkDir})
	defer func() { _ = clusterer.Close() }()
	for row, err := range j.ledger(ctx) {
		if err != nil {
			return c, err
		}
		if len(row.BandKeys) > 0 {
			if err := clusterer.Add(row.BandKeys); err != nil {
				return c, err
			}
			c.places = append(c.places, place{row.File, row.Offset})
		}
	}
	var err error
	c.keepers, err = clusterer.Keepers(ctx)
	return c, err
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

// fates is what the clustering made of the documents.
type fates struct {
	// kept says of every document that survived, in order, whether it is kept.
	kept   []bool
	counts map[contract.Count]int64 // keys have no Rows
}

// decide yields the final ledger rows.
func (f *fates) decide(rows iter.Seq2[contract.LedgerRow, error], c clustering, files []FileReport) iter.Seq2[contract.LedgerRow, error] {
	return func(yield func(contract.LedgerRow, error) bool) {
		signed := 0
		for row, err := range rows {
			if err == nil && len(row.BandKeys) > 0 {
				if keeper := c.keepers[signed]; int(keeper) != signed {
					row.Outcome, row.Reason, row.Value = contract.OutcomeMinHash, contract.ReasonDuplicate, 0
					row.KeptFile, row.KeptOffset = c.places[keeper].file, c.places[keeper].offset
				}
				signed++
			}
			if err == nil {
				f.counts[contract.Count{Outcome: row.Outcome, Reason: row.Reason}]++
				if row.ReachedMinHash() {
					f.kept = append(f.kept, row.Outcome == contract.OutcomeKept)
				}
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
func (f *fates) keep(rows iter.Seq2[contract.Row, error], r *Report) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		survived := 0
		for row, err := range rows {
			if err == nil && survived == len(f.kept) {
				err = errors.New("more documents than the ledger has")
			}
			if err != nil {
				yield(contract.Row{}, err)
				return
			}
			survived++
			if !f.kept[survived-1] {
				continue
			}
			row.Dump = r.Manifest.Dump
			r.TextBytes += int64(len(row.Text))
			if !yield(row, nil) {
				return
			}
		}
		if survived < len(f.kept) {
			yield(contract.Row{}, fmt.Errorf("%d documents, the ledger has %d", survived, len(f.kept)))
		}
	}
}

func (f *fates) sorted() []contract.Count {
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
