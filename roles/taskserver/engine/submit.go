package engine

import (
	"context"
	"errors"
	"fmt"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Submit takes the result of a lease, whose claim lies within it. The
// announcement may come later: until the task is issued again, a late word of a
// timely claim saves the work. Repeated with the same manifest it changes
// nothing.
func (e *Engine) Submit(ctx context.Context, who Request, req contract.SubmitRequest) (status contract.LeaseStatus, err error) {
	err = e.signed(ctx, who, func(c *change) error {
		t, l, err := c.own(who, req.Task, req.Generation)
		if err != nil {
			return err
		}
		if l.State == contract.LeaseSubmitted {
			status = c.status(l)
			return c.sameResult(req)
		}
		if err := c.claimFits(l, req.Block); err != nil {
			return err
		}
		late := l.State == contract.LeaseExpired && t.Generation == req.Generation
		if l.State != contract.LeaseLive && !late {
			return refuse(fenced(l))
		}
		if err := c.submit(t, l, req, late); err != nil {
			return err
		}
		l.State = contract.LeaseSubmitted
		status = c.status(l)
		return c.judge(req.Task, req.Generation)
	})
	return answered(status, err)
}

// sameResult checks a repeated submission.
func (c *change) sameResult(req contract.SubmitRequest) error {
	s, err := c.Submission(req.Task, req.Generation)
	if err != nil {
		return fmt.Errorf("result of task %s: %w", req.Task, err)
	}
	if s.Manifest != req.Manifest {
		return refuse(ErrSubmitted)
	}
	return nil
}

// claimFits checks that the claim's block lies within the lease.
func (c *change) claimFits(l Lease, block uint64) error {
	switch r := l.Receipt; {
	case block <= r.Block:
		return refuse(fmt.Errorf("%w: the claim is of block %d, the receipt of block %d", contract.ErrInvalid, block, r.Block))
	case block > r.DeadlineBlock:
		return refuse(fmt.Errorf("%w: the claim is of block %d, the deadline was block %d", ErrFenced, block, r.DeadlineBlock))
	case block > c.block:
		return refuse(fmt.Errorf("%w: the claim is of block %d, the newest here is %d", ErrAhead, block, c.block))
	}
	return nil
}

func (c *change) submit(t Task, l Lease, req contract.SubmitRequest, late bool) error {
	from := t.State
	if late { // it led to something after all
		t.Attempts = max(0, t.Attempts-1)
	}
	strikes, err := c.strike(&l, 0)
	if err != nil {
		return err
	}
	l.State, l.EndedBlock, l.Reason = contract.LeaseSubmitted, c.block, ""
	if err := c.PutLease(l); err != nil {
		return err
	}
	result := contract.SubmissionView{Task: t.ID, Generation: t.Generation, Hotkey: l.Receipt.Hotkey,
		Claim: req.Claim, Manifest: req.Manifest, Block: req.Block, Bytes: l.Receipt.Bytes()}
	if err := c.AddSubmission(result); err != nil {
		return err
	}
	t.State, t.Evidence = contract.TaskSubmitted, ""
	if err := c.account(l, from, t.State); err != nil {
		return err
	}
	t.DueBlock = c.confirmBlock(t)
	return c.put(books.OpSubmit, from, t, books.Submit{After: after(t, strikes), Claim: result.Claim,
		Manifest: result.Manifest, Block: result.Block, Bytes: result.Bytes})
}

// confirmBlock is until when a submission waits for verdicts: ConfirmBlocks
// from its deadline, or from now if that is past.
func (c *change) confirmBlock(t Task) uint64 {
	return max(t.DeadlineBlock, c.block) + c.rules.ConfirmBlocks
}

// result returns the submission of a lease, if there is one.
func (c *change) result(task string, generation int64) (contract.SubmissionView, bool, error) {
	s, err := c.Submission(task, generation)
	if errors.Is(err, ErrNotFound) {
		return s, false, nil
	}
	return s, err == nil, err
}
