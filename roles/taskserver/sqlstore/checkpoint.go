package sqlstore

import (
	"context"
	"database/sql"
)

// Changes go to SQLite's write-ahead log, and from there to the database file:
// a checkpoint. One that the writer makes keeps changes waiting for tens of
// milliseconds, so others are made beside it, after about so many statements that
// write. They never catch up with a busy writer, and only a log that is done with
// begins anew, so the writer makes one when the log has maxLogPages: little is
// left to do then.
const (
	checkpointWrites = 2000
	maxLogPages      = 16 << 10
)

// checkpoints makes checkpoints in a connection of its own; nil for a database
// without a log.
type checkpoints struct {
	due, ended chan struct{}
}

func newCheckpoints(pool *sql.DB) *checkpoints {
	c := &checkpoints{due: make(chan struct{}, 1), ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		for range c.due {
			// One that fails is made by the next, or by the writer, who tells.
			_, _ = pool.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)")
		}
	}()
	return c
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

// close waits for the last one. The writer has ended.
func (c *checkpoints) close() {
	if c == nil {
		return
	}
	close(c.due)
	<-c.ended
}
