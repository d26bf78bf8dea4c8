package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// batchState is a batch of changes within its transaction.
type batchState struct {
	ctx context.Context
	s   *session
	// savepoints says that a change which fails is undone without the others.
	savepoints bool
	// failed is the first error of the database; it may have ended the
	// transaction.
	failed error
	// head is the newest entry of the audit log; nil before it was read.
	head *books.Entry
	// late are UUIDs that are still to be forgotten.
	late *lateUUIDs
	// counts is what the kept counts of tasks do not count yet.
	counts map[engine.TaskCount]int64
}

// errAlone says that a change failed which cannot be undone alone, and that
// nothing of the batch was kept.
var errAlone = errors.New("a change failed without a savepoint")

// run runs a batch and commits it. An error is one of all its changes.
func (b *batchState) run(batch []*change) (outcomes []error, err error) {
	if err := b.refresh(); err != nil {
		return nil, b.because("read the revision of", err)
	}
	outcomes = make([]error, len(batch))
	done := 0
	for i, c := range batch {
		if outcomes[i], err = b.apply(c); err != nil {
			return nil, b.because("change", err)
		}
		if outcomes[i] == nil {
			done++
		}
		if outcomes[i] != nil && !b.savepoints && len(batch) > 1 {
			if err := b.s.control(b.ctx, "ROLLBACK"); err != nil {
				return nil, b.because("roll back in", err)
			}
			return nil, errAlone
		}
	}
	if done == 0 {
		if err := b.s.control(b.ctx, "ROLLBACK"); err != nil {
			return nil, b.because("roll back in", err)
		}
		return outcomes, nil
	}
	if err := errors.Join(b.writeCounts(), b.forgetMore()); err != nil {
		return nil, b.because("change", err)
	}
	b.s.stepped("commit")
	if err := b.s.db.commit(b.ctx, b.s); err != nil {
		return nil, b.because("commit to", err)
	}
	b.s.stepped("committed")
	return outcomes, nil
}

// refresh forgets what another connection may have changed since the last batch.
func (b *batchState) refresh() error {
	revision, ok, err := b.s.db.revision(b.ctx, b.s)
	if err != nil {
		return err
	}
	if m := &b.s.memory; !ok || m.revision != revision {
		m.forget()
		m.revision = revision
	}
	return nil
}

// apply runs one change. An outcome that is no nil is of this change alone; with
// savepoints it is undone then. An error is of the whole batch.
func (b *batchState) apply(c *change) (outcome, err error) {
	if err := c.caller.Err(); err != nil {
		return err, nil
	}
	if c.gone {
		return errGone, nil
	}
	if b.savepoints {
		if err := b.s.control(b.ctx, "SAVEPOINT change"); err != nil {
			return nil, err
		}
	}
	head, counts := b.head, maps.Clone(b.counts)
	t := &tx{view: view{ctx: b.ctx, caller: b.ctx, s: b.s}, batch: b}
	if outcome = c.run(t); outcome == nil {
		outcome = t.failed // a change may overlook it, some databases do not
	}
	if b.failed == nil {
		b.failed = t.failed
	}
	t.s = nil
	if outcome != nil {
		b.head, b.counts = head, counts
		b.s.memory.forget()
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

// writeCounts brings the counts that are kept up to date.
func (b *batchState) writeCounts() error {
	for c, n := range b.counts {
		if n == 0 {
			continue
		}
		if _, err := b.s.exec(b.ctx, `INSERT INTO task_counts (crawl, state, ready, tasks) VALUES (?, ?, ?, ?)
			ON CONFLICT (crawl, state, ready) DO UPDATE SET tasks = task_counts.tasks + excluded.tasks`,
			c.Crawl, c.State, flag(c.Ready), n); err != nil {
			return err
		}
	}
	return nil
}

// because says why the batch failed: by its first error of the database, if it
// had one, else by err.
func (b *batchState) because(doing string, err error) error {
	if b.failed != nil {
		return b.failed
	}
	return fmt.Errorf("%s task store %s: %w", doing, b.s.db.name(), b.s.db.explain(err))
}
