package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"finest/roles/taskserver"
)

// AddCrawl adds a crawl with all its tasks.
func (s *Store) AddCrawl(ctx context.Context, c taskserver.Crawl, tasks []taskserver.NewTask) (added int, err error) {
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		there := taskserver.Crawl{Name: c.Name}
		err := tx.QueryRowContext(ctx, "SELECT catalogue_sha256, files_per_task FROM crawls WHERE name = ?", c.Name).
			Scan(&there.CatalogueSHA256, &there.FilesPerTask)
		switch {
		case err == nil && there == c:
			return nil
		case err == nil:
			return fmt.Errorf("crawl %s is there with catalogue %s in tasks of %d: %w", c.Name, there.CatalogueSHA256, there.FilesPerTask, taskserver.ErrConflict)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO crawls (name, catalogue_sha256, files_per_task) VALUES (?, ?, ?)",
			c.Name, c.CatalogueSHA256, c.FilesPerTask); err != nil {
			return err
		}
		if err := addTasks(ctx, tx, c.Name, tasks); err != nil {
			return err
		}
		added = len(tasks)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

func addTasks(ctx context.Context, tx *sql.Tx, crawl string, tasks []taskserver.NewTask) (err error) {
	insert, err := tx.PrepareContext(ctx, "INSERT INTO tasks (id, crawl, files, bytes, point, state) VALUES (?, ?, ?, ?, ?, 'available')")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	for _, t := range tasks {
		files, err := json.Marshal(t.Files)
		if err != nil {
			return err
		}
		var bytes int64
		for _, f := range t.Files {
			bytes += f.Bytes
		}
		if _, err := insert.ExecContext(ctx, t.ID, crawl, string(files), bytes, t.Point); err != nil {
			return fmt.Errorf("add task %s: %w", t.ID, err)
		}
	}
	return nil
}

const selectTask = `SELECT t.id, t.crawl, c.catalogue_sha256, t.files, t.state, t.generation, t.deadline_block
	FROM tasks t JOIN crawls c ON c.name = t.crawl `

func scanTask(scan func(...any) error) (t taskserver.Task, err error) {
	var files string
	if err := scan(&t.ID, &t.Crawl, &t.CatalogueSHA256, &files, &t.State, &t.Generation, &t.DeadlineBlock); err != nil {
		return taskserver.Task{}, err
	}
	if err := json.Unmarshal([]byte(files), &t.Files); err != nil {
		return taskserver.Task{}, fmt.Errorf("files of task %s: %w", t.ID, err)
	}
	return t, nil
}

// Task returns one task.
func (s *Store) Task(ctx context.Context, id string) (taskserver.Task, error) {
	t, err := scanTask(s.read.QueryRowContext(ctx, selectTask+"WHERE t.id = ?", id).Scan)
	return t, absent(err, "task")
}

// Tasks returns a page of tasks.
func (s *Store) Tasks(ctx context.Context, crawl, state, after string, limit int) ([]taskserver.Task, error) {
	where, args := "WHERE t.id > ? ", []any{after}
	if crawl != "" {
		where, args = where+"AND t.crawl = ? ", append(args, crawl)
	}
	if state != "" {
		where, args = where+"AND t.state = ? ", append(args, state)
	}
	scan := func(rows *sql.Rows) (taskserver.Task, error) { return scanTask(rows.Scan) }
	return collect(ctx, s.read, scan, selectTask+where+"ORDER BY t.id LIMIT ?", append(args, limit)...)
}

// TaskCounts counts tasks by state.
func (s *Store) TaskCounts(ctx context.Context) (map[string]int64, error) {
	type count struct {
		state string
		tasks int64
	}
	counts, err := collect(ctx, s.read, func(rows *sql.Rows) (c count, err error) {
		err = rows.Scan(&c.state, &c.tasks)
		return c, err
	}, "SELECT state, count(*) FROM tasks GROUP BY state")
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(counts))
	for _, c := range counts {
		out[c.state] = c.tasks
	}
	return out, nil
}
