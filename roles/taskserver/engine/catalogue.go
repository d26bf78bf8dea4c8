package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Limits of a catalogue.
const (
	// MaxTasks bounds the tasks of a crawl: ids have six digits.
	MaxTasks     = 1_000_000
	maxFileBytes = 1 << 40
)

// Import adds a crawl with all its tasks and returns how many were added: none
// if the same crawl is there already. Another catalogue or another division
// under its name is ErrConflict. Tasks need ids, in order from 0, and files; a
// task whose sizes are not all known counts as one where none is.
func (e *Engine) Import(ctx context.Context, block uint64, crawl Crawl, tasks []Task) (added int, err error) {
	tasks, files, err := prepare(crawl, tasks)
	if err != nil {
		return 0, fmt.Errorf("import crawl %.80q: %w", crawl.Name, err)
	}
	crawl.Files, crawl.Tasks, crawl.Retired = files, len(tasks), false
	sum := filesSum(tasks)
	err = e.unsigned(ctx, block, books.ActorOperator, func(c *change) error {
		added = 0
		known, err := c.Crawl(crawl.Name)
		if err == nil {
			return sameCrawl(known, crawl)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := c.PutCrawl(crawl); err != nil {
			return err
		}
		if err := c.AddTasks(tasks); err != nil {
			return err
		}
		added = len(tasks)
		return c.audit(books.Entry{Op: books.OpImport}, books.Import{
			Crawl: crawl.Name, CatalogueSHA256: crawl.CatalogueSHA256, FilesPerTask: crawl.FilesPerTask,
			Files: crawl.Files, Tasks: crawl.Tasks, FilesSHA256: sum,
		})
	})
	if err != nil {
		return 0, fmt.Errorf("import crawl %s: %w", crawl.Name, err)
	}
	return added, nil
}

// prepare checks the tasks of a new crawl and fills in what follows from their
// ids and files.
func prepare(crawl Crawl, tasks []Task) ([]Task, int, error) {
	if !contract.ValidCrawl(crawl.Name) {
		return nil, 0, fmt.Errorf("%w: not a name of letters, digits, '.', '_' and '-'", contract.ErrInvalid)
	}
	if crawl.FilesPerTask < 1 || crawl.FilesPerTask > contract.MaxInputs {
		return nil, 0, fmt.Errorf("%w: %d files per task, not 1 to %d", contract.ErrInvalid, crawl.FilesPerTask, contract.MaxInputs)
	}
	if len(tasks) == 0 || len(tasks) > MaxTasks {
		return nil, 0, fmt.Errorf("%w: %d tasks, not 1 to %d", contract.ErrInvalid, len(tasks), MaxTasks)
	}
	tasks = slices.Clone(tasks)
	total := 0
	for i := range tasks {
		t := &tasks[i]
		if want := contract.TaskID(crawl.Name, i); t.ID != want {
			return nil, 0, fmt.Errorf("%w: task %d is %.80q, not %s", contract.ErrInvalid, i, t.ID, want)
		}
		if n := len(t.Files); n > crawl.FilesPerTask || n < crawl.FilesPerTask && i < len(tasks)-1 || n == 0 {
			return nil, 0, fmt.Errorf("%w: task %s has %d files", contract.ErrInvalid, t.ID, n)
		}
		files, err := checkFiles(t.Files)
		if err != nil {
			return nil, 0, fmt.Errorf("task %s: %w", t.ID, err)
		}
		*t = Task{ID: t.ID, Crawl: crawl.Name, CatalogueSHA256: crawl.CatalogueSHA256, Files: files,
			Point: TaskPoint(t.ID), State: contract.TaskAvailable, Ready: sized(files)}
		total += len(files)
	}
	return tasks, total, nil
}

// checkFiles refuses what no receipt may name. Of sizes that are not all known
// none is returned.
func checkFiles(files []contract.InputFile) ([]contract.InputFile, error) {
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		switch {
		case !contract.ValidPath(f.Path):
			return nil, fmt.Errorf("%w: path %.120q is not a plain relative path", contract.ErrInvalid, f.Path)
		case f.Bytes < 0 || f.Bytes > maxFileBytes:
			return nil, fmt.Errorf("%w: %.120q has %d bytes, not 1 to %d", contract.ErrInvalid, f.Path, f.Bytes, int64(maxFileBytes))
		case seen[f.Path]:
			return nil, fmt.Errorf("%w: %.120q is listed twice", contract.ErrInvalid, f.Path)
		}
		seen[f.Path] = true
	}
	if sized(files) {
		return files, nil
	}
	return unsized(files), nil
}

// unsized returns files without their sizes.
func unsized(files []contract.InputFile) []contract.InputFile {
	files = slices.Clone(files)
	for i := range files {
		files[i].Bytes = 0
	}
	return files
}

func sized(files []contract.InputFile) bool {
	return !slices.ContainsFunc(files, func(f contract.InputFile) bool { return f.Bytes <= 0 })
}

// filesSum pins the files of all tasks of a crawl.
func filesSum(tasks []Task) string {
	h := sha256.New()
	var line []byte
	for _, t := range tasks {
		line = books.AppendFiles(line[:0], t.Files)
		_, _ = h.Write(line) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sameCrawl says in what a crawl differs from the one under its name.
func sameCrawl(known, crawl Crawl) error {
	known.Retired = false
	if known == crawl {
		return nil
	}
	var others []string
	if known.CatalogueSHA256 != crawl.CatalogueSHA256 || known.Files != crawl.Files {
		others = append(others, fmt.Sprintf("with %d files of catalogue %.16s…, not %d of %.16s…",
			known.Files, known.CatalogueSHA256, crawl.Files, crawl.CatalogueSHA256))
	}
	if known.FilesPerTask != crawl.FilesPerTask {
		others = append(others, fmt.Sprintf("divided into tasks of %d files, not of %d", known.FilesPerTask, crawl.FilesPerTask))
	}
	return fmt.Errorf("%w: it is there %s", ErrConflict, strings.Join(others, ", and "))
}

// Leasable counts all tasks as View.TaskCounts does, but those of retired crawls
// as not ready: the others that are available and ready can be leased now.
func Leasable(v View) ([]TaskCount, error) {
	crawls, err := v.Crawls()
	if err != nil {
		return nil, err
	}
	retired := make(map[string]bool)
	for _, c := range crawls {
		retired[c.Name] = c.Retired
	}
	counts, err := v.TaskCounts()
	for i := range counts {
		counts[i].Ready = counts[i].Ready && !retired[counts[i].Crawl]
	}
	return counts, err
}

// Surveyed notes what is known of the files of a task before it is leased:
// their sizes, all of them and once, or why they cannot be read, which
// quarantines it. Only an available task changes; for any other it is ErrState.
func (e *Engine) Surveyed(ctx context.Context, block uint64, task string, files []contract.InputFile, bad string) error {
	bad = clip(bad, maxEvidence)
	err := e.unsigned(ctx, block, books.ActorServer, func(c *change) error {
		t, err := c.Task(task)
		if err != nil {
			return err
		}
		if t.State != contract.TaskAvailable {
			return fmt.Errorf("%w: it is %s", ErrState, t.State)
		}
		if bad == "" {
			return c.surveyed(t, files)
		}
		t.State, t.Evidence = contract.TaskQuarantined, bad
		return c.put(books.OpSurvey, contract.TaskAvailable, t, books.Survey{After: after(t, nil), Files: t.Files})
	})
	if err != nil {
		return fmt.Errorf("survey task %s: %w", task, err)
	}
	return nil
}

func (c *change) surveyed(t Task, files []contract.InputFile) error {
	if slices.Equal(files, t.Files) {
		return nil
	}
	samePath := func(a, b contract.InputFile) bool { return a.Path == b.Path }
	if _, err := checkFiles(files); err != nil {
		return err
	}
	if !slices.EqualFunc(files, t.Files, samePath) || !sized(files) {
		return fmt.Errorf("%w: not the files of the task, each with its size", contract.ErrInvalid)
	}
	if sized(t.Files) {
		return fmt.Errorf("%w: its sizes are known, and others", ErrState)
	}
	t.Files, t.Ready = files, true
	return c.put(books.OpSurvey, t.State, t, books.Survey{After: after(t, nil), Files: files})
}

// Excuse decides about a release that named a file as missing. Confirmed, it
// costs its holder nothing, and the task is quarantined unless somebody has it
// by now; refuted, it remains a lease that led to nothing. Only a release whose
// excuse is pending is decided about, for any other it is ErrState. The evidence
// says in a sentence what was found.
func (e *Engine) Excuse(ctx context.Context, block uint64, task string, generation int64, confirmed bool, evidence string) error {
	if evidence = clip(evidence, maxEvidence); evidence == "" {
		return fmt.Errorf("excuse lease %d of task %s: %w: no evidence", generation, task, contract.ErrInvalid)
	}
	err := e.unsigned(ctx, block, books.ActorServer, func(c *change) error {
		t, err := c.Task(task)
		if err != nil {
			return err
		}
		l, err := c.Tx.Lease(task, generation)
		if err != nil {
			return err
		}
		if l.Excused != ExcusePending {
			return fmt.Errorf("%w: no excuse waits for a decision", ErrState)
		}
		return c.excuse(t, l, confirmed, evidence)
	})
	if err != nil {
		return fmt.Errorf("excuse lease %d of task %s: %w", generation, task, err)
	}
	return nil
}

func (c *change) excuse(t Task, l Lease, confirmed bool, evidence string) error {
	from := t.State
	var strikes *books.Strikes
	l.Excused = ExcuseRefuted
	if confirmed {
		l.Excused = ExcuseConfirmed
		var err error
		if strikes, err = c.strike(&l, 0); err != nil {
			return err
		}
		t.Attempts = max(0, t.Attempts-1)
		if t.State == contract.TaskAvailable || t.State == contract.TaskQuarantined {
			t.State, t.Evidence = contract.TaskQuarantined, evidence
		}
	}
	if err := c.PutLease(l); err != nil {
		return err
	}
	open, err := c.open(t)
	if err != nil {
		return err
	}
	return c.put(books.OpExcuse, from, t, books.Excuse{After: after(t, strikes), Lease: l.Receipt.Generation,
		Confirmed: confirmed, Found: evidence, Receipt: open})
}

// open returns the hash of the receipt of a task's live lease, "" without one.
func (c *change) open(t Task) (string, error) {
	if t.State != contract.TaskLeased {
		return "", nil
	}
	l, err := c.Tx.Lease(t.ID, t.Generation)
	if err != nil {
		return "", err
	}
	return receiptSum(l.Receipt)
}
