package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"finest/internal/durable"
)

// Backup writes one state of all tables as a new SQLite file, which Open opens.
// It appears whole or not at all, and replaces nothing.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up task store %s to %s: %w", s.db.name(), path, err)
		}
	}()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(os.ErrExist, err)
	}
	dir := filepath.Dir(path)
	if err := durable.MkdirAll(dir); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	err = s.pool.read(ctx, func(from *view) error { return copyTo(ctx, from, temp.Name()) })
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil { // a rename would replace
		return err
	}
	return durable.SyncDir(dir)
}

// copyTo fills the empty file at path.
func copyTo(ctx context.Context, from *view, path string) (err error) {
	// The file is synced when it is whole; until then nobody needs it.
	pool, err := sql.Open("sqlite", sqliteSource(path)+"&_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)")
	if err != nil {
		return err
	}
	to := &sqliteDB{path: path, pool: pool}
	defer func() { err = errors.Join(err, to.close()) }()
	if err := migrate(ctx, to, Options{}); err != nil {
		return err
	}
	s, err := begun(ctx, to, nil, forWriting)
	if err != nil {
		return err
	}
	if err := copyTables(ctx, from, s); err != nil {
		s.discard()
		return err
	}
	return errors.Join(to.commit(ctx, s), s.close())
}

func copyTables(ctx context.Context, from *view, to *session) error {
	tables, err := columns(ctx, to)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := copyTable(ctx, from, to, t); err != nil {
			return fmt.Errorf("copy table %s: %w", t.name, err)
		}
	}
	return nil
}

type table struct {
	name    string
	columns []string
}

// columns lists the tables of a SQLite database in the order of the schema, so
// that a table comes after those it refers to.
func columns(ctx context.Context, s *session) ([]table, error) {
	rows, err := s.query(ctx, `SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' ORDER BY t.rowid, c.cid`)
	if err != nil {
		return nil, err
	}
	var out []table
	for rows.Next() {
		var name, column string
		if err := rows.Scan(&name, &column); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if n := len(out); n == 0 || out[n-1].name != name {
			out = append(out, table{name: name})
		}
		last := &out[len(out)-1]
		last.columns = append(last.columns, column)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

func copyTable(ctx context.Context, from *view, to *session, t table) (err error) {
	list := strings.Join(t.columns, ", ")
	rows, err := from.s.query(ctx, "SELECT "+list+" FROM "+t.name)
	if err != nil {
		return from.fail(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	insert := "INSERT INTO " + t.name + " (" + list + ") VALUES (?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	row, places := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		places[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if _, err := to.exec(ctx, insert, row...); err != nil {
			return err
		}
	}
	return rows.Err()
}
