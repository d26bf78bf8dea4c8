package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

const (
	// maxDue bounds the tasks that one change moves: others wait while it is made.
	maxDue = 256
	// maxDamaged bounds the tasks that one round passes over, and so its work. The
	// next round goes on after them, so that with very many damaged tasks the others
	// wait for some rounds, not for good.
	maxDamaged = 256
)

// DamagedError names tasks that are due and cannot be moved, because their rows
// do not fit together. All others were moved, unless the round gave up.
type DamagedError struct {
	// Tasks says of each what is wrong with it.
	Tasks []error
	// GaveUp says that there were so many that the round left others to the next.
	GaveUp bool
}

func (e *DamagedError) Error() string {
	const told = 5
	var all []string
	for _, err := range e.Tasks[:min(len(e.Tasks), told)] {
		all = append(all, err.Error())
	}
	text := fmt.Sprintf("%d damaged: %s", len(e.Tasks), strings.Join(all, "; "))
	if more := len(e.Tasks) - told; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	if e.GaveUp {
		text += "; others are left to the next round"
	}
	return text
}

// Advance does all that is due up to block head: it ends leases after their
// deadline and issues tasks again whose result was rejected or never confirmed.
// It returns how many tasks it moved, also with an error. One task that cannot
// be moved keeps no other waiting: those are a DamagedError in the end. Several
// processes may do it at once.
func (e *Engine) Advance(ctx context.Context, head uint64) (ended int, err error) {
	r := round{head: head, most: maxDue}
	if passed := e.passed.Load(); passed != nil {
		r.after = *passed
	}
	for len(r.faults) < maxDamaged {
		more, err := r.waits(ctx, e)
		if err != nil {
			return ended, err
		}
		if !more {
			e.passed.Store(nil)
			return ended, r.report(false)
		}
		moved, err := r.move(ctx, e)
		ended += moved
		if err != nil {
			return ended, err
		}
	}
	e.passed.Store(&r.after)
	return ended, r.report(true)
}

// round is one Advance on its way.
type round struct {
	head uint64
	// most is how many tasks the next change moves.
	most int
	// after is the last task that cannot be moved, faults why those cannot.
	after  Due
	faults []error
}

func (r *round) report(gaveUp bool) error {
	if len(r.faults) == 0 {
		return nil
	}
	return &DamagedError{r.faults, gaveUp}
}

func (r *round) waits(ctx context.Context, e *Engine) (more bool, err error) {
	err = e.store.View(ctx, func(v View) error {
		due, err := v.Due(r.head, r.after, 1)
		more = len(due) > 0
		return err
	})
	return more, err
}

// move moves some tasks in one change. A task that fails undoes those before it,
// which the next change moves without it; once it is the first, it is damaged.
// So a task is moved twice at most, and each damaged one costs two changes.
func (r *round) move(ctx context.Context, e *Engine) (moved int, err error) {
	var failed Due
	var fault error
	err = e.unsigned(ctx, r.head, books.ActorServer, func(c *change) error {
		moved, failed, fault = 0, Due{}, nil
		due, err := c.Due(r.head, r.after, r.most)
		if err != nil {
			return err
		}
		for _, d := range due {
			t, err := c.Task(d.Task)
			if err == nil {
				err = c.settle(t)
			}
			if err != nil {
				failed, fault = d, fmt.Errorf("task %s is due: %w", d.Task, err)
				return fault
			}
			moved++
		}
		return nil
	})
	switch {
	case err == nil:
		r.most = maxDue
		return moved, nil
	case fault == nil || storeFailed(err):
		return 0, err
	case moved > 0:
		r.most = moved
	default:
		r.after = failed
		r.faults = append(r.faults, fault)
		r.most = maxDue
	}
	return 0, nil
}

// storeFailed tells an error that every task would meet from one of a task.
func storeFailed(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
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
