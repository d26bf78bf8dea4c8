package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Requeue makes a task available again and forgets its attempts, and the sizes
// of its files, which are surveyed anew before it is leased: one that changed
// since would fail again. They stay while its newest result waits for verdicts,
// as that can be accepted as long as nobody else has the task. It ends no lease
// before its deadline, and undoes no accepted work: that is ErrState.
func (e *Engine) Requeue(ctx context.Context, block uint64, task string) error {
	err := e.unsigned(ctx, block, books.ActorOperator, func(c *change) error {
		t, err := c.settled(task)
		if err != nil {
			return err
		}
		if err := requeuable(t, block); err != nil {
			return err
		}
		return c.requeue(t)
	})
	if err != nil {
		return fmt.Errorf("requeue task %s: %w", task, err)
	}
	return nil
}

func (c *change) requeue(t Task) error {
	waits, err := c.awaitsVerdicts(t)
	if err != nil {
		return err
	}
	from := t.State
	forgets := sized(t.Files) && !waits
	if from == contract.TaskAvailable && t.Attempts == 0 && !forgets {
		return nil
	}
	if from == contract.TaskSubmitted {
		l, err := c.Tx.Lease(t.ID, t.Generation)
		if err != nil {
			return err
		}
		if err := c.account(l, from, contract.TaskAvailable); err != nil {
			return err
		}
	}
	t.State, t.Attempts, t.DueBlock, t.Evidence = contract.TaskAvailable, 0, 0, ""
	var forgotten []contract.InputFile
	if forgets {
		forgotten = t.Files
		t.Files, t.Ready = unsized(t.Files), false
	}
	return c.put(books.OpRequeue, from, t, books.Requeue{After: after(t, nil), Files: forgotten})
}

// awaitsVerdicts reports whether the newest lease of a task has a result that no
// verdicts reject.
func (c *change) awaitsVerdicts(t Task) (bool, error) {
	result, ok, err := c.result(t.ID, t.Generation)
	if err != nil || !ok {
		return false, err
	}
	verdicts, err := c.NewestVerdicts(t.ID, t.Generation)
	return outcome(tally(verdicts, result.Manifest)) != contract.TaskRejected, err
}

func requeuable(t Task, block uint64) error {
	switch t.State {
	case contract.TaskAvailable, contract.TaskQuarantined:
		return nil
	case contract.TaskAccepted:
		return fmt.Errorf("%w: its result was accepted", ErrState)
	}
	if block <= t.DeadlineBlock {
		return fmt.Errorf("%w: it is %s, and nobody else gets it up to its deadline, block %d", ErrState, t.State, t.DeadlineBlock)
	}
	return nil
}

// Ban keeps a holder from new leases; those it has go on. The reason is told to
// whoever is refused.
func (e *Engine) Ban(ctx context.Context, block uint64, h Holder, reason string) error {
	if err := checkHolder(h); err != nil {
		return fmt.Errorf("ban: %w", err)
	}
	if reason = strings.TrimSpace(clip(reason, contract.MaxReason)); reason == "" {
		return fmt.Errorf("ban %s %s: %w: a ban needs a reason", h.Kind, h.Address, contract.ErrInvalid)
	}
	return e.record(ctx, block, h, books.OpBan, reason, func(r *Record) { r.Ban = reason })
}

// Clear takes back the ban and the strikes of a holder.
func (e *Engine) Clear(ctx context.Context, block uint64, h Holder) error {
	if err := checkHolder(h); err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	return e.record(ctx, block, h, books.OpClear, "", func(r *Record) { r.Strikes, r.StruckBlock, r.Ban = 0, 0, "" })
}

func (e *Engine) record(ctx context.Context, block uint64, h Holder, op, reason string, edit func(*Record)) error {
	err := e.unsigned(ctx, block, books.ActorOperator, func(c *change) error {
		r, err := c.Record(h)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		r.Holder = h
		before := r
		if edit(&r); r == before {
			return nil
		}
		if err := c.PutRecord(r); err != nil {
			return err
		}
		return c.audit(books.Entry{Op: op}, books.Holder{Kind: h.Kind, Address: h.Address, Reason: reason})
	})
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", op, h.Kind, h.Address, err)
	}
	return nil
}

func checkHolder(h Holder) error {
	if h.Kind != HolderHotkey && h.Kind != HolderColdkey {
		return fmt.Errorf("%w: %.40q is neither hotkey nor coldkey", contract.ErrInvalid, h.Kind)
	}
	if !contract.ValidHotkey(h.Address) {
		return fmt.Errorf("%w: %.80q is no SS58 address", contract.ErrInvalid, h.Address)
	}
	return nil
}

// Retire ends a crawl: its tasks are leased no more. Those that are leased go
// on. However many tasks it has, none of them changes: no draw looks at them.
func (e *Engine) Retire(ctx context.Context, block uint64, crawl string) error {
	err := e.unsigned(ctx, block, books.ActorOperator, func(c *change) error {
		known, err := c.Crawl(crawl)
		if err != nil || known.Retired {
			return err
		}
		known.Retired = true
		if err := c.PutCrawl(known); err != nil {
			return err
		}
		return c.audit(books.Entry{Op: books.OpRetire}, books.Retire{Crawl: crawl})
	})
	if err != nil {
		return fmt.Errorf("retire crawl %.80q: %w", crawl, err)
	}
	return nil
}
