package sqlstore

import (
	"context"

	"finest/roles/taskserver/engine"
)

const Readers = readers

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

// Waiting is how many changes wait for a batch.
func (s *Store) Waiting() int {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	return len(s.writer.waiting)
}
