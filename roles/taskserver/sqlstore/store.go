// Package sqlstore keeps the tables of a task server in SQLite, one file, or in
// PostgreSQL, which several servers may share. Both get the same statements; a
// dialect has what differs.
//
// Changes of all callers go through one writer, which makes those that wait
// durable together: one transaction, one sync. In SQLite a transaction locks
// the file, in PostgreSQL it takes an advisory lock, so that changes of all
// processes happen one after another.
package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"finest/roles/taskserver/engine"
)

// Options are what Open may be told. The zero Options are good.
type Options struct {
	// Existing has Open fail where there is no store yet instead of making one.
	Existing bool
	// Observe is told of every batch of changes: how many, and how long it took
	// from its begin until it was durable. It must not block.
	Observe func(changes int, took time.Duration)

	// step is called before every statement that writes, and around a commit.
	step func(string)
}

// Store is an engine.Store in a database.
type Store struct {
	db     dialect
	writer *writer
	pool   *pool
	close  func() error
}

var _ engine.Store = (*Store)(nil)

// Open opens the store at where, the path of a SQLite file or the URL of a
// PostgreSQL database (postgres:// or postgresql://), and brings its schema up
// to date. Unless Options say otherwise it makes a store where there is none.
func Open(ctx context.Context, where string, o Options) (*Store, error) {
	db, err := open(ctx, where, o)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open task store %s: %w", db.name(), err), db.close())
	}
	s := &Store{db: db, writer: newWriter(db, o), pool: newPool(db)}
	s.close = sync.OnceValue(func() error { return errors.Join(s.writer.close(), s.pool.close(), s.db.close()) })
	return s, nil
}

func open(ctx context.Context, where string, o Options) (dialect, error) {
	switch {
	case isURL(where):
		return openPostgres(ctx, where)
	case looksLikeURL(where): // it may hold a password, so it is not told
		return nil, errors.New("open task store: neither the path of a file nor a URL that begins with postgres://")
	}
	return openSQLite(where, o.Existing)
}

func isURL(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// looksLikeURL tells misspelt URLs and settings from paths, so that no file is
// named after a password, and no message names one.
func looksLikeURL(where string) bool {
	return strings.Contains(where, "://") || strings.Contains(where, "password=") ||
		strings.HasPrefix(strings.ToLower(where), "postgres:") || strings.HasPrefix(strings.ToLower(where), "postgresql:")
}

// Close ends the store when the changes that wait are durable and all views are
// over. Closing it again says the same.
func (s *Store) Close() error { return s.close() }

// Change makes one change, durable together with others that wait.
func (s *Store) Change(ctx context.Context, f func(engine.Tx) error) error {
	return s.writer.change(ctx, f)
}

// View shows one state of all tables.
func (s *Store) View(ctx context.Context, f func(engine.View) error) error {
	return s.pool.read(ctx, func(v *view) error { return f(v) })
}

// Ping reports whether the database answers and is in order.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.trouble(); err != nil {
		return fmt.Errorf("task store %s: %w", s.db.name(), s.db.explain(err))
	}
	return s.pool.read(ctx, func(v *view) error {
		_, err := v.number("SELECT count(*) FROM crawls")
		return err
	})
}
