package engine_test

import (
	"errors"
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
	before := d.state()
	added, err := d.Import(d.Context(), d.head, c, tasks)
	if added != 0 || err != nil {
		t.Errorf("imported again: %d, %v", added, err)
	}
	for name, change := range map[string]func(*engine.Crawl){
		"catalogue": func(c *engine.Crawl) { c.CatalogueSHA256 = strings.Repeat("0", 64) },
		"division":  func(c *engine.Crawl) { c.FilesPerTask = 3 },
	} {
		other, all := c, tasks
		change(&other)
		if name == "division" {
			all = all[:0:0]
			for i, task := range tasks[:4] {
				task.Files = append(task.Files[:2:2], contract.InputFile{Path: strings.Repeat("x", i+1)})
				all = append(all, task)
			}
		}
		_, err := d.Import(d.Context(), d.head, other, all)
		t.Log(name)
		d.refused(err, engine.ErrConflict, before)
	}
	d.in(r.Task, contract.TaskLeased)
	d.load("another-crawl", 3, true)
	d.in(contract.TaskID("another-crawl", 2), contract.TaskAvailable)
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
