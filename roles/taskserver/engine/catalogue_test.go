package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// FS-25: a second import failed on the rows of the first.
func TestImportIsIdempotent(t *testing.T) {
	d := newDesk(t, 5)
	r := d.lease("alice", 1)
	c, tasks := enginetest.Tasks(crawl, 5, true)
	added, err := d.Import(d.Context(), d.head, c, tasks)
	if added != 0 || err != nil {
		t.Errorf("imported again: %d, %v", added, err)
	}
	d.in(r.Task, contract.TaskLeased)
	d.load("another-crawl", 3, true)
	d.in(contract.TaskID("another-crawl", 2), contract.TaskAvailable)
}

// divided is another crawl of so many files in tasks of so many.
func divided(sum string, files, perTask int) (engine.Crawl, []engine.Task) {
	c := engine.Crawl{Name: "other", CatalogueSHA256: strings.Repeat(sum, 64), FilesPerTask: perTask}
	var tasks []engine.Task
	for i := range files {
		if i%perTask == 0 {
			tasks = append(tasks, engine.Task{ID: contract.TaskID("other", i/perTask)})
		}
		last := &tasks[len(tasks)-1]
		last.Files = append(last.Files, contract.InputFile{Path: fmt.Sprintf("%d.warc.gz", i)})
	}
	return c, tasks
}

// TestConflictSaysWhatDiffers: an operator who imports a crawl again, but not the
// same, is told what it is that differs, in both numbers.
func TestConflictSaysWhatDiffers(t *testing.T) {
	d := newDesk(t, 1)
	c, tasks := divided("a", 12, 4)
	_, err := d.Import(d.Context(), d.head, c, tasks)
	d.must(err)
	before := d.state()
	const list, division = "with 12 files of catalogue aaaaaaaaaaaaaaaa…, not ", "divided into tasks of 4 files, not of 6"
	for name, other := range map[string]struct {
		sum            string
		files, perTask int
		says           string
	}{
		"division":  {"a", 12, 6, "it is there " + division},
		"catalogue": {"b", 12, 4, "it is there " + list + "12 of bbbbbbbbbbbbbbbb…"},
		"files":     {"a", 11, 4, "it is there " + list + "11 of aaaaaaaaaaaaaaaa…"},
		"both":      {"b", 11, 6, "it is there " + list + "11 of bbbbbbbbbbbbbbbb…, and " + division},
	} {
		c, tasks := divided(other.sum, other.files, other.perTask)
		_, err := d.Import(d.Context(), d.head, c, tasks)
		d.refused(err, engine.ErrConflict, before)
		if !strings.HasSuffix(err.Error(), other.says) {
			t.Errorf("%s: got error %v, want it to say %q", name, err, other.says)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	for name, change := range map[string]func(*engine.Crawl, []engine.Task) []engine.Task{
		"crawl name":      func(c *engine.Crawl, tasks []engine.Task) []engine.Task { c.Name = "a b"; return tasks },
		"no tasks":        func(_ *engine.Crawl, _ []engine.Task) []engine.Task { return nil },
		"no files a task": func(c *engine.Crawl, tasks []engine.Task) []engine.Task { c.FilesPerTask = 0; return tasks },
		"ids not in order": func(_ *engine.Crawl, tasks []engine.Task) []engine.Task {
			tasks[0], tasks[1] = tasks[1], tasks[0]
			return tasks
		},
		"short task within": func(_ *engine.Crawl, tasks []engine.Task) []engine.Task {
			tasks[0].Files = tasks[0].Files[:1]
			return tasks
		},
		"task without files": func(_ *engine.Crawl, tasks []engine.Task) []engine.Task { tasks[2].Files = nil; return tasks },
		"path that leaves": func(_ *engine.Crawl, tasks []engine.Task) []engine.Task {
			tasks[1].Files[0].Path = "../../etc/passwd"
			return tasks
		},
		"path twice": func(_ *engine.Crawl, tasks []engine.Task) []engine.Task {
			tasks[1].Files[0].Path = tasks[1].Files[1].Path
			return tasks
		},
		"negative size": func(_ *engine.Crawl, tasks []engine.Task) []engine.Task { tasks[1].Files[0].Bytes = -1; return tasks },
		"absurd size": func(_ *engine.Crawl, tasks []engine.Task) []engine.Task {
			tasks[1].Files[0].Bytes = 1 << 50
			return tasks
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 1)
			c, tasks := enginetest.Tasks("other", 3, true)
			tasks = change(&c, tasks)
			before := d.state()
			_, err := d.Import(d.Context(), d.head, c, tasks)
			d.refused(err, contract.ErrInvalid, before)
		})
	}
}

// FS-24: one size that could not be had stopped all. Here its task waits.
func TestTaskWaitsForItsSizes(t *testing.T) {
	d := newDesk(t, 1)
	d.lease("alice", 1) // nothing else is ready
	d.load("unknown", 3, false)
	_, _, err := d.Lease(d.Context(), d.by("bob"), ask(1))
	if !errors.Is(err, engine.ErrNoTask) {
		t.Fatalf("without sizes: %v", err)
	}
	var waiting []engine.Task
	d.view(func(v engine.View) (err error) {
		waiting, err = v.Unready(0, 10)
		return err
	})
	same(t, "number of tasks that wait", len(waiting), 3)
	task := waiting[0]
	for i := range task.Files {
		task.Files[i].Bytes = int64(100 + i)
	}
	before := d.state()
	part := append([]contract.InputFile(nil), task.Files...)
	part[1].Bytes = 0
	d.refused(d.Surveyed(d.Context(), d.head, task.ID, part, ""), contract.ErrInvalid, before)
	swapped := []contract.InputFile{task.Files[1], task.Files[0]}
	d.refused(d.Surveyed(d.Context(), d.head, task.ID, swapped, ""), contract.ErrInvalid, before)
	d.must(d.Surveyed(d.Context(), d.head, task.ID, task.Files, ""))
	before = d.state()
	d.must(d.Surveyed(d.Context(), d.head, task.ID, task.Files, "")) // another replica looked, too
	same(t, "state after the same survey", d.state(), before)
	r := d.lease("bob", 1)
	same(t, "files", r.Files, task.Files)
	d.refused(d.Surveyed(d.Context(), d.head, task.ID, task.Files, "gone"), engine.ErrState, d.state())
}

func TestSurveyOfUnreadableFiles(t *testing.T) {
	d := newDesk(t, 1)
	id := contract.TaskID(crawl, 0)
	d.must(d.Surveyed(d.Context(), d.head, id, nil, "one gzip member\x00 holds several records\xff"))
	same(t, "evidence", d.in(id, contract.TaskQuarantined).Evidence, "one gzip member holds several records")
	_, _, err := d.Lease(d.Context(), d.by("alice"), ask(1))
	if !errors.Is(err, engine.ErrNoTask) {
		t.Errorf("lease: %v", err)
	}
}

func TestExcuses(t *testing.T) {
	for name, c := range map[string]struct {
		confirmed bool
		before    func(d *desk)
		state     string
		attempts  int
		strikes   int
	}{
		"confirmed":                          {true, func(*desk) {}, contract.TaskQuarantined, 0, 0},
		"refuted":                            {false, func(*desk) {}, contract.TaskAvailable, 1, 1},
		"confirmed when somebody has it":     {true, func(d *desk) { d.lease("bob", 1) }, contract.TaskLeased, 0, 0},
		"refuted when somebody has it":       {false, func(d *desk) { d.lease("bob", 1) }, contract.TaskLeased, 1, 1},
		"confirmed when somebody managed it": {true, func(d *desk) { r := d.lease("bob", 1); d.pass(1); d.must(d.submit("bob", r)) }, contract.TaskSubmitted, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 1)
			r := d.lease("alice", 1)
			d.must(d.release("alice", r, r.Files[1].Path))
			d.view(func(v engine.View) error {
				waiting, err := v.Excuses(10)
				if len(waiting) != 1 || waiting[0].Excuse != r.Files[1].Path {
					t.Errorf("waiting: %+v", waiting)
				}
				return err
			})
			c.before(d)
			d.must(d.Excuse(d.Context(), d.head, r.Task, 1, c.confirmed, "HEAD says 404"))
			task := d.in(r.Task, c.state)
			same(t, "attempts", task.Attempts, c.attempts)
			same(t, "strikes", d.strikes(engine.HolderHotkey, "alice"), c.strikes)
			if (task.Evidence == "HEAD says 404") != (c.state == contract.TaskQuarantined) {
				t.Errorf("evidence %q", task.Evidence)
			}
			d.refused(d.Excuse(d.Context(), d.head, r.Task, 1, true, "again"), engine.ErrState, d.state())
		})
	}
}

func TestExcuseNamesAFileOfTheTask(t *testing.T) {
	d := newDesk(t, 2)
	r := d.lease("alice", 1)
	d.refused(d.release("alice", r, "some/other.warc.gz"), contract.ErrInvalid, d.state())
	d.must(d.release("alice", r, ""))
	d.refused(d.Excuse(d.Context(), d.head, r.Task, 1, true, "nobody asked"), engine.ErrState, d.state())
}
