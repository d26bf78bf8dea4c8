package sqlstore

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

const selectCrawl = "SELECT name, catalogue_sha256, files_per_task, files, tasks, retired FROM crawls"

func scanCrawl(rows *sql.Rows) (c engine.Crawl, err error) {
	err = rows.Scan(&c.Name, &c.CatalogueSHA256, &c.FilesPerTask, &c.Files, &c.Tasks, &c.Retired)
	return c, err
}

// Crawls returns all crawls by name.
func (v *view) Crawls() ([]engine.Crawl, error) {
	return many(v, scanCrawl, selectCrawl+" ORDER BY name")
}

// Crawl returns one crawl.
func (v *view) Crawl(name string) (engine.Crawl, error) {
	return one(v, "crawl", scanCrawl, selectCrawl+" WHERE name = ?", name)
}

const (
	taskColumns = `SELECT t.id, t.crawl, c.catalogue_sha256, t.files, t.point, t.state, t.ready, t.generation,
	t.deadline_block, t.due_block, t.attempts, t.evidence`
	selectTask = taskColumns + " FROM tasks t JOIN crawls c ON c.name = t.crawl"
	// selectDraw finds in each crawl that is not retired the first task that can be
	// leased from a point on. A cross join has SQLite begin with the crawls.
	selectDraw = taskColumns + ` FROM crawls c CROSS JOIN tasks t WHERE c.retired = 0 AND t.id = (SELECT d.id FROM tasks d
	WHERE d.crawl = c.name AND d.state = 'available' AND d.ready = 1 AND d.point >= ? ORDER BY d.point, d.id LIMIT 1)`
)

func scanTask(rows *sql.Rows) (t engine.Task, err error) {
	var files string
	if err := rows.Scan(&t.ID, &t.Crawl, &t.CatalogueSHA256, &files, &t.Point, &t.State, &t.Ready, &t.Generation,
		&t.DeadlineBlock, &t.DueBlock, &t.Attempts, &t.Evidence); err != nil {
		return engine.Task{}, err
	}
	return t, decode("files of task "+t.ID, files, &t.Files)
}

// Task returns one task.
func (v *view) Task(id string) (engine.Task, error) {
	return one(v, "task", scanTask, selectTask+" WHERE t.id = ?", id)
}

// Tasks returns a page of tasks in id order.
func (v *view) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	page := func(crawl string) ([]engine.Task, error) {
		var w where
		if crawl != "" {
			w.and("t.crawl = ?", crawl)
		}
		if state != "" {
			w.and("t.state = ?", state)
		}
		w.and("t.id > ?", after)
		return many(v, scanTask, selectTask+w.text+" ORDER BY t.id LIMIT ?", append(w.args, limit)...)
	}
	if crawl != "" || state == "" {
		return page(crawl)
	}
	// The index of states is one for each crawl.
	return v.ofCrawls(limit, compareIDs, func(c engine.Crawl) ([]engine.Task, error) { return page(c.Name) })
}

// TaskCounts counts all tasks.
func (v *view) TaskCounts() ([]engine.TaskCount, error) {
	return many(v, func(rows *sql.Rows) (c engine.TaskCount, err error) {
		err = rows.Scan(&c.Crawl, &c.State, &c.Ready, &c.Tasks)
		return c, err
	}, "SELECT crawl, state, ready, tasks FROM task_counts WHERE tasks > 0 ORDER BY crawl, state, ready")
}

// Draw returns the first task that can be leased from point on, round the ring.
func (v *view) Draw(point int64) (engine.Task, error) {
	for _, from := range []int64{point, 0} {
		firsts, err := many(v, scanTask, selectDraw, from)
		if err != nil {
			return engine.Task{}, err
		}
		if len(firsts) > 0 {
			return slices.MinFunc(firsts, comparePlaces), nil
		}
	}
	return engine.Task{}, fmt.Errorf("task that can be leased: %w", engine.ErrNotFound)
}

// Unready returns available tasks that cannot be leased yet.
func (v *view) Unready(point int64, limit int) ([]engine.Task, error) {
	return v.ofCrawls(limit, comparePlaces, func(c engine.Crawl) ([]engine.Task, error) {
		if c.Retired {
			return nil, nil
		}
		return many(v, scanTask, selectTask+` WHERE t.crawl = ? AND t.state = 'available' AND t.ready = 0 AND t.point >= ?
			ORDER BY t.point, t.id LIMIT ?`, c.Name, point, limit)
	})
}

// Due returns which tasks have a state that ends by itself before block.
func (v *view) Due(block uint64, after engine.Due, limit int) ([]engine.Due, error) {
	return many(v, func(rows *sql.Rows) (d engine.Due, err error) {
		err = rows.Scan(&d.Block, &d.Task)
		return d, err
	}, `SELECT due_block, id FROM tasks WHERE due_block > 0 AND due_block < ? AND (due_block, id) > (?, ?)
		ORDER BY due_block, id LIMIT ?`, block, after.Block, after.Task, limit)
}

// ofCrawls merges the pages of all crawls to one.
func (v *view) ofCrawls(limit int, order func(a, b engine.Task) int, page func(engine.Crawl) ([]engine.Task, error)) ([]engine.Task, error) {
	crawls, err := v.Crawls()
	if err != nil {
		return nil, err
	}
	var all []engine.Task
	for _, c := range crawls {
		tasks, err := page(c)
		if err != nil {
			return nil, err
		}
		all = append(all, tasks...)
		slices.SortFunc(all, order)
		all = all[:min(len(all), limit)]
	}
	return all, nil
}

func compareIDs(a, b engine.Task) int { return cmp.Compare(a.ID, b.ID) }

// comparePlaces orders tasks round the ring of draws.
func comparePlaces(a, b engine.Task) int {
	return cmp.Or(cmp.Compare(a.Point, b.Point), compareIDs(a, b))
}

// PutCrawl replaces or adds a crawl.
func (t *tx) PutCrawl(c engine.Crawl) error {
	_, err := t.exec(`INSERT INTO crawls (name, catalogue_sha256, files_per_task, files, tasks, retired) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET catalogue_sha256 = excluded.catalogue_sha256, files_per_task = excluded.files_per_task,
		files = excluded.files, tasks = excluded.tasks, retired = excluded.retired`,
		c.Name, c.CatalogueSHA256, c.FilesPerTask, c.Files, c.Tasks, flag(c.Retired))
	if err == nil {
		t.s.memory.tasks = recent[string, engine.Task]{} // they say the crawl's hash
	}
	return err
}

const (
	insertTask = `INSERT INTO tasks (id, crawl, files, point, state, ready, generation, deadline_block, due_block, attempts, evidence)
		VALUES `
	taskPlaces = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	// manyTasks are added by one statement where there are so many.
	manyTasks = 50
)

var insertTasks = insertTask + taskPlaces + strings.Repeat(", "+taskPlaces, manyTasks-1)

// AddTasks adds tasks.
func (t *tx) AddTasks(tasks []engine.Task) error {
	for some := range slices.Chunk(tasks, manyTasks) {
		if len(some) == manyTasks {
			if err := t.addTasks(insertTasks, some); err != nil {
				return err
			}
			continue
		}
		for i := range some {
			if err := t.addTasks(insertTask+taskPlaces, some[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) addTasks(query string, tasks []engine.Task) error {
	var args []any
	for _, k := range tasks {
		files, err := filesText(k.Files)
		if err != nil {
			return err
		}
		args = append(args, k.ID, k.Crawl, files, k.Point, k.State, flag(k.Ready), k.Generation, k.DeadlineBlock, k.DueBlock, k.Attempts, k.Evidence)
	}
	if _, err := t.exec(query, args...); err != nil {
		return fmt.Errorf("add tasks from %s on: %w", tasks[0].ID, err)
	}
	for _, k := range tasks {
		t.count(kind(k), 1)
	}
	return nil
}

// PutTask replaces a task, all but its crawl and point. Its files, most of the
// row, are written only if they are others.
func (t *tx) PutTask(k engine.Task) error {
	old, err := t.Task(k.ID)
	if err != nil {
		return fmt.Errorf("put task %s: %w", k.ID, err)
	}
	set, args := "", []any{k.State, flag(k.Ready), k.Generation, k.DeadlineBlock, k.DueBlock, k.Attempts, k.Evidence}
	if !slices.Equal(k.Files, old.Files) {
		files, err := filesText(k.Files)
		if err != nil {
			return err
		}
		set, args = ", files = ?", append(args, files)
	}
	if err := t.execOne(`UPDATE tasks SET state = ?, ready = ?, generation = ?, deadline_block = ?, due_block = ?, attempts = ?,
		evidence = ?`+set+` WHERE id = ?`, append(args, k.ID)...); err != nil {
		return fmt.Errorf("put task %s: %w", k.ID, err)
	}
	k.Crawl, k.Point, k.CatalogueSHA256 = old.Crawl, old.Point, old.CatalogueSHA256
	t.count(kind(old), -1)
	t.count(kind(k), 1)
	t.s.memory.task(k)
	return nil
}

// kind is the count that a task belongs to.
func kind(k engine.Task) engine.TaskCount {
	return engine.TaskCount{Crawl: k.Crawl, State: k.State, Ready: k.Ready}
}

// count notes that there are n more tasks of a kind.
func (t *tx) count(c engine.TaskCount, n int64) {
	if t.batch.counts == nil {
		t.batch.counts = make(map[engine.TaskCount]int64)
	}
	t.batch.counts[c] += n
}

// TaskCounts counts all tasks, also those that this batch moved.
func (t *tx) TaskCounts() ([]engine.TaskCount, error) {
	kept, err := t.view.TaskCounts()
	if err != nil {
		return nil, err
	}
	counts := maps.Clone(t.batch.counts)
	if counts == nil {
		return kept, nil
	}
	for _, c := range kept {
		n := c.Tasks
		c.Tasks = 0
		counts[c] += n
	}
	var all []engine.TaskCount
	for c, n := range counts {
		if c.Tasks = n; n > 0 {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b engine.TaskCount) int {
		return cmp.Or(cmp.Compare(a.Crawl, b.Crawl), cmp.Compare(a.State, b.State), cmp.Compare(flag(a.Ready), flag(b.Ready)))
	})
	return all, nil
}

func filesText(files []contract.InputFile) (string, error) {
	text, err := json.Marshal(files)
	return string(text), err
}

// flag is a truth as databases keep it: STRICT tables have no booleans.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
