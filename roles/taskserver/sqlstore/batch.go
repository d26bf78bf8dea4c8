package sqlstore

import (
	"context"
	"fmt"

	"finest/roles/taskserver/books"
)

// batchState is a batch of changes within its transaction.
type batchState struct {
	ctx context.Context
	s   *session
	// savepoints says that a change which fails must be undone without the
	// others.
	savepoints bool
	// failed is the first error of the database; it may have ended the
	// transaction.
	failed error
	// head is the newest entry of the audit log; nil before it was read.
	head *books.Entry
}

// apply runs one change. An outcome that is no nil is of this change alone; it
// is undone then. An error is of the whole batch.
func (b *batchState) apply(c *change) (outcome, err error) {
	if err := c.caller.Err(); err != nil {
		return err, nil
	}
	if b.savepoints {
		if err := b.s.control(b.ctx, "SAVEPOINT change"); err != nil {
			return nil, err
		}
	}
	head := b.head
	t := &tx{view: view{ctx: b.ctx, caller: b.ctx, s: b.s}, batch: b}
	c.turn <- t
	outcome = <-c.ran
	if outcome == nil {
		outcome = t.failed // a change may overlook it, some databases do not
	}
	if b.failed == nil {
		b.failed = t.failed
	}
	t.s = nil
	if outcome != nil {
		b.head = head
	}
	switch {
	case !b.savepoints:
		return outcome, nil
	case outcome == nil:
		return nil, b.s.control(b.ctx, "RELEASE SAVEPOINT change")
	}
	if err := b.s.control(b.ctx, "ROLLBACK TO SAVEPOINT change"); err != nil {
		return nil, err
	}
	b.failed = nil
	return outcome, b.s.control(b.ctx, "RELEASE SAVEPOINT change")
}

// because says why the batch failed: by its first error of the database, if it
// had one, else by err.
func (b *batchState) because(doing string, err error) error {
	if b.failed != nil {
		return b.failed
	}
	return fmt.Errorf("%s task store %s: %w", doing, b.s.db.name(), b.s.db.explain(err))
}
