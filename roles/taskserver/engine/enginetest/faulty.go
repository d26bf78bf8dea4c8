package enginetest

import (
	"context"
	"errors"

	"finest/roles/taskserver/engine"
)

// mode is what happens to the next change of a faulty store.
type mode int

const (
	whole   mode = iota
	before       // the process dies before the change
	inside       // the process dies within it: nothing of it is there
	lost         // the process dies after it: it is there, but nobody was told
	twice        // the change is tried, fails for a reason of the store, and is made again
	nothing      // modes end here
)

// errCrash is what is left of a process that died.
var errCrash = errors.New("crash")

// faulty is a store whose process may die.
type faulty struct {
	engine.Store
	next mode
}

func (s *faulty) Change(ctx context.Context, f func(engine.Tx) error) error {
	now := s.next
	s.next = whole
	switch now {
	case before:
		return errCrash
	case inside, twice:
		err := s.Store.Change(ctx, func(tx engine.Tx) error { return errors.Join(f(tx), errCrash) })
		if now == inside {
			return err
		}
	}
	err := s.Store.Change(ctx, f)
	if now == lost && err == nil {
		return errCrash
	}
	return err
}
