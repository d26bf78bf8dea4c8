package sqlstore

import (
	"context"
	"fmt"
)

// Analyze has the database look at its tables after many rows came at once, such
// as those of a crawl: until PostgreSQL does so by itself, within minutes, it
// plans statements for tables that are nearly empty. Nothing waits for it.
func (s *Store) Analyze(ctx context.Context) error {
	if err := s.db.analyze(ctx); err != nil {
		return fmt.Errorf("analyze tables of task store %s: %w", s.db.name(), s.db.explain(err))
	}
	return nil
}

// analyze takes a sample of each table, of a size that does not grow with it.
func (d *postgresDB) analyze(ctx context.Context) error {
	_, err := d.pool.ExecContext(ctx, "ANALYZE crawls, tasks, task_counts")
	return err
}

// analyze does nothing. By its schema alone SQLite takes the index that is made
// for each statement; told how few crawls there are it joins pages of tasks from
// the crawls, and sorts them.
func (d *sqliteDB) analyze(context.Context) error { return nil }
