// Package sqlite keeps the state of a task server in one SQLite file, in
// write-ahead mode with a sync for every change. One writer at a time, readers
// beside it; several processes may open the file.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"finest/roles/taskserver"
)

// readers is the number of connections for reading. Each caches up to 2 MB of
// pages.
const readers = 4

// Store is a taskserver.Store in a file.
type Store struct {
	write, read *sql.DB
}

var _ taskserver.Store = (*Store)(nil)

// Open opens the database at path, creating it and its folder if need be, and
// brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open task store: %w", err)
	}
	write, err := connect(path, 1, "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("open task store %s: %w", path, err), write.Close())
	}
	read, err := connect(path, readers, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &Store{write: write, read: read}, nil
}

func connect(path string, connections int, option string) (*sql.DB, error) {
	source := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + option
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, fmt.Errorf("open task store %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// Close releases the file.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// UseUUID notes that signer used uuid.
func (s *Store) UseUUID(ctx context.Context, signer, uuid string, until, now time.Time) error {
	return inTx(ctx, s.write, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM uuids WHERE until_ms < ?", now.UnixMilli()); err != nil {
			return err
		}
		added, err := changes(tx.ExecContext(ctx, "INSERT INTO uuids (signer, uuid, until_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
			signer, uuid, until.UnixMilli()))
		if err == nil && added == 0 {
			err = taskserver.ErrReplayed
		}
		return err
	})
}

// inTx runs change in one transaction and rolls it back if change fails.
func inTx(ctx context.Context, db *sql.DB, change func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := change(tx); err != nil {
		_ = tx.Rollback() // the reason is err
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// changes returns the number of rows a statement changed.
func changes(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// absent turns the lack of a row into taskserver.ErrNotFound.
func absent(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, taskserver.ErrNotFound)
	}
	return err
}
