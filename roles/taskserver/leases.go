package taskserver

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
)

// maxDraws is how often a draw is repeated because somebody else took the task
// between reading and granting.
const maxDraws = 16

// head returns the newest finalised block, after ending the leases that are
// overdue at it.
func (s *Server) head(ctx context.Context) (chain.Block, error) {
	head, err := s.chain.Head(ctx)
	if err != nil {
		return chain.Block{}, err
	}
	known := s.expired.Load()
	if head.Number <= known {
		return head, nil
	}
	ended, err := s.store.Expire(ctx, head.Number)
	if err != nil {
		return chain.Block{}, fmt.Errorf("end overdue leases: %w", err)
	}
	if ended > 0 {
		s.log.Info().Uint64("block", head.Number).Int("leases", ended).Msg("leases expired")
	}
	s.expired.CompareAndSwap(known, head.Number) // if not, another request was as fast
	return head, nil
}

// lease answers with the lease a slot holds, else with a new one.
func (s *Server) lease(ctx context.Context, who caller, req contract.LeaseRequest) (contract.Receipt, error) {
	head, err := s.head(ctx)
	if err != nil {
		return contract.Receipt{}, err
	}
	for range maxDraws {
		held, err := s.store.Held(ctx, who.address, req.Slot)
		if !errors.Is(err, ErrNotFound) {
			return held.Receipt, err
		}
		receipt, err := s.draw(ctx, who, req, head)
		if err != nil {
			return contract.Receipt{}, err
		}
		err = s.store.Grant(ctx, Lease{Receipt: receipt, Slot: req.Slot})
		if err == nil {
			s.log.Info().Str("task", receipt.Task).Str("hotkey", who.address).Int64("generation", receipt.Generation).
				Uint64("block", receipt.Block).Uint64("deadline_block", receipt.DeadlineBlock).Msg("lease granted")
			return receipt, nil
		}
		if !errors.Is(err, ErrConflict) {
			return contract.Receipt{}, err
		}
	}
	return contract.Receipt{}, retry(problem(contract.ProblemUnavailable, "others took %d tasks first", maxDraws), s.retryAfter)
}

// draw makes a signed receipt for the task that block and hotkey give.
func (s *Server) draw(ctx context.Context, who caller, req contract.LeaseRequest, head chain.Block) (contract.Receipt, error) {
	if req.Slot > s.info.Slots {
		return contract.Receipt{}, problem(contract.ProblemSlot, "a hotkey has %d slots here", s.info.Slots)
	}
	recipe, ok := s.recipe(req.Recipe)
	if !ok {
		return contract.Receipt{}, problem(contract.ProblemUnknownRecipe, "GET /v1/recipes lists those that are")
	}
	task, err := s.store.Draw(ctx, drawPoint(head.Hash, who.neuron.Hotkey))
	if errors.Is(err, ErrNotFound) {
		return contract.Receipt{}, retry(problem(contract.ProblemNoTask, "all tasks are leased or done"), s.retryAfter)
	}
	if err != nil {
		return contract.Receipt{}, err
	}
	return s.sign(contract.Receipt{
		V:               1,
		Task:            task.ID,
		Crawl:           task.Crawl,
		CatalogueSHA256: task.CatalogueSHA256,
		Files:           task.Files,
		Recipe:          recipe,
		Hotkey:          who.address,
		Generation:      task.Generation + 1,
		Block:           head.Number,
		BlockHash:       head.Hash.String(),
		DeadlineBlock:   head.Number + s.info.DeadlineBlocks,
		Server:          s.info.Server,
	})
}

func (s *Server) recipe(name string) (contract.RecipeRef, bool) {
	for _, r := range s.info.Recipes {
		if r.Name == name {
			return r, true
		}
	}
	return contract.RecipeRef{}, false
}

func (s *Server) sign(r contract.Receipt) (contract.Receipt, error) {
	raw, err := canon.Marshal(r.Unsigned())
	if err != nil {
		return contract.Receipt{}, fmt.Errorf("sign receipt: %w", err)
	}
	signature, err := s.signer.Sign(raw)
	if err != nil {
		return contract.Receipt{}, fmt.Errorf("sign receipt: %w", err)
	}
	r.Signature = hex.EncodeToString(signature[:])
	if err := r.Validate(); err != nil { // nobody would accept it
		return contract.Receipt{}, fmt.Errorf("%w: receipt for task %s: %w", errInternal, r.Task, err)
	}
	return r, nil
}

func (s *Server) renew(ctx context.Context, who caller, req contract.RenewRequest) (contract.LeaseStatus, error) {
	head, err := s.head(ctx)
	if err != nil {
		return contract.LeaseStatus{}, err
	}
	l, err := s.store.Renew(ctx, LeaseKey{req.Task, req.Generation, who.address}, head.Number)
	return status(l, head), err
}

func (s *Server) release(ctx context.Context, who caller, req contract.ReleaseRequest) (contract.LeaseStatus, error) {
	head, err := s.head(ctx)
	if err != nil {
		return contract.LeaseStatus{}, err
	}
	l, err := s.store.Release(ctx, LeaseKey{req.Task, req.Generation, who.address}, req.Reason, head.Number)
	if err == nil {
		s.log.Info().Str("task", req.Task).Str("hotkey", who.address).Int64("generation", req.Generation).
			Str("reason", req.Reason).Msg("lease released")
	}
	return status(l, head), err
}

// submit takes a result whose claim lies within the lease. It need not arrive
// within it: until the task is issued again, a late announcement of a timely
// claim saves the work.
func (s *Server) submit(ctx context.Context, who caller, req contract.SubmitRequest) (contract.LeaseStatus, error) {
	head, err := s.head(ctx)
	if err != nil {
		return contract.LeaseStatus{}, err
	}
	key := LeaseKey{req.Task, req.Generation, who.address}
	l, err := s.store.Lease(ctx, key)
	if err != nil {
		return contract.LeaseStatus{}, err
	}
	if req.Block <= l.Block {
		return contract.LeaseStatus{}, problem(contract.ProblemMalformed, "the claim is of block %d, the receipt of block %d", req.Block, l.Block)
	}
	if req.Block > l.DeadlineBlock {
		return contract.LeaseStatus{}, problem(contract.ProblemFenced, "the claim is of block %d, the deadline was block %d", req.Block, l.DeadlineBlock)
	}
	l, err = s.store.Submit(ctx, key, Result{Claim: req.Claim, Manifest: req.Manifest, Block: req.Block})
	if err == nil {
		s.log.Info().Str("task", req.Task).Str("hotkey", who.address).Int64("generation", req.Generation).
			Str("claim", req.Claim).Uint64("block", req.Block).Msg("result submitted")
	}
	return status(l, head), err
}

func status(l LeaseState, head chain.Block) contract.LeaseStatus {
	return contract.LeaseStatus{Task: l.Task, Generation: l.Generation, State: l.State, DeadlineBlock: l.DeadlineBlock, Block: head.Number}
}
