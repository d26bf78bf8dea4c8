package validator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
)

// drawArms writes the three arms of a comparison, of the first pieces that have
// enough bytes. All three are of the same pages, task by task: duplicates are
// looked for within what was drawn of a task, and a page that the candidate lost
// to one outside of that is left out of the others, too.
func (v *Validator) drawArms(ctx context.Context, pool []task, pieces []cut, dir string, facts *drawnFacts) (err error) {
	a := arms{Validator: v, dir: dir, runners: runners{build: v.o.Runner, made: make(map[string]*pipeline.Runner)}}
	defer func() { err = errors.Join(err, a.close()) }()
	if a.candidate, err = createArm(filepath.Join(dir, candidateFile)); err != nil {
		return err
	}
	if a.reference, err = a.anchor(v.o.Quality.Reference, referenceFile); err != nil {
		return err
	}
	if a.naive, err = a.anchor(v.o.Quality.Naive, naiveFile); err != nil {
		return err
	}
	taken, bytes := take(pieces, wantedBytes(v.o.Quality.Tier))
	facts.Bytes = bytes
	for len(taken) > 0 {
		n := slices.IndexFunc(taken, func(c cut) bool { return c.task != taken[0].task })
		if n < 0 {
			n = len(taken)
		}
		if err := a.add(ctx, pool[taken[0].task], taken[:n]); err != nil {
			return err
		}
		facts.Tasks++
		taken = taken[n:]
	}
	if len(a.frauds) > 0 {
		return a.frauds
	}
	if facts.Reference, err = a.reference.finish(ctx); err != nil {
		return err
	}
	if facts.Naive, err = a.naive.finish(ctx); err != nil {
		return err
	}
	facts.Candidate = a.candidate.written
	return nil
}

// arms are the arms of a comparison while they are written.
type arms struct {
	*Validator
	runners
	dir              string
	candidate        *armWriter
	reference, naive *anchor
	// frauds were met, so that these arms will not be used: what follows is only
	// audited.
	frauds frauds
}

func (a *arms) close() error {
	var errs []error
	for _, w := range []*anchor{a.reference, a.naive} {
		if w != nil {
			errs = append(errs, w.close())
		}
	}
	if a.candidate != nil {
		errs = append(errs, a.candidate.close())
	}
	return errors.Join(errs...)
}

// add takes the pieces of one task, whose clusters have to be right: a page that is
// called a duplicate is not published, whatever it is.
func (a *arms) add(ctx context.Context, t task, pieces []cut) error {
	check, err := audit.Clusters(ctx, t.Submission, t.files)
	found, err := convictions(t, check, err)
	if err != nil {
		return err
	}
	a.frauds = append(a.frauds, found...)
	var cuts []audit.Cut
	for _, p := range pieces {
		cuts = append(cuts, p.Cut)
	}
	parts, err := audit.Locate(ctx, t.Submission, t.files, cuts)
	if err != nil {
		return err
	}
	for i := range parts.List {
		ranges := &lastRange{Ranges: a.o.Crawl}
		found, err := a.audit(ctx, t, parts, i, ranges)
		if err != nil {
			return err
		}
		a.frauds = append(a.frauds, found...)
		if len(a.frauds) > 0 || !parts.Whole(i) {
			continue
		}
		if err := a.take(ctx, parts, i, ranges); err != nil {
			return err
		}
	}
	return errors.Join(a.reference.endTask(ctx), a.naive.endTask(ctx))
}

// take writes what is published of a part, and what the anchors make of it.
func (a *arms) take(ctx context.Context, parts *audit.Parts, i int, ranges audit.Ranges) error {
	for row, err := range parts.Published(ctx, i) {
		if err == nil {
			err = a.candidate.add(documentOf(row))
		}
		if err != nil {
			return err
		}
	}
	stretch, err := parts.Fetch(ctx, i, ranges)
	if err != nil {
		return err
	}
	for _, w := range []*anchor{a.reference, a.naive} {
		if err := w.scan(ctx, stretch, parts.Elsewhere); err != nil {
			return err
		}
	}
	return nil
}

// runners are the recipes of tasks at work, each made once.
type runners struct {
	build func(contract.Recipe) (*pipeline.Runner, error)
	made  map[string]*pipeline.Runner // by hash
}

func (r runners) of(t task) (*pipeline.Runner, error) {
	hash := t.Manifest.Receipt.Recipe.Hash
	if made := r.made[hash]; made != nil {
		return made, nil
	}
	runner, err := r.build(t.Manifest.Recipe)
	if err != nil {
		return nil, eval.Blame(eval.FaultOwn, err)
	}
	r.made[hash] = runner
	return runner, nil
}

// audit checks that what is about to be used is what the task's recipe makes of the
// bytes: rows that were made better would make the recipe look so, and a ledger
// with gaps would choose what models are scored on.
func (r runners) audit(ctx context.Context, t task, parts *audit.Parts, i int, ranges audit.Ranges) (frauds, error) {
	runner, err := r.of(t)
	if err != nil {
		return nil, err
	}
	check, err := parts.Audit(ctx, i, audit.Source{Ranges: ranges, Scanner: runner})
	return convictions(t, check, err)
}

// convictions returns what a check found against a task. One that could not be made
// is an error.
func convictions(t task, check eval.Check, err error) (frauds, error) {
	switch {
	case err != nil:
		return nil, err
	case check.Outcome == eval.Rejected:
		return frauds{{t.key, check}}, nil
	case check.Outcome == eval.Undecided:
		return nil, eval.Blame(check.Fault, fmt.Errorf("audit task %s of %s: %s", t.key.Task, t.key.Hotkey, check.Reason))
	}
	return nil, nil
}

// lastRange answers the range that was read last without reading it again.
type lastRange struct {
	audit.Ranges
	path           string
	offset, length int64
	data           []byte
	size           int64
}

func (l *lastRange) ReadRange(ctx context.Context, path string, offset, length int64) ([]byte, int64, error) {
	if l.data != nil && path == l.path && offset == l.offset && length == l.length {
		return l.data, l.size, nil
	}
	data, size, err := l.Ranges.ReadRange(ctx, path, offset, length)
	if err == nil {
		l.path, l.offset, l.length, l.data, l.size = path, offset, length, data, size
	}
	return data, size, err
}

// anchor is a recipe run over drawn bytes.
type anchor struct {
	runner *pipeline.Runner
	step   pipeline.Across // nil: nothing is compared with anything
	path   string
	all    *armWriter // with the duplicates
	drops  map[int64]bool

	// Of the present task: its first document, and what looks for duplicates.
	first      int64
	comparison pipeline.Comparison
}

func (a *arms) anchor(r contract.Recipe, name string) (*anchor, error) {
	runner, err := a.o.Runner(r)
	if err != nil {
		return nil, eval.Blame(eval.FaultOwn, err)
	}
	w := &anchor{runner: runner, path: filepath.Join(a.dir, name), drops: make(map[int64]bool)}
	switch steps := runner.Across(); len(steps) {
	case 0:
	case 1:
		w.step = steps[0]
	default:
		return nil, eval.Blame(eval.FaultOwn, fmt.Errorf("recipe %s compares documents in %d stages, and one is the most that can be checked", r.Name, len(steps)))
	}
	w.all, err = createArm(w.path + ".all")
	return w, err
}

func (w *anchor) close() error {
	if w.comparison != nil {
		_ = w.comparison.Close()
	}
	if w.all == nil {
		return nil
	}
	return w.all.close()
}

// scan adds what the recipe makes of a stretch.
func (w *anchor) scan(ctx context.Context, stretch audit.Stretch, elsewhere map[audit.Place]bool) error {
	if w.step != nil && w.comparison == nil {
		w.comparison = w.step.Compare(keysort.Options{})
	}
	return stretch.Scan(ctx, w.runner, func(r pipeline.Result) error {
		if r.Row == nil || elsewhere[audit.Place{File: r.Ledger.File, Offset: r.Ledger.Offset}] {
			return nil
		}
		if w.comparison != nil {
			if err := w.comparison.Add(r.Keys[0]); err != nil {
				return err
			}
		}
		return w.all.add(documentOf(*r.Row))
	})
}

// endTask finds the duplicates of a task.
func (w *anchor) endTask(ctx context.Context) error {
	if w.comparison == nil {
		return nil
	}
	for repeat, err := range w.comparison.Repeats(ctx) {
		if err != nil {
			return err
		}
		w.drops[w.first+int64(repeat.Document)] = true
	}
	err := w.comparison.Close()
	w.comparison, w.first = nil, w.all.written.Documents
	return err
}

// finish writes the arm without duplicates.
func (w *anchor) finish(ctx context.Context) (facts armFacts, err error) {
	written := w.all.written
	err = w.all.close()
	w.all = nil
	if err != nil {
		return armFacts{}, err
	}
	if len(w.drops) == 0 {
		return written, os.Rename(w.path+".all", w.path)
	}
	out, err := createArm(w.path)
	if err != nil {
		return armFacts{}, err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	n := int64(0)
	for d, err := range readArm(ctx, w.path+".all") {
		if err == nil && !w.drops[n] {
			err = out.add(d)
		}
		if err != nil {
			return armFacts{}, err
		}
		n++
	}
	return out.written, os.Remove(w.path + ".all")
}
