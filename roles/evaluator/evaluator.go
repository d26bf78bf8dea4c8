// Package evaluator compares datasets on disk by the models that they train, and
// reports what that shows; it calibrates tiers with a dataset in the same way.
package evaluator

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/lm/bpe"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/pipeline/shard/guard"
	"finest/roles/evaluator/dataset"
)

// Options say what is compared, and how.
type Options struct {
	// Candidate, Reference and Naive are files or folders with a dataset. A
	// calibration knows no reference; Naive may be empty.
	Candidate, Reference, Naive string
	// TextColumn is the column or field with the text, "text" if empty.
	TextColumn string
	// Guard reads Parquet files first; nil trusts them.
	Guard *guard.Guard

	Tier compare.Tier
	// Panel says what is held out, and PanelDir has its files.
	Panel    panel.Definition
	PanelDir string
	Trainer  lm.Trainer
	Seed     eval.Seed
	// Calibrations are looked for the tier's before the built-in ones.
	Calibrations []stats.Calibration
	// Runs are finished ones, which are not trained again.
	Runs *compare.Runs
	// Out is the folder for the report; empty for none.
	Out string

	// Command repeats this evaluation, Program is the version that it is made with.
	Command, Program string
	// Progress is called now and then; nil is never.
	Progress func(Progress)
	Log      zerolog.Logger
	Now      func() time.Time
	// PeakMemory returns the most bytes of memory held so far.
	PeakMemory func() int64
}

// PhaseCheck is before all phases of a comparison: Parquet files are read once in
// a process of their own.
const PhaseCheck compare.Phase = "check"

// Progress is where an evaluation stands.
type Progress struct {
	compare.Progress
	// File of Files is checked.
	File, Files int
}

// Evaluator is an evaluation that can begin: all it needs is there.
type Evaluator struct {
	o        Options
	arms     []*arm
	panel    *panel.Panel
	comparer *compare.Comparer
	notes    []string
	logged   [2]int // block and run
}

// arm is a dataset with its part.
type arm struct {
	role  compare.Role
	set   *dataset.Set
	stats dataset.Stats
}

// New looks for datasets, panel, tokenizer and calibration. Its errors are those
// of who asked; *panel.MissingError is among them.
func New(o Options) (*Evaluator, error) {
	e := &Evaluator{o: o}
	if err := o.Tier.Validate(); err != nil {
		return nil, err
	}
	for _, a := range []struct {
		role compare.Role
		path string
	}{{compare.Candidate, o.Candidate}, {compare.Reference, o.Reference}, {compare.Naive, o.Naive}} {
		if a.path == "" {
			continue
		}
		if err := e.open(a.role, a.path); err != nil {
			return nil, err
		}
	}
	var err error
	if e.panel, err = panel.Load(o.PanelDir, o.Panel); err != nil {
		return nil, err
	}
	tokenizer, err := bpe.Load(o.Tier.Vocab())
	if err != nil {
		return nil, err
	}
	calibration, err := e.calibration()
	if err != nil {
		return nil, err
	}
	e.comparer = &compare.Comparer{
		Tier: o.Tier, Panel: e.panel, Trainer: o.Trainer, Tokenizer: tokenizer, Runs: o.Runs, Calibration: calibration, Now: o.Now,
		Progress: e.compared,
	}
	return e, nil
}

func (e *Evaluator) open(role compare.Role, path string) error {
	set, err := dataset.Open(path, dataset.Options{TextColumn: e.o.TextColumn, Guard: e.o.Guard})
	if err != nil {
		return err
	}
	for _, other := range e.arms {
		if set.Same(other.set) {
			return fmt.Errorf("%s and %s are the same files: %s", other.role, role, path)
		}
	}
	if n := set.Others(); n > 0 {
		e.note("%s %s: its files of %s are read, and not the %d of other kinds", role, path, set.Kind(), n)
	}
	e.arms = append(e.arms, &arm{role: role, set: set})
	return nil
}

// calibration returns the tier's; none where most of the panel is of suites that it
// was made without. For fewer of them, such as one suite beside the public ones,
// package stats lets the largest deviation of the others stand in.
func (e *Evaluator) calibration() (stats.Calibration, error) {
	builtin, err := stats.Builtin()
	if err != nil {
		return stats.Calibration{}, err
	}
	own := len(e.o.Calibrations)
	c, found, err := e.o.Tier.Calibration(append(e.o.Calibrations[:own:own], builtin...))
	if err != nil || !found {
		return stats.Calibration{}, err
	}
	var without []string
	weight, total := 0, 0
	for _, s := range e.panel.Definition().Suites {
		total += s.Weight
		if _, known := c.Suites[s.Name]; !known {
			without, weight = append(without, s.Name), weight+s.Weight
		}
	}
	if len(without) == 0 {
		return c, nil
	}
	names := strings.Join(without, ", ")
	if 2*weight > total {
		e.note("the calibration of tier %s was made without %s: it says nothing about panel %s, most of which that is", c.Tier, names, e.panel.Definition().Name)
		return stats.Calibration{}, nil
	}
	e.note("the calibration of tier %s was made without %s: the largest deviation of its suites stands in", c.Tier, names)
	return c, nil
}

// note keeps a sentence for the report, and says it before anything is trained.
func (e *Evaluator) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	e.o.Log.Warn().Msg(text)
	e.notes = append(e.notes, strings.ToValidUTF8(text, "\uFFFD"))
}

// compared tells where a comparison stands, and logs every run once.
func (e *Evaluator) compared(p compare.Progress) {
	if at := [2]int{p.Block, p.Run}; p.Run > 0 && at != e.logged {
		e.logged = at
		line := e.o.Log.Debug().Int("run", p.Run).Int("of", p.Runs)
		if p.Blocks > 0 {
			line = line.Int("block", p.Block).Int("blocks", p.Blocks)
		}
		line.Int("finished_before", p.Cached).Str("dataset", p.Dataset).Msg("training on " + string(p.Role))
	}
	e.progress(Progress{Progress: p})
}

func (e *Evaluator) progress(p Progress) {
	if e.o.Progress != nil {
		e.o.Progress(p)
	}
}

// Evaluate compares candidate and reference. Where the report cannot be written
// it returns the report and an error.
func (e *Evaluator) Evaluate(ctx context.Context) (*Report, error) {
	begun := e.o.Now()
	if err := e.check(ctx); err != nil {
		return nil, err
	}
	var naive *compare.Input
	if len(e.arms) > 2 {
		in := e.input(2)
		naive = &in
	}
	c, err := e.comparer.Compare(ctx, e.o.Seed, e.input(0), e.input(1), naive)
	if err != nil {
		return nil, err
	}
	r := e.report(c)
	r.Seconds = e.o.Now().Sub(begun).Seconds()
	if e.o.Out == "" {
		return r, nil
	}
	return r, r.write(e.o.Out, e.o.Now())
}

// Calibrate measures the tier with the candidate as data.
func (e *Evaluator) Calibrate(ctx context.Context, plan compare.CalibrationPlan) (stats.Calibration, error) {
	if err := e.check(ctx); err != nil {
		return stats.Calibration{}, err
	}
	var naive *compare.Input
	if len(e.arms) > 1 {
		in := e.input(1)
		naive = &in
	}
	return e.comparer.Calibrate(ctx, e.o.Seed, e.input(0), naive, plan)
}

// check reads Parquet files in processes of their own.
func (e *Evaluator) check(ctx context.Context) error {
	for _, a := range e.arms {
		err := a.set.Check(ctx, func(file, files int) {
			e.progress(Progress{Progress: compare.Progress{Phase: PhaseCheck, Role: a.role, Dataset: a.set.Path()}, File: file, Files: files})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// input is a dataset as it is compared. What its last reading counted is kept.
func (e *Evaluator) input(i int) compare.Input {
	a := e.arms[i]
	return compare.Input{Name: strings.ToValidUTF8(a.set.Path(), "\uFFFD"), Documents: func(ctx context.Context) iter.Seq2[compare.Document, error] {
		return a.set.Read(ctx, &a.stats)
	}}
}
