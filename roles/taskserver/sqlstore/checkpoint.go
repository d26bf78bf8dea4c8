package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// Changes go to SQLite's write-ahead log, and from there to the database file:
// a checkpoint. One that the writer makes keeps changes waiting for tens of
// milliseconds, so others are made beside it, after about so many statements that
// write. They never catch up with a busy writer, and only a log that is done with
// begins anew, so from maxLogPages on (64 MiB) the writer makes one with each
// commit: little is left to do then. While a view lasts, as that of a backup, the
// log grows all the same.
const (
	checkpointWrites = 2000
	maxLogPages      = 16 << 10
)

// checkpoints makes checkpoints in a connection of its own; nil for a database
// without a log.
type checkpoints struct {
	due, ended chan struct{}

	mu sync.Mutex
	// failed is what became of the last one. SQLite tells nobody when one of the
	// writer's fails.
	failed error
}

func newCheckpoints(pool *sql.DB) *checkpoints {
	c := &checkpoints{due: make(chan struct{}, 1), ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		for range c.due {
			c.note(checkpoint(pool))
		}
	}()
	return c
}

func checkpoint(pool *sql.DB) error {
	_, err := pool.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)")
	return err
}

func (c *checkpoints) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = err
}

// soon has a checkpoint made. Only the writer calls it.
func (c *checkpoints) soon() {
	if c == nil {
		return
	}
	select {
	case c.due <- struct{}{}:
	default:
	}
}

// err says why the last one failed.
func (c *checkpoints) err() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return fmt.Errorf("changes do not get from the write-ahead log to the database file: %w", c.failed)
	}
	return nil
}

// close waits for the last one. The writer has ended.
func (c *checkpoints) close() {
	if c == nil {
		return
	}
	close(c.due)
	<-c.ended
}
