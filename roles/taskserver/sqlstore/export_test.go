package sqlstore

import (
	"context"
	"errors"
	"strings"

	"finest/roles/taskserver/engine"
)

const (
	Readers          = readers
	StatementTimeout = statementTimeout
	MaxLogPages      = maxLogPages
)

// ExplainPostgres says what an error means in a PostgreSQL store.
func ExplainPostgres(err error) error { return (&postgresDB{}).explain(err) }

// PostgresBatch is what a batch runs under in a PostgreSQL store.
func PostgresBatch() (ctx context.Context, beat func(), cancel context.CancelFunc) {
	return (&postgresDB{}).batchContext()
}

// OpenStepped opens a store that calls step before every statement that writes,
// and before and after every commit.
func OpenStepped(ctx context.Context, where string, step func(string)) (*Store, error) {
	return Open(ctx, where, Options{step: step})
}

// Limit changes a setting of the connection that writes.
func (s *Store) Limit(ctx context.Context, pragma string) error {
	if err := s.Change(ctx, func(engine.Tx) error { return nil }); err != nil { // connects
		return err
	}
	return s.writer.session.plain(ctx, pragma)
}

// FailCheckpoint notes a checkpoint that failed; Checkpoint makes one.
func (s *Store) FailCheckpoint(err error) { s.db.(*sqliteDB).checkpoints.note(err) }

func (s *Store) Checkpoint() {
	db := s.db.(*sqliteDB)
	db.checkpoints.note(checkpoint(db.pool))
}

// Waiting is how many changes wait for a batch.
func (s *Store) Waiting() int {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	return len(s.writer.waiting)
}

// Plan is how SQLite runs a statement.
type Plan struct{ Query, Plan string }

// Plans returns how the statements are run that read runs.
func (s *Store) Plans(ctx context.Context, read func(engine.View) error) (plans []Plan, err error) {
	session, err := begun(ctx, s.db, nil, forReading)
	if err != nil {
		return nil, err
	}
	defer session.discard()
	if err := read(&view{ctx: ctx, caller: ctx, s: session}); err != nil {
		return nil, err
	}
	for query := range session.prepared {
		if !strings.HasPrefix(query, "SELECT") {
			continue
		}
		rows, err := session.conn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			return nil, err
		}
		p := Plan{Query: query}
		for rows.Next() {
			var id, parent, unused int
			var line string
			if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			p.Plan += line + "\n"
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}
