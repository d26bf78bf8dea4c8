// Package refiner runs the pipeline as a job: WARC files in, shards, ledger and
// the body of a manifest out. A killed job resumes without redoing a finished
// file, and the files it writes depend on the inputs and the recipe alone.
package refiner

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"finest/internal/contract"
	"finest/internal/durable"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/pipeline/recipes"
)

// Input is one WARC file to refine.
type Input struct {
	// Base and Path say where it is read from; Path is also its name in the
	// manifest and, as pipeline.FilePath makes it, in rows.
	Base polite.Base
	Path string
	// Bytes is the size it must have; 0 if any will do.
	Bytes int64
}

// Options describe a job.
type Options struct {
	Inputs []Input
	Runner *pipeline.Runner
	// Dump is the dump of all rows; if empty, what the first warcinfo record
	// that says so calls the crawl, else "local".
	Dump string
	// Task is the task's id, contract.LocalTask if empty.
	Task string
	// Leased asks for the rules of files behind a receipt; see pipeline.File.
	Leased bool
	// OutDir receives data/, ledger/ and run.json. WorkDir holds downloads and
	// intermediate results; OutDir/.work if empty. It stays after Refine, so
	// that a job whose result was not yet made durable resumes at its end; the
	// caller removes it then.
	OutDir, WorkDir string
	// KeyBudget is the number of bytes of memory for the keys by which documents
	// are compared, keysort.DefaultBudget if 0; those beyond it are sorted on
	// disk, in WorkDir. No result depends on it.
	KeyBudget int64
	// Progress is called from one goroutine, often.
	Progress func(Progress)
	// Finished is told of each ledger file, then of each shard, as soon as it
	// stands under OutDir, and may be nil; writing waits until it returns. A
	// document is compared with all others of its task before the first of them.
	Finished func(contract.OutputFile)
	Log      zerolog.Logger
	// Now is the clock of run.json and the report; time.Now if nil.
	Now func() time.Time
}

// Phases of a job.
const (
	PhaseDownload = "download"
	PhaseScan     = "scan"
	PhaseCluster  = "cluster"
	PhaseRevise   = "revise"
	PhaseWrite    = "write"
)

// Progress says how far a job is.
type Progress struct {
	Phase string
	// File is the number of the present file of Files, from 0.
	File, Files int
	Path        string
	// Bytes of BytesTotal are done: of this file in PhaseDownload, else of all
	// files. BytesTotal is 0 if a size is unknown.
	Bytes, BytesTotal int64
	// Pages were read so far, Kept survived every stage before clustering.
	Pages, Kept int64
}

// FileReport is what was found in one file.
type FileReport struct {
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"`
	Records int64  `json:"records"`
	Pages   int64  `json:"pages"`
	// Kept documents remain after clustering.
	Kept int64 `json:"kept"`
	// Damage and Skipped count by cause; see pipeline.FileStats.
	Damage  map[string]int64 `json:"damage"`
	Skipped map[string]int64 `json:"skipped"`
	// Resumed says that an earlier run had done the file.
	Resumed bool    `json:"resumed"`
	Seconds float64 `json:"seconds"`
}

// Report is the result of a job.
type Report struct {
	// Manifest has neither receipt nor hotkey nor signature.
	Manifest contract.Manifest
	// Damage and Skipped are the sums over all files.
	Damage, Skipped map[string]int64
	Files           []FileReport
	// TextBytes is the size of all kept texts, Tokens the sum of their counts,
	// Languages how many documents there are by language.
	TextBytes, Tokens int64
	Languages         map[string]int64
	Elapsed           time.Duration
	// StageSeconds is what the workers spent per stage, without resumed files.
	StageSeconds map[string]float64
}

// Refine runs the job. It writes data/, ledger/ and run.json under OutDir; the
// caller writes the manifest.
//
// Beside what Runner.Scan takes, it holds the band keys of the documents that
// survived (224 bytes each, up to KeyBudget), 25 bytes more for each of them, and
// one row group of each file it writes (32 MiB, or one document).
func Refine(ctx context.Context, o Options) (*Report, error) {
	j, err := newJob(o)
	if err != nil {
		return nil, fmt.Errorf("refine: %w", err)
	}
	defer j.close()
	for i := range j.Inputs {
		if err := j.refineFile(ctx, i); err != nil {
			return nil, fmt.Errorf("refine %s: %w", j.Inputs[i].Path, err)
		}
	}
	report, err := j.finish(ctx)
	if err != nil {
		return nil, fmt.Errorf("refine: %w", err)
	}
	return report, nil
}

// job is one run of Refine.
type job struct {
	Options
	passes   []*pipeline.Runner // of the recipe
	start    time.Time
	lock     *durable.Lock
	journal  *durable.Journal
	finished []*scanned // by file; nil where still to do
	stages   map[string]time.Duration
	progress Progress
}

func newJob(o Options) (*job, error) {
	if o.Task == "" {
		o.Task = contract.LocalTask
	}
	if o.WorkDir == "" {
		o.WorkDir = filepath.Join(o.OutDir, ".work")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	switch {
	case len(o.Inputs) == 0:
		return nil, errors.New("no WARC files")
	case len(o.Inputs) > contract.MaxInputs:
		return nil, fmt.Errorf("%d WARC files; a manifest has room for %d", len(o.Inputs), contract.MaxInputs)
	case o.Dump != "" && !contract.ValidCrawl(o.Dump):
		return nil, fmt.Errorf("%q is no name of a dump", o.Dump)
	}
	if o.Leased {
		if err := recipes.Checkable(o.Runner.Recipe); err != nil {
			return nil, err
		}
	}
	seen := make(map[string]bool)
	j := &job{
		Options: o, start: o.Now(), finished: make([]*scanned, len(o.Inputs)),
		stages: make(map[string]time.Duration), progress: Progress{Files: len(o.Inputs)},
	}
	for _, in := range o.Inputs {
		if seen[in.Path] {
			return nil, fmt.Errorf("two inputs are named %s", in.Path)
		}
		if !contract.ValidInputPath(in.Path) {
			return nil, fmt.Errorf("a manifest cannot name the file %.120q: longer than 1024 bytes, or not UTF-8", in.Path)
		}
		seen[in.Path] = true
		j.progress.BytesTotal += in.Bytes
	}
	for _, in := range o.Inputs {
		if in.Bytes == 0 {
			j.progress.BytesTotal = 0
		}
	}
	runner := *o.Runner
	if runner.Now == nil {
		runner.Now = o.Now
	}
	j.Runner, j.passes = &runner, runner.Passes()
	if err := j.openJournal(); err != nil {
		return nil, err
	}
	return j, nil
}

func (j *job) close() {
	_ = j.journal.Close()
	_ = j.lock.Unlock()
}
