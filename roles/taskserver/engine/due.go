package engine

import (
	"context"
	"fmt"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// maxDue bounds the tasks that one change moves: others wait while it is made.
const maxDue = 256

// advance moves some tasks whose state has ended by block head.
func (e *Engine) advance(ctx context.Context, head uint64) (moved int, err error) {
	err = e.unsigned(ctx, head, books.ActorServer, func(c *change) error {
		moved = 0
		due, err := c.Due(head, maxDue)
		if err != nil {
			return err
		}
		for _, t := range due {
			if err := c.settle(t); err != nil {
				return fmt.Errorf("task %s is due: %w", t.ID, err)
			}
			moved++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return moved, nil
}

// settled returns a task as it is at this block, after ending what is over: it
// makes no difference whether somebody else was faster.
func (c *change) settled(id string) (Task, error) {
	t, err := c.Task(id)
	if err != nil || t.DueBlock == 0 || t.DueBlock >= c.block {
		return t, err
	}
	if err := c.settle(t); err != nil {
		return Task{}, err
	}
	return c.Task(id)
}

// settle ends the state of a task that is due.
func (c *change) settle(t Task) error {
	l, err := c.Tx.Lease(t.ID, t.Generation)
	if err != nil {
		return fmt.Errorf("lease %d: %w", t.Generation, err)
	}
	op := books.OpReissue
	switch t.State {
	case contract.TaskLeased:
		op = books.OpExpire
		l.State, l.EndedBlock = contract.LeaseExpired, c.block
		l.Reason = fmt.Sprintf("deadline was block %d", t.DeadlineBlock)
	case contract.TaskRejected:
		l.Reason = "validators rejected the result"
	case contract.TaskSubmitted:
		l.Reason = fmt.Sprintf("validators did not accept the result by block %d", t.DueBlock)
	default:
		return fmt.Errorf("is %s and should not be due", t.State)
	}
	return c.end(op, t, l)
}
