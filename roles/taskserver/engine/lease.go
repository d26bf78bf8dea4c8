package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Lease answers with the lease a slot holds, else grants a new one of the task
// that block hash and hotkey draw.
func (e *Engine) Lease(ctx context.Context, who Request, req contract.LeaseRequest) (receipt contract.Receipt, granted bool, err error) {
	err = e.signed(ctx, who, func(c *change) error {
		receipt, granted = contract.Receipt{}, false
		held, err := c.held(who.Hotkey, req.Slot)
		if err == nil {
			receipt = held.Receipt
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		receipt, err = e.grant(c, who, req)
		granted = err == nil
		return err
	})
	if err != nil {
		return contract.Receipt{}, false, err
	}
	return receipt, granted, nil
}

// held returns the lease of a slot that is live at this block.
func (c *change) held(hotkey string, slot int) (Lease, error) {
	l, err := c.SlotLease(hotkey, slot)
	if err != nil {
		return Lease{}, err
	}
	t, err := c.settled(l.Receipt.Task)
	if err != nil {
		return Lease{}, err
	}
	if t.State != contract.TaskLeased {
		return Lease{}, ErrNotFound
	}
	return l, nil
}

func (e *Engine) grant(c *change, who Request, req contract.LeaseRequest) (contract.Receipt, error) {
	recipe, ok := c.rules.Recipe(req.Recipe, c.block)
	if !ok {
		return contract.Receipt{}, refuse(fmt.Errorf("%w at block %d", ErrRecipe, c.block))
	}
	if err := c.allow(who.Hotkey, who.Coldkey, req.Slot); err != nil {
		return contract.Receipt{}, err
	}
	t, err := c.Draw(DrawPoint(who.Head.Hash, who.Key))
	if errors.Is(err, ErrNotFound) {
		return contract.Receipt{}, refuse(ErrNoTask)
	}
	if err != nil {
		return contract.Receipt{}, err
	}
	if err := c.free(t); err != nil {
		return contract.Receipt{}, err
	}
	t.State = contract.TaskLeased
	t.Generation++
	t.DeadlineBlock = c.block + c.rules.DeadlineBlocks
	t.DueBlock = t.DeadlineBlock
	receipt, err := e.sign(contract.Receipt{
		V:               1,
		Task:            t.ID,
		Crawl:           t.Crawl,
		CatalogueSHA256: t.CatalogueSHA256,
		Files:           t.Files,
		Recipe:          recipe,
		Hotkey:          who.Hotkey,
		Generation:      t.Generation,
		Block:           c.block,
		BlockHash:       who.Head.Hash.String(),
		DeadlineBlock:   t.DeadlineBlock,
	})
	if err != nil {
		return contract.Receipt{}, fmt.Errorf("sign receipt for task %s: %w", t.ID, err)
	}
	sum, err := receiptSum(receipt)
	if err != nil {
		return contract.Receipt{}, err
	}
	if err := c.PutLease(Lease{Receipt: receipt, Coldkey: who.Coldkey, Slot: req.Slot, State: contract.LeaseLive}); err != nil {
		return contract.Receipt{}, err
	}
	return receipt, c.put(books.OpLease, contract.TaskAvailable, t, books.Lease{
		After: after(t, nil), Coldkey: who.Coldkey, Slot: req.Slot, Deadline: t.DeadlineBlock, Receipt: sum,
	})
}

// free checks that a drawn task is nobody's at this block. It can be somebody's
// if this server lags behind another one on the same store, which saw the
// deadline pass.
func (c *change) free(t Task) error {
	if t.State != contract.TaskAvailable || !t.Ready {
		return fmt.Errorf("draw task %s: it is %s, ready %t", t.ID, t.State, t.Ready)
	}
	if t.Generation == 0 || c.block > t.DeadlineBlock {
		return nil
	}
	last, err := c.Tx.Lease(t.ID, t.Generation)
	if err != nil {
		return err
	}
	if last.State != contract.LeaseReleased {
		return refuse(fmt.Errorf("%w: task %s is free after block %d, the newest here is %d", ErrAhead, t.ID, t.DeadlineBlock, c.block))
	}
	return nil
}

// receiptSum is the hash of a receipt with its signature.
func receiptSum(r contract.Receipt) (string, error) {
	raw, err := canon.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("hash receipt for task %s: %w", r.Task, err)
	}
	return canon.Sum(raw), nil
}

// Renew notes a sign of life of a live lease.
func (e *Engine) Renew(ctx context.Context, who Request, req contract.RenewRequest) (status contract.LeaseStatus, err error) {
	err = e.signed(ctx, who, func(c *change) error {
		t, l, err := c.own(who, req.Task, req.Generation)
		if err != nil {
			return err
		}
		if l.State != contract.LeaseLive {
			return refuse(fenced(l))
		}
		status = c.status(l)
		if l.RenewedBlock >= c.block {
			return nil // known already
		}
		l.RenewedBlock = c.block
		if err := c.PutLease(l); err != nil {
			return err
		}
		return c.audit(books.Entry{Op: books.OpRenew, Task: t.ID, Generation: t.Generation, From: t.State, To: t.State},
			books.Renewal{UUID: who.UUID})
	})
	return answered(status, err)
}

// Release ends a live lease before its deadline. Repeated it changes nothing.
func (e *Engine) Release(ctx context.Context, who Request, req contract.ReleaseRequest) (status contract.LeaseStatus, err error) {
	err = e.signed(ctx, who, func(c *change) error {
		t, l, err := c.own(who, req.Task, req.Generation)
		if err != nil {
			return err
		}
		if l.State == contract.LeaseReleased {
			status = c.status(l)
			return nil
		}
		if l.State != contract.LeaseLive {
			return refuse(fenced(l))
		}
		if req.Missing != "" && !slices.ContainsFunc(l.Receipt.Files, func(f contract.InputFile) bool { return f.Path == req.Missing }) {
			return refuse(fmt.Errorf("%w: %.120q is no file of task %s", contract.ErrInvalid, req.Missing, t.ID))
		}
		l.State, l.EndedBlock, l.Reason = contract.LeaseReleased, c.block, req.Reason
		if req.Missing != "" {
			l.Excuse, l.Excused = req.Missing, ExcusePending
		}
		status = c.status(l)
		return c.end(books.OpRelease, t, l)
	})
	return answered(status, err)
}

// end keeps a lease that led to nothing, and what becomes of its task.
func (c *change) end(op string, t Task, l Lease) error {
	from := t.State
	strikes, err := c.strike(&l, 1)
	if err != nil {
		return err
	}
	if err := c.PutLease(l); err != nil {
		return err
	}
	if err := c.fail(&t); err != nil {
		return err
	}
	if err := c.account(l, from, t.State); err != nil {
		return err
	}
	return c.put(op, from, t, books.End{After: after(t, strikes), Reason: l.Reason, Missing: l.Excuse})
}

// own returns a lease of the caller and its task, as they are at this block.
func (c *change) own(who Request, task string, generation int64) (Task, Lease, error) {
	t, err := c.settled(task)
	if errors.Is(err, ErrNotFound) {
		return Task{}, Lease{}, refuse(fmt.Errorf("task %s: %w", task, ErrNotFound))
	}
	if err != nil {
		return Task{}, Lease{}, err
	}
	l, err := c.Tx.Lease(task, generation)
	if errors.Is(err, ErrNotFound) {
		return Task{}, Lease{}, refuse(fmt.Errorf("lease %d of task %s: %w", generation, task, ErrNotFound))
	}
	if err != nil {
		return Task{}, Lease{}, err
	}
	if l.Receipt.Hotkey != who.Hotkey {
		return Task{}, Lease{}, refuse(ErrNotHolder)
	}
	return t, l, nil
}

func (c *change) status(l Lease) contract.LeaseStatus {
	return contract.LeaseStatus{Task: l.Receipt.Task, Generation: l.Receipt.Generation, State: l.State,
		DeadlineBlock: l.Receipt.DeadlineBlock, Block: c.block}
}

// answered drops a status that came to nothing.
func answered(status contract.LeaseStatus, err error) (contract.LeaseStatus, error) {
	if err != nil {
		return contract.LeaseStatus{}, err
	}
	return status, nil
}

// fenced says how a lease ended.
func fenced(l Lease) error {
	if l.EndedBlock == 0 {
		return fmt.Errorf("%w: %s", ErrFenced, l.State)
	}
	return fmt.Errorf("%w: %s at block %d", ErrFenced, l.State, l.EndedBlock)
}
